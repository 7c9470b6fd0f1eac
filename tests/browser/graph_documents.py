"""Documents of graphs (docs/graphs.md) for tests of what shows them: of the engine's own runs, and by hand."""

from itertools import pairwise

import engine
from engine import nn
from engine.viz import capture, compare


def perceptron():
    """A small net written out, with a value that is used twice, a bias that is broadcast, and gradients that ran."""
    engine.manual_seed(0)
    x, y = engine.randn(4, 3), engine.randn(4, 2)
    W1 = (0.5 * engine.randn(3, 8)).requires_grad_()
    b1 = engine.zeros(8, requires_grad=True)
    W2 = (0.5 * engine.randn(8, 2)).requires_grad_()
    with capture() as g:
        h = (x @ W1 + b1).relu()
        p = h @ W2
        loss = ((p + p.tanh() - y) ** 2).mean()
        loss.backward()
    return g.document()


def scalars():
    """Single numbers, so that the chain rule has numbers in it: z = a * b, loss = z * z + a at a = 2, b = -3."""
    a = engine.tensor(2.0, requires_grad=True)
    b = engine.tensor(-3.0, requires_grad=True)
    with capture() as g:
        z = a * b
        loss = z * z + a
        loss.backward()
    return g.document()


def network(blocks=12, width=8):
    """Equal blocks of modules, which are shown as one."""
    engine.manual_seed(0)
    layers = [nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.LayerNorm(width)) for _ in range(blocks)]
    net = nn.Sequential(*layers, nn.Linear(width, 3))
    x, target = engine.randn(5, width), engine.tensor([0, 1, 2, 0, 1])
    with capture() as g:
        loss = nn.functional.cross_entropy(net(x), target)
        loss.backward()
    return g.document()


def deep():
    """A tensor of four dimensions, of which a slice is shown."""
    engine.manual_seed(0)
    images = engine.randn(2, 3, 5, 6)
    weight = engine.randn(4, 3, 3, 3, requires_grad=True)
    with capture() as g:
        maps = nn.functional.conv2d(images, weight)
        loss = maps.relu().sum()
        loss.backward()
    return g.document()


def mistaken():
    """An operation that raises: what was built until then, and the shapes that do not fit."""
    W1 = engine.randn(3, 8, requires_grad=True)
    W2 = engine.randn(7, 2, requires_grad=True)
    x = engine.randn(4, 3)
    try:
        with capture() as g:
            h = (x @ W1).relu()
            h @ W2
    except RuntimeError:
        pass
    return g.document()


def compared():
    """The perceptron beside itself with another bias, and with one operation that the reference has not."""
    engine.manual_seed(0)
    x, y = engine.randn(4, 3), engine.randn(4, 2)
    weight = engine.randn(3, 2)

    def run(bias, doubled):
        W, b = weight.clone().requires_grad_(), engine.full((2,), bias).requires_grad_()
        with capture() as g:
            p = x @ W + b
            if doubled:
                p = p * 2.0
            loss = ((p.tanh() - y) ** 2).mean()
            loss.backward()
        return g

    return compare(run(0.25, doubled=True), run(0.0, doubled=False)).document()


# ---- by hand


def document(nodes, edges, groups=(), opened=(), title="Graph"):
    """nodes: dicts of what is known of each; edges: (source, target) pairs, sorted by target; groups: dicts."""
    slots, written = {}, []
    for source, target in edges:
        slots[target] = slots.get(target, -1) + 1
        written.append({
            "source": source, "target": target, "slot": slots[target], "rule": "g", "text": f"∂out/∂n{source} = g",
            "shapes": None, "numbers": None, "summed": [], "cast": None, "accumulates": False, "grad": None,
        })  # fmt: skip
    nodes = [node(number, **each) for number, each in enumerate(nodes)]
    backward = [each["id"] for each in reversed(nodes) if each["kind"] in ("op", "output")]
    alone = {"parent": None, "kind": "module", "type": None, "path": None, "count": 1}
    return {
        "format": "chainrule-graph", "version": 1, "title": title, "notes": [], "nodes": nodes, "edges": written,
        "groups": [{**alone, **each} for each in groups], "open": list(opened), "backward": backward, "sources": [],
    }  # fmt: skip


def node(number, label="+", kind="op", **known):
    unknown = dict.fromkeys((
        "op", "name", "dtype", "device", "group", "module", "line", "value", "grad", "stored", "seconds",
        "backward_seconds", "bytes", "saved_bytes", "error", "match",
    ))  # fmt: skip
    shown = {"id": number, "kind": kind, "label": label, "shape": [4, 4], "constants": 0, "hidden": 0, "badges": []}
    return {**unknown, **shown, **known}


def blocks(count, size):
    """`count` groups of `size` operations in a chain, each of which skips to the one after the next too."""
    nodes = [{"label": "x", "kind": "parameter"}]
    edges = []
    for number in range(count * size):
        label = ("+", "relu", "@")[number % 3]
        nodes.append({"label": label, "group": number // size, "seconds": 1e-5 * (number % 7), "bytes": 64})
        edges += [(number - 1, number + 1)] if number % 5 == 4 else []
        edges.append((number, number + 1))
    nodes.append({"label": "loss", "kind": "output", "shape": []})
    edges.append((count * size, count * size + 1))
    names = [f"layers.{number}" for number in range(count)]
    groups = [{"id": number, "label": name, "type": "Block", "path": name} for number, name in enumerate(names)]
    return document(nodes, edges, groups, title=f"{count * size:,} operations")


HOSTILE = [
    '<img src=x onerror="window.hacked=1">', "</script><script>window.hacked=1</script>", "very " * 80 + "long",
    "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd", "🙂🚀👩\u200d👩\u200d👧", "a\u202eb", "x\ny\t\0", "",
]  # fmt: skip


def hostile():
    """Texts that try to be markup, or do not fit, in every place that shows text."""
    nodes = []
    for number, text in enumerate(HOSTILE):
        everywhere = dict.fromkeys(("label", "name", "op", "dtype", "device", "module"), text)
        line = {"source": 0, "number": 1 + number}
        nodes.append({**everywhere, "badges": [f"value: {text}"], "group": 0, "line": line})
    shapes = [[HOSTILE[0], [2, 3]], [HOSTILE[2], [4]]]
    nodes[0] |= {"kind": "failed", "error": {"kind": HOSTILE[0], "message": HOSTILE[1], "shapes": shapes}}
    groups = [{"id": 0, "label": HOSTILE[0], "type": HOSTILE[1], "path": HOSTILE[0]}]
    made = document(nodes, list(pairwise(range(len(nodes)))), groups, [0], HOSTILE[0])
    for edge, text in zip(made["edges"], HOSTILE):
        edge.update(rule=text, text=text, shapes=text, numbers=text)
    made["notes"] = HOSTILE[:2]
    made["sources"] = [{"file": HOSTILE[0], "first": 1, "lines": HOSTILE}]
    return made


def empty():
    return document([], [], title="Nothing")


def single():
    return document([{"label": "loss", "kind": "output", "shape": []}], [], title="One")
