"""A captured computation graph: plain data that shows itself as a picture or as text."""

import base64
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Literal

from ..files import write_atomically
from .layout import layout


@dataclass(frozen=True)
class Node:
    """One box of the picture.

    id: its position in `Graph.nodes`.
    kind: "parameter" (a leaf tensor), "op" (an operation and its result), "output" (the tensor asked
        for) or "more" (stands for `hidden` nodes that are not shown).
    label: what the box says first: "W", "@", "loss".
    name: what the caller calls an op's result, or None.
    shape, dtype: of the tensor or the op's result; None and "" for "more".
    constants: how many of an op's inputs need no gradient and therefore are not in the graph.
    """

    id: int
    kind: Literal["parameter", "op", "output", "more"]
    label: str
    name: str | None = None
    shape: tuple[int, ...] | None = None
    dtype: str = ""
    constants: int = 0
    hidden: int = 0

    @property
    def shape_text(self):
        """The shape as Python prints it; "scalar" for (), "" for none."""
        if self.shape is None:
            return ""
        return str(self.shape) if self.shape else "scalar"

    def text(self, inputs=()):
        """In words: "+ of 1 and 3: logits, (32, 10), torch.float32", where `inputs` is [1, 3]."""
        if self.kind == "op" and self.constants:
            inputs = [*inputs, _count(self.constants, "constant")]
        what = f"{self.label} of {_listed(inputs)}" if inputs else self.label
        kind = self.kind if self.kind in ("parameter", "output") else None
        facts = ", ".join(fact for fact in (kind, self.name, self.shape_text, self.dtype) if fact)
        return f"{what}: {facts}" if facts else what


@dataclass(frozen=True)
class Edge:
    """Data flows from node `source` to node `target`, as its input number `slot` (from 0); the gradient flows back.

    rule: what the target sends back along the edge, e.g. "g @ Wᵀ", where g is the gradient that has arrived at it; None
        where no formula is known. summed: the dimensions of g's shape over which that is then summed, because the
        source was broadcast along them.
    """

    source: int
    target: int
    slot: int = 0
    rule: str | None = None
    summed: tuple[int, ...] = ()

    def rule_text(self):
        """The rule with the sum: "g, summed over dim 0"; "" if none is known."""
        if self.rule is None or not self.summed:
            return self.rule or ""
        return f"{self.rule}, summed over {_listed([f'dim {dim}' for dim in self.summed])}"


@dataclass(frozen=True)
class Graph:
    """Nodes and edges in forward order: `nodes[i].id == i`, every edge has source < target.

    Edges are sorted by target and slot; the last node is the output.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def svg(self):
        """The picture as the text of an SVG file. The same graph gives the same bytes."""
        return draw(self, layout(self))

    def text(self):
        """The graph as numbered lines of text, for terminals and screen readers."""
        inputs = {node.id: [] for node in self.nodes}
        for edge in self.edges:
            inputs[edge.target].append(edge.source + 1)
        lines = [f"{node.id + 1}. {node.text(inputs[node.id])}" for node in self.nodes]
        return "\n".join([self.title(), *lines])

    def title(self):
        """One line: of what this is the graph, and how large it is."""
        output = self.nodes[-1].label
        parameters = sum(node.kind == "parameter" for node in self.nodes)
        operations = sum(node.kind == "op" for node in self.nodes)
        hidden = sum(node.hidden for node in self.nodes)
        title = f"Computation graph of {output}: {_count(parameters, 'parameter')}, {_count(operations, 'operation')}"
        return f"{title}, and {hidden:,} more not shown" if hidden else title

    def save(self, path):
        """Write the picture to `path`, which must end in .svg; the file is there whole or not at all.

        Raises ValueError for another ending, FileNotFoundError when the folder does not exist.
        """
        path = Path(path)
        if path.suffix.lower() != ".svg":
            raise ValueError(f"save(path): got {str(path)!r}, but only .svg files are supported")
        if not path.parent.is_dir():
            raise FileNotFoundError(f"save(path): the folder {str(path.parent)!r} does not exist")
        write_atomically(path, self.svg().encode("utf-8"))

    def __repr__(self):
        return self.text()

    def _repr_mimebundle_(self, include=None, exclude=None):
        """An <img> for notebooks (it survives where a notebook is not trusted), the SVG itself, and text."""
        svg, text = self.svg(), self.text()
        data = base64.b64encode(svg.encode("utf-8")).decode("ascii")
        image = f'<img src="data:image/svg+xml;base64,{data}" alt="{escape(text)}" style="max-width:100%">'
        return {"text/html": image, "image/svg+xml": svg, "text/plain": text}


def _listed(things):
    *others, last = map(str, things)
    return f"{', '.join(others)} and {last}" if others else last


def _count(number, noun):
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
