"""A graph's document in words: numbered lines for terminals and screen readers, and what a pointer brings up."""

from .fold import fold

MOST = 200  # lines that the text has; of more, the first and the last


def text(document):
    """What the picture shows at first: the title, the notes, and a numbered line for each box.

    A line reads "4. + of 2 and 3: logits, (32, 10), torch.float32". What is in an open group is set in under its name.
    Of more than 200 lines there are the first and the last hundred.
    """
    scene = fold(document, document["open"])
    items = _inside_out(scene["items"])
    boxes = [item for item, _ in items if item["items"] is None]
    numbers = {item["id"]: number for number, item in enumerate(boxes, 1)}
    inputs = {item["id"]: [] for item, _ in items}
    for line in scene["lines"]:
        inputs[line["target"]] += [numbers[line["source"]]] * _times(document, line)
    lines = [f"{'  ' * depth}{_item_words(document, item, numbers, inputs)}" for item, depth in items]
    if len(lines) > MOST:
        half = MOST // 2
        lines[half:-half] = [f"… {len(lines) - MOST:,} more …"]
    return "\n".join([document["title"], *document["notes"], *lines])


def _inside_out(items):
    """[(item, how deep in open groups it is)] in reading order."""
    found, waiting = [], [(item, 0) for item in reversed(items)]
    while waiting:
        item, depth = waiting.pop()
        found.append((item, depth))
        waiting += [(each, depth + 1) for each in reversed(item["items"] or [])]
    return found


def _times(document, line):
    """How often a line is to be named: a node that takes the same input twice says so, a group does not."""
    return len(line["edges"]) if line["source"][0] == line["target"][0] == "n" else 1


def _item_words(document, item, numbers, inputs):
    """A line for a box or for an open group."""
    if item["items"] is not None:
        return ", ".join(word for word in (item["label"], item["detail"]) if word) + ":"
    number, sources = numbers[item["id"]], sorted(inputs[item["id"]])
    if item["node"] is not None:
        return f"{number}. {node_words(document['nodes'][item['node']], sources)}"
    of = f" of {listed(sources)}" if sources else ""
    return f"{number}. {item['label']}{of}: {item['detail']}"


def node_words(node, inputs=()):
    """One line: "+ of 2 and 3: logits, (32, 10), torch.float32", where `inputs` is [2, 3]."""
    if node["kind"] in ("op", "failed") and node["constants"]:
        inputs = [*inputs, count(node["constants"], "constant")]
    what = f"{node['label']} of {listed(inputs)}" if inputs else node["label"]
    kind = None if node["kind"] in ("op", "more") else node["kind"]
    facts = [kind, node["name"], shape_words(node["shape"]), node["dtype"], *node["badges"], match_words(node["match"])]
    if node["error"]:
        facts.append(f"{node['error']['kind']}: {node['error']['message']}")
    facts = ", ".join(fact for fact in facts if fact)
    return f"{what}: {facts}" if facts else what


def edge_words(document, indices):
    """What flows along edges that are drawn as one line, and how the gradient comes back."""
    return "\n".join(line for index in indices for line in _edge_lines(document, document["edges"][index]))


def _edge_lines(document, edge):
    source, target = document["nodes"][edge["source"]], document["nodes"][edge["target"]]
    ways = " ".join(word for word in (source["name"] or source["label"], shape_words(source["shape"])) if word)
    yield f"{ways} → {target['label']}"
    if edge["text"]:
        summed = f", summed over {listed([f'dim {dim}' for dim in edge['summed']])}" if edge["summed"] else ""
        yield f"back: {edge['text']}{summed}"
    if edge["shapes"]:
        yield f"shapes: {edge['shapes']}"
    if edge["numbers"]:
        yield f"numbers: {edge['numbers']}"


def group_words(group, nodes):
    """One line for a group and the nodes in it: "Block × 12: encoder.layers, 480 nodes"."""
    facts = [group["path"], group["type"] if group["type"] != group["label"] else None, count(len(nodes), "node")]
    return f"{group['label']}: {', '.join(fact for fact in facts if fact)}"


def match_words(match):
    """What a comparison found at a node; "" if nothing was compared or nothing differs."""
    if not match or match["status"] == "same":
        return ""
    if match["status"] != "differs":
        return {"extra": "not in the reference", "missing": "only in the reference"}[match["status"]]
    parts = [_difference_words(match, which) for which in ("value", "grad") if match[f"{which}_difference"]]
    return " and ".join(parts) or "differs from the reference"


def _difference_words(match, which):
    difference, first = match[f"{which}_difference"], "the first " if which in match["first"] else ""
    by = f", by up to {difference:.3g}" if isinstance(difference, (int, float)) else ""
    return f"{first}{which} that differs{by}"


def shape_words(shape):
    """A shape as Python prints it; "scalar" for (), "" for none."""
    if shape is None:
        return ""
    return str(tuple(shape)) if shape else "scalar"


def listed(things):
    """ "a, b and c" """
    *others, last = map(str, things)
    return f"{', '.join(others)} and {last}" if others else last


def count(number, noun):
    """ "1 node", "1,200 nodes" """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def printable(text):
    """The text with what no file format can hold (control characters, halves of letters) replaced; lines stay."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "\ufffd" for letter in text)
