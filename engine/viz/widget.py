"""A graph as a widget that is linked to the kernel, through anywidget (which is imported here, when one is wanted).

The browser and the kernel share what is looked at; and what a document does not hold, the rest of a large tensor, is
asked of the kernel when a learner wants to see it.
"""

import functools

from .page import bundle
from .script import script


def widget(graph):
    """The graph as an anywidget.AnyWidget: the same viewer as in `graph`'s own output, linked to the kernel.

    Traits that both sides set: `selected` (a node's id, or None), `step` (of the backward pass; -1 before the first)
    and `opened` (ids of the open groups; a widget's `open` is a method of ipywidgets). `document` is what is shown
    (docs/graphs.md).

    In a notebook reopened without a kernel Jupyter itself says "model not found" in a widget's place, if the notebook
    is trusted; where it is not, and in exported files, the graph's own output is shown in its stead.

    Raises ModuleNotFoundError without anywidget.
    """
    return _widget_type()(graph)


@functools.cache
def _widget_type():
    """The class, made once anywidget is known to be there."""
    try:
        import anywidget
        import traitlets
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "widget() needs anywidget, which is not installed: pip install anywidget, or all that the course uses: "
            "pip install 'chainrule[course]'. The graph itself, as the last line of a cell, needs nothing"
        ) from error

    class GraphWidget(anywidget.AnyWidget):
        """What `widget` returns; see there."""

        _esm = f"{script()}\nexport default {{ render }};\n"
        document = traitlets.Dict(read_only=True).tag(sync=True)
        selected = traitlets.Int(None, allow_none=True).tag(sync=True)
        step = traitlets.Int(-1).tag(sync=True)
        opened = traitlets.List(traitlets.Int()).tag(sync=True)

        def __init__(self, graph):
            self._graph = graph
            shown = graph.document()
            self.set_trait("document", shown)
            super().__init__(opened=shown["open"])
            self.on_msg(lambda _, message, buffers: self.send(answer(self._graph, message)))

        @traitlets.validate("selected")
        def _known_node(self, proposal):
            number, count = proposal["value"], len(self.document["nodes"])
            if number is not None and not 0 <= number < count:
                raise traitlets.TraitError(f"selected: got {number}, expected None or a node's id, 0 to {count - 1}")
            return number

        @traitlets.validate("step")
        def _step(self, proposal):
            if proposal["value"] < -1:
                raise traitlets.TraitError(f"step: got {proposal['value']}, expected -1 (before the first) or more")
            return proposal["value"]

        @traitlets.validate("opened")
        def _known_groups(self, proposal):
            unknown = sorted(set(proposal["value"]) - {group["id"] for group in self.document["groups"]})
            if unknown:
                raise traitlets.TraitError(f"opened: got {proposal['value']}, but there are no groups {unknown}")
            return proposal["value"]

        def _repr_mimebundle_(self, **options):
            """The widget, and for places that know no widgets what the graph shows by itself."""
            shown = super()._repr_mimebundle_(**options)
            data, metadata = shown if isinstance(shown, tuple) else (shown, {})
            return {**bundle(self.document), **data}, metadata

    return GraphWidget


def answer(graph, message):
    """What the kernel says to {"ask": request, "id": any}: {"answer": tensor, "id": the same}, or an "error"."""
    try:
        node, which, index = _request(message.get("ask"))
        return {"answer": graph.tensor(node, which, index), "id": message.get("id")}
    except (ValueError, IndexError) as error:
        return {"error": str(error), "id": message.get("id")}


def _request(ask):
    """(node id, "value" or "grad", index) of a request. ValueError for anything else: it comes from a browser."""
    expected = 'expected {"node": int, "which": "value" or "grad", "index": [int, ...]}'
    if not isinstance(ask, dict) or set(ask) != {"node", "which", "index"}:
        raise ValueError(f"ask: got {ask!r}, {expected}")
    index = ask["index"]
    numbers = [ask["node"], *index] if isinstance(index, list) else [None]
    if ask["which"] not in ("value", "grad") or not all(type(number) is int for number in numbers):
        raise ValueError(f"ask: got {ask!r}, {expected}")
    return ask["node"], ask["which"], tuple(index)
