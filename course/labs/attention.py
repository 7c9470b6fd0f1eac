"""Lab: attention of four words, in which every number of Q, K and V, and every cell of the mask, can be changed.

A number is chosen with the mouse or the arrow keys and set with a slider; the scores, the weights and the output
follow. They are the learner's own `scaled_dot_product`'s.
"""

import html
import math

import engine as torch
from course.labs import svg
from course.labs.clickable import clickable
from course.labs.pictures import GREY

WORDS = "the", "cat", "sat", "down"
WIDTH = 2  # of queries, keys and values
FIRST = {  # a query for nouns, a key that says "noun", and so on: "sat" looks for its "cat"
    "Q": [[1.0, 0.0], [0.0, 1.0], [3.0, 0.0], [0.0, 2.0]],
    "K": [[-1.0, 0.0], [2.0, 0.0], [0.0, 2.0], [0.0, 1.0]],
    "V": [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [-1.0, 1.0]]}
LIMIT = 3.0  # of what can be set
CELL, BIG_WIDTH, BIG_HEIGHT = 46, 830, 490  # pixels
UP, DOWN = 40, 280  # the tops of the upper and the lower matrices
LEFTS = {"Q": 62, "scores": 190, "weights": 450, "output": 710}
PLACES = {  # (left, top) of each matrix
    "K": (LEFTS["scores"], UP + 2 * CELL), "mask": (LEFTS["weights"], UP), "V": (LEFTS["output"], UP),
    "Q": (LEFTS["Q"], DOWN), "scores": (LEFTS["scores"], DOWN), "weights": (LEFTS["weights"], DOWN),
    "output": (LEFTS["output"], DOWN)}
BLUE = "#0072b2"  # no colour of the heat maps


def attention(scaled_dot_product, causal_mask):
    """Show the lab.

    scaled_dot_product(q, k, v, mask): the learner's, on tensors, returns (output, weights). causal_mask(queries, keys):
    the learner's, a tensor of bools. Returns the `Attention`, whose `Q`, `K`, `V` (4 by 2, lists of rows), `mask` (4 by
    4 bools), `is_scaled` and `temperature` can be set from code.
    """
    lab = Attention(scaled_dot_product, causal_mask)
    lab.show()
    return lab


