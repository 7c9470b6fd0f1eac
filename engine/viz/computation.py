"""A computation graph as plain data that shows itself: as a picture, as text, as a document for other programs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..files import write_atomically
from .snapshot import Snapshot

FORMAT = {"format": "chainrule-graph", "version": 1}


@dataclass(frozen=True)
class Node:
    """One box of the picture.

    id: its position in `Graph.nodes`.
    kind: "parameter" (a leaf that gets a gradient), "input" (data without one), "op" (an operation and its result),
        "output" (a tensor asked for), "more" (stands for `hidden` earlier nodes), "failed" (an operation that raised) or,
        in a comparison, "missing" (what only the reference has).
    label: what the box says first: "W", "@", "loss". op: the op's name in the table, or None.
    name: what the caller calls an op's result, or None.
    shape, dtype, device: of the tensor or the op's result; None, "" and None for "more".
    constants: how many of an op's inputs are not in the graph.
    group: the number of the innermost `Group` that it is in, or None.
    line: (number of a `Source`, line number) of the caller's code, or None.
    value, grad: a `Snapshot` of the result, and of the output's gradient with respect to it; None if unknown.
    stored: of a parameter: a Snapshot of its `.grad`, None if it has none.
    badges: what is wrong, e.g. ("grad: zero", "value: nan"); see badges.py.
    seconds, backward_seconds: of the computation, of its part of the backward pass. bytes: of the result.
    saved_bytes: of what it keeps for backward. All four None if unknown.
    error: of "failed": {"kind", "message", "shapes"}. match: in a comparison, see comparison.py.
    """

    id: int
    kind: Literal["parameter", "input", "op", "output", "more", "failed", "missing"]
    label: str
    name: str | None = None
    shape: tuple[int, ...] | None = None
    dtype: str = ""
    constants: int = 0
    hidden: int = 0
    op: str | None = None
    device: str | None = None
    group: int | None = None
    line: tuple[int, int] | None = None
    value: Snapshot | None = None
    grad: Snapshot | None = None
    stored: Snapshot | None = None
    badges: tuple[str, ...] = ()
    seconds: float | None = None
    backward_seconds: float | None = None
    bytes: int | None = None
    saved_bytes: int | None = None
    error: dict | None = None
    match: dict | None = None

    @property
    def shape_text(self):
        """The shape as Python prints it; "scalar" for (), "" for none."""
        if self.shape is None:
            return ""
        return str(tuple(self.shape)) if self.shape else "scalar"

    def text(self, inputs=()):
        """In words: "+ of 1 and 3: logits, (32, 10), torch.float32", where `inputs` is [1, 3]."""
        if self.kind == "op" and self.constants:
            inputs = [*inputs, counted(self.constants, "constant")]
        what = f"{self.label} of {listed(inputs)}" if inputs else self.label
        kind = self.kind if self.kind in ("parameter", "input", "output", "failed", "missing") else None
        facts = ", ".join(fact for fact in (kind, self.name, self.shape_text, self.dtype, *self.badges) if fact)
        return f"{what}: {facts}" if facts else what

    def data(self):
        """The node of docs/graphs.md."""
        return {
            **{key: getattr(self, key) for key in (
                "id", "kind", "label", "op", "name", "device", "constants", "hidden", "group", "seconds",
                "backward_seconds", "bytes", "saved_bytes", "error")},
            "shape": None if self.shape is None else list(self.shape),
            "dtype": self.dtype or None,
            "line": None if self.line is None else {"source": self.line[0], "number": self.line[1]},
            "badges": list(self.badges),
            **{key: _tensor(getattr(self, key)) for key in ("value", "grad", "stored")},
            "match": self.match and {
                **self.match, "value": _tensor(self.match["value"]), "grad": _tensor(self.match["grad"])},
        }


@dataclass(frozen=True)
class Edge:
    """Data flows from node `source` to node `target`, as its input number `slot` (from 0); the gradient flows back.

    rule: what the target sends back along the edge, e.g. "g @ Wᵀ", where g is the gradient that has arrived at it; None
        where no formula is known. text: the rule as an equation, "∂loss/∂x = g @ Wᵀ". shapes, numbers: the rule with real
        shapes, and with real numbers where all are single ones; None if that says nothing.
    summed: the dimensions of g's shape over which that is then summed, because the source was broadcast along them.
    cast: (from, to) if the gradient changes its type on the way. accumulates: the source has other users too, whose
        gradients are added to this one. grad: a Snapshot of what flows back, None if unknown.
    """

    source: int
    target: int
    slot: int = 0
    rule: str | None = None
    summed: tuple[int, ...] = ()
    text: str | None = None
    shapes: str | None = None
    numbers: str | None = None
    cast: tuple[str, str] | None = None
    accumulates: bool = False
    grad: Snapshot | None = None

    def rule_text(self):
        """The rule with the sum: "g, summed over dim 0"; "" if none is known."""
        if self.rule is None or not self.summed:
            return self.rule or ""
        return f"{self.rule}, summed over {listed([f'dim {dim}' for dim in self.summed])}"

    def data(self):
        """The edge of docs/graphs.md."""
        keys = "source target slot rule text shapes numbers accumulates".split()
        return {
            **{key: getattr(self, key) for key in keys},
            "summed": list(self.summed), "cast": self.cast and list(self.cast), "grad": _tensor(self.grad)}


@dataclass(frozen=True)
class Group:
    """Nodes that can be shown as one box: one call of a module, a repetition, or a part of a graph without modules.

    parent: the number of the group it is in, or None; parents come first. count: the members of a repetition, else 1.
    """

    id: int
    parent: int | None
    kind: Literal["module", "repeat", "part"]
    label: str
    type: str = ""
    path: str = ""
    count: int = 1


@dataclass(frozen=True)
class Source:
    """A piece of the caller's code: its lines, the first of which has the number `first`."""

    file: str
    first: int
    lines: tuple[str, ...]


