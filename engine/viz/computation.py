"""A computation graph as plain data that shows itself: as a picture, as text, as a document for other programs."""

from dataclasses import dataclass
from typing import Literal

from . import export, svg, words
from .page import bundle, drawing_of
from .snapshot import Snapshot, number_for_json

FORMAT = {"format": "chainrule-graph", "version": 1}


@dataclass(frozen=True)
class Node:
    """One box of the picture.

    id: its position in `Graph.nodes`.
    kind: "parameter" (a leaf that gets a gradient), "input" (data without one), "op" (an operation and its result),
        "output" (a tensor asked for), "more" (stands for `hidden` earlier nodes), "failed" (an operation that raised)
        or, in a comparison, "missing" (what only the reference has).
    label: what the box says first: "W", "@", "loss". op: the op's name in the table, or None.
    name: what the caller calls an op's result, or None.
    shape, dtype, device: of the tensor or the op's result; None, "" and None for "more".
    constants: how many of an op's inputs are not in the graph.
    group: the number of the innermost `Group` that it is in, or None. module: the path of the module that ran it.
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
    module: str | None = None
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

    def data(self):
        """The node of docs/graphs.md."""
        return {
            **{key: getattr(self, key) for key in (
                "id", "kind", "label", "op", "name", "device", "constants", "hidden", "group", "module", "seconds",
                "backward_seconds", "bytes", "saved_bytes", "error")},
            "shape": None if self.shape is None else list(self.shape),
            "dtype": self.dtype or None,
            "line": None if self.line is None else {"source": self.line[0], "number": self.line[1]},
            "badges": list(self.badges),
            **{key: _tensor(getattr(self, key)) for key in ("value", "grad", "stored")},
            "match": self.match and {key: _plain(found) for key, found in self.match.items()},
        }


@dataclass(frozen=True)
class Edge:
    """Data flows from node `source` to node `target`, as its input number `slot` (from 0); the gradient flows back.

    rule: what the target sends back along the edge, e.g. "g @ Wᵀ", where g is the gradient that has arrived at it; None
        where no formula is known. text: the rule as an equation, "∂loss/∂x = g @ Wᵀ". shapes, numbers: the rule with
        real shapes, and with real numbers where all are single ones; None if that says nothing.
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

    def title(self):
        """One line: of what this is the graph, and how large it is."""
        ends = [node.label for node in self.nodes if node.kind in ("output", "failed")]
        parameters = sum(node.kind == "parameter" for node in self.nodes)
        operations = sum(node.kind == "op" for node in self.nodes)
        hidden = sum(node.hidden for node in self.nodes)
        of = f" of {words.listed(ends)}" if 0 < len(ends) <= 4 else ""
        title = f"Computation graph{of}: {words.count(parameters, 'parameter')}, {words.count(operations, 'operation')}"
        return f"{title}, and {hidden:,} more not shown" if hidden else title

    # ---- to look at ----

    def text(self):
        """The graph as numbered lines, for terminals and screen readers; of a large one the first and the last."""
        return words.text(self.document())

    def svg(self):
        """The picture as the text of an SVG file. The same graph gives the same bytes."""
        return svg.write(drawing_of(self.document()))

    def save(self, path, scale=2):
        """Write the graph to `path`: .svg, .pdf or .png a picture, .html to step through in a browser, .json its data.

        scale: of a .png, dots for each pixel along either side. The file is there whole or not at all. Raises
        ValueError for another ending, FileNotFoundError when the folder does not exist.
        """
        export.save(self.document(), path, scale)

    def widget(self):
        """The picture as a widget linked to the kernel: traits `selected`, `step` and `opened`, and tensors whole.

        Raises ModuleNotFoundError without anywidget.
        """
        from .widget import widget

        return widget(self)

    def __repr__(self):
        return self.text()

    def _repr_mimebundle_(self, include=None, exclude=None):
        """The interactive picture, a still one for where no scripts run, a PDF for LaTeX, and text."""
        return bundle(self.document())


def _plain(found):
    """What a comparison found, as JSON can hold it."""
    if isinstance(found, Snapshot):
        return found.summary()
    return number_for_json(found) if isinstance(found, float) else found


def _tensor(snapshot):
    return None if snapshot is None else snapshot.summary()
