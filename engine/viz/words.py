"""A graph's document in words: numbered lines for terminals and screen readers, and what a pointer brings up."""

MOST = 200  # nodes that the text lists; of more, the first and the last


def text(document):
    """The whole graph: its title, its notes, what went wrong, and a line for each node.

    Of more than 200 nodes it lists the first and the last hundred. A line reads "4. + of 2 and 3: logits, (32, 10),
    torch.float32".
    """
    nodes, inputs = document["nodes"], _inputs(document)
    lines = [f"{node['id'] + 1}. {node_words(node, inputs[node['id']])}" for node in nodes]
    if len(lines) > MOST:
        half = MOST // 2
        lines[half:-half] = [f"… {len(lines) - MOST:,} more …"]
    return "\n".join([document["title"], *document["notes"], *lines])


def _inputs(document):
    """For each node the numbers, from 1, of those it is computed from."""
    inputs = [[] for _ in document["nodes"]]
    for edge in document["edges"]:
        inputs[edge["target"]].append(edge["source"] + 1)
    return inputs


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
    parts = [
        f"{'the first ' if match['first'] == which else ''}{which} that differs, by up to {match[f'{which}_difference']}"
        for which in ("value", "grad")
        if match[f"{which}_difference"]
    ]
    return " and ".join(parts) or "differs from the reference"


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