class Graph:
    """A computation graph to look at: nodes and edges in forward order, groups of nodes, the way that gradients took.

    `nodes[i].id == i`; every edge has source < target; edges are sorted by target and slot. `open`: the groups that are
    open at first. `backward`: numbers of nodes, as gradients leave them. `notes`: sentences for above the picture.
    `sources`: pieces of the caller's code.
    """

    def __init__(self, nodes, edges, groups=(), open=(), backward=(), notes=(), sources=()):
        self.nodes, self.edges, self.groups = tuple(nodes), tuple(edges), tuple(groups)
        self.open, self.backward = tuple(open), tuple(backward)
        self.notes, self.sources = tuple(notes), tuple(sources)
        self._document = None

    def fill_from(self, other):
        """Become what another graph is."""
        vars(self).update(vars(other))

    # ---- as data ----

    def document(self):
        """The whole graph as data that JSON can hold, as docs/graphs.md describes it. Made once; not to be changed."""
        if self._document is None:
            self._document = {
                **FORMAT,
                "title": self.title(),
                "notes": list(self.notes),
                "nodes": [node.data() for node in self.nodes],
                "edges": [edge.data() for edge in self.edges],
                "groups": [vars(group).copy() for group in self.groups],
                "open": list(self.open),
                "backward": list(self.backward),
                "sources": [{**vars(source), "lines": list(source.lines)} for source in self.sources],
            }
        return self._document

    def tensor(self, node, which="value", index=()):
        """What is known of a node's "value" or "grad", its slice at `index` of the leading dimensions.

        Raises ValueError for another `which`, for what is unknown and for a tensor too large to have been kept whole,
        IndexError for a node or an index that is not there.
        """
        if which not in ("value", "grad"):
            raise ValueError(f"tensor(which): expected 'value' or 'grad', got {which!r}")
        if not 0 <= node < len(self.nodes):
            raise IndexError(f"tensor(node): there are {len(self.nodes)} nodes, got {node}")
        found = getattr(self.nodes[node], which)
        if found is None:
            raise ValueError(f"tensor(node): the {which} of node {node}, {self.nodes[node].label!r}, is not known")
        return found.summary(tuple(index))

    # ---- as a picture ----

    def text(self):
        """What the picture shows at first, as numbered lines, for terminals and screen readers."""
        from .words import in_words

        return in_words(self)

    def title(self):
        """One line: of what this is the graph, and how large it is."""
        outputs = [node.label for node in self.nodes if node.kind in ("output", "failed")]
        parameters = sum(node.kind == "parameter" for node in self.nodes)
        operations = sum(node.kind == "op" for node in self.nodes)
        hidden = sum(node.hidden for node in self.nodes)
        of = f" of {listed(outputs)}" if 0 < len(outputs) <= 4 else ""
        title = f"Computation graph{of}: {counted(parameters, 'parameter')}, {counted(operations, 'operation')}"
        return f"{title}, and {hidden:,} more not shown" if hidden else title

    def __repr__(self):
        return self.text()


def listed(things):
    """In words: "1, 2 and 3"."""
    *others, last = map(str, things)
    return f"{', '.join(others)} and {last}" if others else last


def counted(number, noun):
    """In words: "1 node", "1,200 nodes"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _tensor(snapshot):
    return None if snapshot is None else snapshot.summary()
