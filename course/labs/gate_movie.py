"""Lab: an LSTM reads a sequence, step by step, and shows its gates, its cell and how far back its gradient reaches.

Above: the numbers, the marked ones in orange, and the guess so far. Below: a row a unit, a column a step; what is still
to come is left white. On the right: how much the guess at this step would change with each earlier input, by autograd,
for the LSTM and for an RNN.
"""

import html

import numpy as np

import engine as torch
from course.labs.pictures import DIVERGING, GREY, ORANGE, PALE_GREY, PURPLE, Ground, figure

WIDTH, HEIGHT = 9.4, 5.6  # inches
SHEETS = {"i": "input gate i", "f": "forget gate f", "o": "output gate o", "c": "cell c", "h": "state h = o · tanh(c)"}
GATES = "ifo"
OFFERED = 10  # sequences
LEAST = 1e-12  # a norm that is drawn; what is below lies on the axis


def gate_movie(model, x, rnn):
    """Show the lab.

    model: a module with `recurrent`, an nn.LSTM of one layer, and `readout`, a linear layer to one number; `model(x)` is
    a guess after each step, (T, B). rnn: a module that gives the same for a network to compare with. x: a tensor
    (T, B, 2) of numbers and marks, of which the first ten sequences are offered. Returns the `GateMovie`, whose `step`
    and `sequence` can be set from code.
    """
    lab = GateMovie(model, x, rnn)
    lab.show()
    return lab


class GateMovie:
    """The lab's state: which sequence is read, and how far."""

    def __init__(self, model, x, rnn):
        if x.ndim != 3 or x.shape[2] != 2 or not x.shape[0] or not x.shape[1]:
            raise ValueError(f"gate_movie: expected sequences (T, B, 2), got shape {tuple(x.shape)}")
        if not isinstance(model.recurrent, torch.nn.LSTM) or model.recurrent.num_layers != 1:
            raise ValueError(f"gate_movie: model.recurrent should be an nn.LSTM of one layer, got {model.recurrent}")
        self.model, self.rnn, self.x = model, rnn, x[:, :OFFERED].detach()
        self.step, self.sequence = len(x) - 1, 0
        self._read = {}  # sequence -> what the LSTM does with it
        self._picture = Picture(len(x), model.recurrent.hidden_size)

    def look(self):
        """All numbers of the picture: the sequence, gates and states (T, H), the guesses (T,), the gradients' norms."""
        self.sequence = min(max(self.sequence, 0), self.x.shape[1] - 1)
        self.step = min(max(self.step, 0), len(self.x) - 1)
        if self.sequence not in self._read:
            self._read[self.sequence] = self._watched()
        norms = {"LSTM": self._norms(self.model), "RNN": self._norms(self.rnn)}
        return self._read[self.sequence] | {"norms": norms}

    def _watched(self):
        """Read the sequence to its end with the layer's own weights, and keep what each step computes."""
        layer, x = self.model.recurrent, self.x[:, self.sequence : self.sequence + 1]
        h = c = torch.zeros(1, layer.hidden_size, dtype=x.dtype)
        kept = {name: [] for name in SHEETS}
        with torch.no_grad():
            for step in x:
                sums = step @ layer.weight_ih_l0.T + layer.bias_ih_l0 + h @ layer.weight_hh_l0.T + layer.bias_hh_l0
                i, f, g, o = sums.chunk(4, -1)
                i, f, o = i.sigmoid(), f.sigmoid(), o.sigmoid()
                c = f * c + i * g.tanh()
                h = o * c.tanh()
                for name, value in zip(SHEETS, (i, f, o, c, h)):
                    kept[name].append(value.numpy()[0])
            guesses = self.model.readout(torch.tensor(np.stack(kept["h"])))[:, 0].numpy()
        numbers, marks = x[:, 0].numpy().T
        return {name: np.stack(values) for name, values in kept.items()} | {
            "numbers": numbers, "marks": marks > 0.5, "guesses": guesses}

    def _norms(self, model):
        """How much the guess after this step would change with the input of each step up to it: norms, (step + 1,)."""
        x = self.x[: self.step + 1, self.sequence : self.sequence + 1].clone().requires_grad_()
        (gradient,) = torch.autograd.grad(model(x)[-1].sum(), x)
        return np.linalg.norm(gradient.numpy()[:, 0], axis=1)

    def describe(self, seen=None):
        """The picture in one line of text."""
        seen = seen or self.look()
        so_far = slice(0, self.step + 1)
        marked = np.flatnonzero(seen["marks"][so_far])
        total = seen["numbers"][marked].sum()
        means = ", ".join(f"{name} {seen[name][self.step].mean():.3f}" for name in GATES)
        first = ", ".join(f"{name} {norms[0]:.1e}" for name, norms in seen["norms"].items())
        return (
            f"sequence {self.sequence}, step {self.step}: number {seen['numbers'][self.step]:.3f}"
            f"{', marked' if seen['marks'][self.step] else ''}; marked so far {total:.3f}, the guess "
            f"{seen['guesses'][self.step]:.3f}. Mean gates: {means}. Gradient back to step 0, a lag of {self.step}: "
            f"{first}.")

    def to_html(self, seen=None):
        """The picture of what is chosen, with its line of text as the alternative."""
        seen = seen or self.look()
        return self._picture.draw(seen, self.step, self.describe(seen))

    def show(self):
        """A still picture, folded away, and the controls (without a kernel only the first is left)."""
        from IPython.display import HTML, display

        seen = self.look()
        said = html.escape(self.describe(seen))
        display(HTML(f"<details><summary>The lab as a still picture. {said}</summary>{self.to_html(seen)}</details>"))
        display(self.widget())

    def widget(self):
        """The sliders and a button that plays, and the picture below them."""
        import ipywidgets

        wide, last = ipywidgets.Layout(width="26em"), len(self.x) - 1
        play = ipywidgets.Play(value=self.step, min=0, max=last, interval=200)
        step = ipywidgets.IntSlider(self.step, 0, last, description="step", layout=wide)
        sequence = ipywidgets.IntSlider(self.sequence, 0, self.x.shape[1] - 1, description="sequence")
        said, picture = ipywidgets.HTML(), ipywidgets.HTML()
        ipywidgets.link((play, "value"), (step, "value"))

        def redraw(_=None):
            self.step, self.sequence = step.value, sequence.value
            seen = self.look()
            said.value = f"<code>{html.escape(self.describe(seen))}</code>"
            picture.value = self.to_html(seen)

        for each in (step, sequence):
            each.observe(redraw, "value")
        redraw()
        return ipywidgets.VBox([ipywidgets.HBox([play, step, sequence]), said, picture])


