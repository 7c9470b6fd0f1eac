"""Pictures of the computation graph: capture -> layout -> svg.

    engine.viz.graph(loss)                # the last expression of a notebook cell shows the picture
    engine.viz.graph(loss).save("loss.svg")

`capture` walks the nodes behind a tensor, `names` finds what the caller calls them, `computation` holds
the result as plain data, `layout` (with `layers`, `places` and `glyphs`) gives every box and line its
place, `svg` draws. Nothing but the standard library is needed, and the graph is read through its public
traversal only.
"""

import sys
from collections.abc import Mapping
from html import escape

from .capture import capture
from .computation import Edge, Graph, Node

__all__ = ["Edge", "Graph", "Node", "graph", "notebook_bundle"]


def graph(output, params=None, *, namespace=None):
    """The computation graph behind `output`, as a `Graph` that draws itself in a notebook.

    output: a tensor of any shape, computed from something with requires_grad=True.
    params: {name: tensor}, what to call parameters and intermediate results. Default: the names of the
        caller's variables, found by identity (local variables first, then global ones).
    namespace: {name: anything}, variables to look for names in place of the caller's (IPython's user
        namespace, for one); with `params` given too, `params` wins.

    A graph of more than about 60 nodes shows the ones nearest to the output; one further node tells
    how many are not shown. Inputs that need no gradient are not part of the graph.

    Raises TypeError when `output` is no tensor or `params` is no {str: tensor}; ValueError when
    `output` has no graph behind it.
    """
    _require_graph(output)
    if params is None and namespace is None:
        caller = sys._getframe(1)
        namespaces = [caller.f_locals, caller.f_globals]
    else:
        namespaces = [_checked_params(params), namespace or {}]
    return capture(output, namespaces)


def notebook_bundle(tensor, title):
    """What a notebook shows for a tensor with a graph: `title` (text, above) and the picture, as a MIME bundle.

    Names come from the notebook's variables. There is no "text/plain": that is the tensor's own.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    bundle = graph(tensor, namespace=shell.user_ns if shell else {})._repr_mimebundle_()
    return {
        "text/html": f"<pre>{escape(title)}</pre>{bundle['text/html']}",
        "image/svg+xml": bundle["image/svg+xml"],
    }


def _require_graph(output):
    if not hasattr(output, "grad_fn"):
        raise TypeError(f"graph(output): expected a tensor, got {type(output).__name__}")
    if output.grad_fn is None:
        given = f"a tensor of shape {tuple(output.shape)} with requires_grad={output.requires_grad}"
        raise ValueError(
            f"graph(output): got {given} that no recorded operation computed, so there is no graph to "
            "show; expected a tensor computed from something with requires_grad=True"
        )


def _checked_params(params):
    if params is None:
        return {}
    if not isinstance(params, Mapping):
        raise TypeError(f"graph(params): expected a mapping {{name: tensor}}, got {type(params).__name__}")
    for name, tensor in params.items():
        if not isinstance(name, str) or not hasattr(tensor, "grad_fn"):
            raise TypeError(
                f"graph(params): expected a mapping {{name: tensor}}, got the entry {name!r}: {type(tensor).__name__}"
            )
    return params