class Attention:
    """The lab's state: three matrices, a mask, and which cell is chosen: (matrix, row, column)."""

    def __init__(self, scaled_dot_product, causal_mask):
        self.attend, self.causal_mask = scaled_dot_product, causal_mask
        self.Q, self.K, self.V = ([list(row) for row in FIRST[name]] for name in "QKV")
        self.mask = [[True] * len(WORDS) for _ in WORDS]
        self.is_scaled, self.temperature = True, 1.0
        self.chosen = "Q", 2, 0

    def look(self):
        """All the numbers of the picture: the scores by their formula, the rest by the learner's function."""
        q, k, v = (torch.tensor(matrix) for matrix in (self.Q, self.K, self.V))
        if q.shape != (len(WORDS), WIDTH) or k.shape != q.shape or v.shape != q.shape:
            raise ValueError(f"attention: Q, K and V should have {len(WORDS)} rows of {WIDTH} numbers")
        mask = torch.tensor(self.mask)
        factor = (1.0 if self.is_scaled else math.sqrt(WIDTH)) / self.temperature
        scores = (q @ k.T * (factor / math.sqrt(WIDTH))).masked_fill(~mask, -math.inf)
        output, weights = self.attend(q * factor, k, v, mask)  # which divides by √d by itself
        return {"scores": scores.tolist(), "weights": weights.tolist(), "output": output.tolist()}

    def value(self):
        """The chosen number, or whether the chosen cell of the mask is open."""
        name, row, column = self.chosen
        return getattr(self, name)[row][column]

    def set(self, value):
        """Put a number, or True or False in the mask, into the chosen cell. A query's last open key stays open."""
        name, row, column = self.chosen
        if name == "mask" and not value and sum(self.mask[row]) == 1:
            return
        getattr(self, name)[row][column] = value

    def set_causal(self, is_causal):
        """The learner's causal mask, or none."""
        size = len(WORDS)
        self.mask = self.causal_mask(size, size).tolist() if is_causal else [[True] * size for _ in WORDS]

    def move(self, down, right):
        """Choose the next cell in that direction; at the edge of one matrix lies the next."""
        centres = _centres()
        x, y = centres[self.chosen]
        found = []
        for cell, (other_x, other_y) in centres.items():
            ahead = (other_x - x) * right + (other_y - y) * down
            aside = abs(other_x - x) * abs(down) + abs(other_y - y) * abs(right)
            if ahead > CELL / 4:
                found.append((ahead + 4 * aside, cell))
        if found:
            self.chosen = min(found)[1]

    def describe(self, seen=None):
        """The picture in one line of text, for the query of the chosen row."""
        seen = seen or self.look()
        name, row, column = self.chosen
        what = f"{name}[{row}, {column}] of “{WORDS[row]}” is "
        if name == "mask":
            what = f"“{WORDS[row]}” looking at “{WORDS[column]}” is "
            what += "allowed" if self.value() else "hidden"
        else:
            what += f"{self.value():.1f}"
        asks = row if name in ("Q", "mask") else len(WORDS) - 1
        shares = ", ".join(f"{word} {share:.2f}" for word, share in zip(WORDS, seen["weights"][asks]))
        out = ", ".join(f"{number:.2f}" for number in seen["output"][asks])
        return f"{what}. “{WORDS[asks]}” attends to {shares}; its output is {out}.".replace("-", "−")

    def to_html(self, seen=None):
        """The picture, with its line of text as the alternative."""
        seen = seen or self.look()
        return svg.image(draw(self, seen), self.describe(seen))

    def show(self):
        """A still picture, folded away, and the controls (without a kernel only the first is left)."""
        from IPython.display import HTML, display

        seen = self.look()
        said = html.escape(self.describe(seen))
        display(HTML(f"<details><summary>The lab as a still picture. {said}</summary>{self.to_html(seen)}</details>"))
        display(self.widget())

    def widget(self):
        """The controls, and below them the picture, in which a cell is chosen."""
        import ipywidgets

        wide, style = ipywidgets.Layout(width="21em"), {"description_width": "7em"}
        number = ipywidgets.FloatSlider(self.value(), min=-LIMIT, max=LIMIT, step=0.1, layout=wide, style=style)
        temperature = ipywidgets.FloatSlider(
            self.temperature, min=0.2, max=3, step=0.1, description="temperature", layout=wide, style=style)
        narrow = ipywidgets.Layout(width="12em")
        scaled = ipywidgets.Checkbox(self.is_scaled, description="divide by √d", indent=False, layout=narrow)
        causal = ipywidgets.Checkbox(False, description="causal mask", indent=False, layout=narrow)
        said = ipywidgets.HTML()

        def point(x, y):
            cell = _cell(x, y)
            if cell:
                self.chosen = cell
                if cell[0] == "mask":
                    self.set(not self.value())
                chosen()

        def move(down, right):
            self.move(down, right)
            chosen()

        def chosen():
            name, row, column = self.chosen
            number.disabled = name == "mask"
            number.description = "mask: click" if name == "mask" else f"{name}[{row}, {column}]"
            if name != "mask":
                with number.hold_trait_notifications():
                    number.value = self.value()
            redraw()

        def set_number(change):
            if self.chosen[0] != "mask":
                self.set(change["new"])
                redraw()

        def set_causal(change):
            self.set_causal(change["new"])
            redraw()

        def set_sharpness(_):
            self.is_scaled, self.temperature = scaled.value, temperature.value
            redraw()

        def redraw():
            seen = self.look()
            said.value = f"<code>{html.escape(self.describe(seen))}</code>"
            picture.picture = self.to_html(seen)

        label = "Click a number of Q, K or V to change it with the slider, a cell of the mask to switch it; arrow keys move."
        picture = clickable(label, point, move)
        number.observe(set_number, "value")
        causal.observe(set_causal, "value")
        for each in (temperature, scaled):
            each.observe(set_sharpness, "value")
        chosen()
        controls = ipywidgets.HBox([number, temperature, scaled, causal], layout=ipywidgets.Layout(flex_flow="row wrap"))
        return ipywidgets.VBox([controls, said, picture])


# ---- where things are ---------------------------------------------------------------------------------


def _centres():
    """{(matrix, row, column): (x, y)} of the cells that can be chosen. K is drawn turned: a column is a key."""
    centres = {}
    for name in ("Q", "K", "V", "mask"):
        left, top = PLACES[name]
        for row in range(len(WORDS)):
            for column in range(len(WORDS) if name == "mask" else WIDTH):
                right, down = (row, column) if name == "K" else (column, row)
                centres[name, row, column] = left + (right + 0.5) * CELL, top + (down + 0.5) * CELL
    return centres