class Picture:
    """The figure: axes and words are drawn once, and what moves above them (see Ground)."""

    def __init__(self, steps, units):
        self.steps = steps
        self.figure = figure(WIDTH, HEIGHT)
        moving = self._above() + self._sheets(units) + self._gradients()
        self.ground = Ground(self.figure, moving)

    def _above(self):
        axes = self.figure.add_axes((0.06, 0.81, 0.54, 0.15))
        axes.set(xlim=(-0.5, self.steps - 0.5), ylim=(0, 2), xticks=[])
        axes.set_title("numbers (bars; marked: orange, with a dot) and the guess (line)", fontsize=9, loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        self.bars = list(axes.bar(range(self.steps), np.zeros(self.steps), width=0.8))
        (self.guess,) = axes.plot([], [], color=PURPLE, linewidth=2)
        (self.dots,) = axes.plot([], [], "o", color=ORANGE, markersize=5)
        return [*self.bars, self.dots, self.guess]

    def _sheets(self, units):
        self.sheets = {}
        for number, (name, title) in enumerate(SHEETS.items()):
            axes = self.figure.add_axes((0.06, 0.66 - 0.147 * number, 0.54, 0.112))
            axes.set_title(title, fontsize=9, loc="left", pad=2)
            axes.set(yticks=[], xticks=range(0, self.steps, 10) if name == "h" else [])
            if name == "h":
                axes.set_xlabel("step", fontsize=9, labelpad=0)
            colours, low = ("Greys", 0) if name in GATES else (DIVERGING, -1)
            sheet = axes.imshow(
                np.full((units, self.steps), np.nan), cmap=colours, vmin=low, vmax=1, aspect="auto",
                interpolation="nearest")
            self.sheets[name] = sheet
            words = "0 white to 1 black" if name in GATES else "orange above 0, purple below"
            axes.text(1.0, 1.05, words, fontsize=7, color=GREY, ha="right", transform=axes.transAxes)
        self.cursors = [sheet.axes.axvline(0, color="#0072b2", linewidth=1.5) for sheet in self.sheets.values()]
        return [*self.sheets.values(), *self.cursors]

    def _gradients(self):
        axes = self.figure.add_axes((0.70, 0.12, 0.28, 0.78))
        axes.set(yscale="log", xlim=(-0.5, self.steps - 0.5), ylim=(LEAST, 10), xlabel="lag: steps back")
        axes.set_title("∂ guess / ∂ input: its norm", fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color=PALE_GREY, linewidth=0.5)
        self.curves = {
            "LSTM": axes.plot([], [], "-", color=PURPLE, linewidth=2, label="LSTM")[0],
            "RNN": axes.plot([], [], "--", color=ORANGE, linewidth=2, label="RNN")[0]}
        axes.legend(frameon=False, loc="lower left")
        return list(self.curves.values())

    def draw(self, seen, step, alt):
        """The <img> for these numbers, up to this step."""
        for place, (bar, number, marked) in enumerate(zip(self.bars, seen["numbers"], seen["marks"])):
            bar.set_height(number)
            bar.set_facecolor((ORANGE if marked else GREY) if place <= step else PALE_GREY)
        marked = np.flatnonzero(seen["marks"][: step + 1])
        self.dots.set_data(marked, np.full(len(marked), 1.8))
        self.guess.set_data(range(step + 1), seen["guesses"][: step + 1])
        for name, sheet in self.sheets.items():
            so_far = seen[name].T.copy()
            so_far[:, step + 1 :] = np.nan
            sheet.set_data(so_far)
            if name not in GATES:
                limit = float(np.abs(seen[name]).max()) or 1.0
                sheet.set_clim(-limit, limit)
        for cursor in self.cursors:
            cursor.set_xdata([step, step])
        for name, curve in self.curves.items():
            curve.set_data(range(step + 1), np.maximum(seen["norms"][name][::-1], LEAST))
        return self.ground.draw(alt)
