"""Documents of graphs (docs/graphs.md) made by hand, at random and of models that chapters draw.

Only what a test says is filled in; everything else is unknown.
"""

from itertools import pairwise


def document(nodes, edges, groups=(), opened=(), title="Graph"):
    """nodes: dicts with what is known of each, or labels of operations; edges: (source, target) pairs;
    groups: dicts with at least an id, parents first."""
    nodes = [node(number, **({"label": each} if isinstance(each, str) else each)) for number, each in enumerate(nodes)]
    ordered, slots = [], {}
    for source, target in sorted(edges, key=lambda edge: edge[1]):
        slot = slots[target] = slots.get(target, -1) + 1
        ordered.append(edge(source, target, slot))
    return {
        "format": "chainrule-graph", "version": 1, "title": title, "notes": [],
        "nodes": nodes, "edges": ordered, "groups": [group(**each) for each in groups], "open": list(opened),
        "backward": [each["id"] for each in reversed(nodes) if each["kind"] != "input"], "sources": [],
    }  # fmt: skip


def node(number, label="+", kind="op", group=None, shape=(32, 10), **known):
    shape = None if shape is None else list(shape)
    empty = {
        "op": None, "name": None, "dtype": "torch.float32", "device": "cpu", "constants": 0, "hidden": 0, "line": None,
        "value": None, "grad": None, "stored": None, "badges": [], "seconds": None, "backward_seconds": None,
        "bytes": None, "saved_bytes": None, "error": None, "match": None,
    }  # fmt: skip
    return {"id": number, "kind": kind, "label": label, "shape": shape, "group": group, **empty, **known}


def edge(source, target, slot=0, **known):
    empty = dict.fromkeys(("rule", "text", "shapes", "numbers", "cast", "grad"))
    return {"source": source, "target": target, "slot": slot, "summed": [], "accumulates": False, **empty, **known}


def group(id, parent=None, kind="module", label=None, type=None, path=None, count=1):
    known = {"label": label or str(id), "type": type, "path": path, "count": count}
    return {"id": id, "parent": parent, "kind": kind, **known}


class Drawing:
    """A document under construction: operations are recorded as they are named, in the group entered last."""

    def __init__(self):
        self.nodes, self.edges, self.groups, self.stack = [], [], [], [None]

    def leaf(self, label, kind="parameter", shape=(8, 8)):
        return self._node(label, kind, shape, ())

    def op(self, label, *inputs, shape=(8, 8), kind="op", name=None):
        return self._node(label, kind, shape, inputs, name=name)

    def _node(self, label, kind, shape, inputs, **known):
        number = len(self.nodes)
        self.nodes.append({"label": label, "kind": kind, "shape": shape, "group": self.stack[-1], **known})
        self.edges += [(source, number) for source in inputs]
        return number

    def within(self, label, kind="module", type=None, count=1):
        """A context in which what is recorded belongs to a new group."""
        return _Within(self, {"label": label, "kind": kind, "type": type, "count": count})

    def document(self, opened=None):
        """opened: labels of the groups that are open; None: all."""
        ids = [each["id"] for each in self.groups if opened is None or each["label"] in opened]
        return document(self.nodes, self.edges, self.groups, ids)


class _Within:
    def __init__(self, drawing, known):
        self.drawing, self.known = drawing, known

    def __enter__(self):
        id = len(self.drawing.groups)
        self.drawing.groups.append({"id": id, "parent": self.drawing.stack[-1], **self.known})
        self.drawing.stack.append(id)

    def __exit__(self, *_):
        self.drawing.stack.pop()


# ---- models


def mlp(depth=3):
    drawing = Drawing()
    hidden = drawing.leaf("x", kind="input", shape=(32, 64))
    for number in range(depth):
        with drawing.within(f"layers.{number}", type="Linear"):
            hidden = linear(drawing, hidden)
        if number + 1 < depth:
            hidden = drawing.op("relu", hidden)
    loss = drawing.op("cross_entropy", hidden, drawing.leaf("y", kind="input", shape=(32,)), shape=())
    drawing.op("loss", loss, kind="output", shape=())
    return drawing


def linear(drawing, x):
    product = drawing.op("@", x, drawing.op("ᵀ", drawing.leaf("weight")))
    return drawing.op("+", product, drawing.leaf("bias", shape=(8,)))


def rnn(steps=4):
    """A recurrent net unrolled: its weights stand outside of the steps that use them."""
    drawing = Drawing()
    weights = [drawing.leaf(label) for label in ("W_ih", "W_hh", "b")]
    hidden = drawing.leaf("h", kind="input")
    for step in range(steps):
        x = drawing.leaf(f"x[{step}]", kind="input")
        with drawing.within(f"step {step}", type="RNNCell"):
            mixed = drawing.op("+", drawing.op("@", x, weights[0]), drawing.op("@", hidden, weights[1]))
            hidden = drawing.op("tanh", drawing.op("+", mixed, weights[2]))
    drawing.op("loss", drawing.op("sum", hidden, shape=()), kind="output", shape=())
    return drawing