def _cell(x, y):
    """The cell at a place of the picture, given as shares of its width and height; None beside them."""
    for cell, (middle, height) in _centres().items():
        if abs(x * BIG_WIDTH - middle) < CELL / 2 and abs(y * BIG_HEIGHT - height) < CELL / 2:
            return cell
    return None


# ---- the picture --------------------------------------------------------------------------------------


def draw(lab, seen):
    """The picture, as SVG text, for what `Attention.look` returned."""
    turned = [list(column) for column in zip(*lab.K)]
    scores = seen["scores"]
    biggest = max((abs(number) for row in scores for number in row if number != -math.inf), default=1.0) or 1.0
    parts = _matrix("Q", "Q", lab.Q, LIMIT, rows=WORDS)
    parts += _matrix("K", "Kᵀ", turned, LIMIT, columns=WORDS)
    parts += _matrix("V", "V", lab.V, LIMIT, rows=WORDS)
    parts += _matrix("scores", "scores", scores, biggest)
    parts += _matrix("weights", "weights", seen["weights"], 1.0, rows=WORDS)
    parts += _matrix("output", "output", seen["output"], LIMIT)
    parts += _mask(lab.mask)
    for left, sign in ((LEFTS["scores"] - 18, "×"), (LEFTS["weights"] - 54, "→"), (LEFTS["output"] - 38, "×")):
        parts.append(svg.text(left, DOWN + 2 * CELL + 6, sign, 20, GREY, "middle"))
    formula = f"Q Kᵀ{' / √2' if lab.is_scaled else ''}{f' / {lab.temperature:.1f}' if lab.temperature != 1 else ''}"
    parts.append(svg.text(LEFTS["scores"] + 62, DOWN - 8, f"= {formula}, masked", 12, GREY))
    x, y = _centres()[lab.chosen]
    parts.append(svg.box(x - CELL / 2, y - CELL / 2, CELL, CELL, "none", BLUE, 4))
    return svg.drawing(BIG_WIDTH, BIG_HEIGHT, parts)


def _matrix(name, title, rows_of_numbers, limit, rows=(), columns=()):
    left, top = PLACES[name]
    parts = [svg.text(left, top - (24 if columns else 8), title, 15, bold=True)]
    for row, numbers in enumerate(rows_of_numbers):
        for column, number in enumerate(numbers):
            x, y = left + column * CELL, top + row * CELL
            if number == -math.inf:
                parts += [svg.box(x, y, CELL, CELL, "#eeeeee", "white"), _number(x, y, "−∞", GREY)]
                continue
            share = min(1.0, abs(number) / limit)
            parts.append(svg.box(x, y, CELL, CELL, _colour(number, share), "#dddddd"))
            words = f"{number:.2f}".replace("-0.00", "0.00").replace("-", "−")
            parts.append(_number(x, y, words, "white" if share > 0.7 else "black"))
    parts += [svg.text(left - 6, top + (row + 0.62) * CELL, word, 12, GREY, "end") for row, word in enumerate(rows)]
    parts += [svg.text(left + (n + 0.5) * CELL, top - 7, word, 12, GREY, "middle") for n, word in enumerate(columns)]
    return parts


def _mask(mask):
    left, top = PLACES["mask"]
    parts = [svg.text(left, top - 24, "mask", 15, bold=True)]
    parts += [svg.text(left + (n + 0.5) * CELL, top - 7, word, 12, GREY, "middle") for n, word in enumerate(WORDS)]
    parts += [svg.text(left - 6, top + (n + 0.62) * CELL, word, 12, GREY, "end") for n, word in enumerate(WORDS)]
    for row, cells in enumerate(mask):
        for column, is_open in enumerate(cells):
            x, y = left + column * CELL, top + row * CELL
            parts.append(svg.box(x, y, CELL, CELL, "white" if is_open else "#bbbbbb", GREY))
            parts.append(_number(x, y, "sees" if is_open else "hidden", "black", 11))
    return parts


def _number(x, y, words, colour, size=13):
    return svg.text(x + CELL / 2, y + CELL / 2 + 5, words, size, colour, "middle")


def _colour(number, share):
    """From white to orange for positive numbers, to purple for negative ones, as in the other pictures."""
    strong = (179, 88, 6) if number > 0 else (84, 39, 136)
    return "#" + "".join(f"{round(255 + (channel - 255) * share):02x}" for channel in strong)