def residual(blocks=4):
    drawing = Drawing()
    x = drawing.leaf("x", kind="input")
    for number in range(blocks):
        with drawing.within(f"blocks.{number}", type="Residual"):
            with drawing.within("first", type="Linear"):
                hidden = linear(drawing, x)
            hidden = drawing.op("relu", hidden)
            with drawing.within("second", type="Linear"):
                hidden = linear(drawing, hidden)
            x = drawing.op("relu", drawing.op("+", x, hidden))
    drawing.op("loss", drawing.op("sum", x, shape=()), kind="output", shape=())
    return drawing


def transformer(blocks=12):
    drawing = Drawing()
    x = drawing.op("embedding", drawing.leaf("weight"), drawing.leaf("tokens", kind="input"))
    with drawing.within(f"Block × {blocks}", kind="repeat", type="Block", count=blocks):
        for number in range(blocks):
            with drawing.within(f"layers.{number}", type="TransformerEncoderLayer"):
                x = transformer_block(drawing, x)
    with drawing.within("head", type="Linear"):
        x = linear(drawing, x)
    loss = drawing.op("cross_entropy", x, drawing.leaf("targets", kind="input", shape=(32,)), shape=())
    drawing.op("loss", loss, kind="output", shape=())
    return drawing


def transformer_block(drawing, x):
    with drawing.within("self_attn", type="MultiheadAttention"):
        q, k, v = [drawing.op("transpose", linear(drawing, x)) for _ in range(3)]
        weights = drawing.op("softmax", drawing.op("÷", drawing.op("@", q, drawing.op("ᵀ", k))))
        mixed = linear(drawing, drawing.op("@", weights, v))
    x = layer_norm(drawing, drawing.op("+", x, mixed), "norm1")
    with drawing.within("linear1", type="Linear"):
        hidden = linear(drawing, x)
    hidden = drawing.op("relu", hidden)
    with drawing.within("linear2", type="Linear"):
        hidden = linear(drawing, hidden)
    return layer_norm(drawing, drawing.op("+", x, hidden), "norm2")


def layer_norm(drawing, x, label):
    with drawing.within(label, type="LayerNorm"):
        centered = drawing.op("−", x, drawing.op("mean", x))
        spread = drawing.op("√", drawing.op("mean", drawing.op("^", centered)))
        scaled = drawing.op("×", drawing.op("÷", centered, spread), drawing.leaf("weight", shape=(8,)))
        return drawing.op("+", scaled, drawing.leaf("bias", shape=(8,)))


# ---- at random


LABELS = ["+", "@", "relu", "log_softmax", "W", "a rather long name of a parameter"]
LABELS += ["数据", "e\u0301té", "🙂x", "→", ""]


def random_document(random, most_nodes=60, most_groups=12):
    """Any graph that the contract allows: groups nested in groups, operations of a group one after the other, leaves
    in any group that holds all their users or in none, edges that skip, meet and are doubled."""
    drawing = Drawing()
    size = random.randrange(1, most_nodes)
    recent = random.choice((3, 8, 100))
    groups_left = random.randrange(most_groups + 1)
    contexts, made, moved = [], [], set()
    for number in range(size):
        while contexts and random.random() < 0.15:
            contexts.pop().__exit__()
        while groups_left and random.random() < 0.3:
            groups_left -= 1
            contexts.append(drawing.within(random.choice(LABELS), type=random.choice(("Linear", None)), count=1))
            contexts[-1].__enter__()
        leaf = not made or random.random() < 0.25
        shape = random.choice(((), (3,), (32, 10), (2, 3, 4, 5), None))
        if leaf:
            kind = random.choice(("parameter", "input"))
            made.append(drawing.leaf(random.choice(LABELS), kind=kind, shape=shape))
        else:
            inputs = random.choices(made[-recent:], k=random.choice((1, 1, 2, 2, 3)))
            name = random.choice((None, "hidden"))
            made.append(drawing.op(random.choice(LABELS), *inputs, shape=shape, name=name))
    for context in reversed(contexts):
        context.__exit__()
    for source, target in drawing.edges:  # a leaf of no group may be counted to that of its first user
        leaf = drawing.nodes[source]
        if leaf["kind"] != "op" and leaf["group"] is None and source not in moved and random.random() < 0.5:
            leaf["group"] = drawing.nodes[target]["group"]
        moved.add(source)
    chosen = [each["id"] for each in drawing.groups if random.random() < random.choice((0.5, 0.9))]
    return document(drawing.nodes, drawing.edges, drawing.groups, chosen)


def chain(length):
    return document(["+"] * length, pairwise(range(length)))
