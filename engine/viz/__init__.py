"""Pictures of the computation graph: of a tensor, of what happens in a block, of two graphs compared.

    engine.viz.graph(loss)                # the last expression of a notebook cell shows the picture
    engine.viz.graph(loss).save("loss.svg")

    with engine.viz.capture() as g:       # with modules, lines, values, gradients and mistakes
        loss = F.cross_entropy(model(x), y)
        loss.backward()

    engine.viz.compare(mine, reference)   # where do two graphs first differ?

docs/graphs.md says how a graph becomes a picture. `walk`, `recording` and `gradients` find out about a graph,
`assemble` (with `names`, `equations`, `rules`, `badges`, `groups`) makes a `Graph` of that, plain data (`computation`);
`fold` and `layout` (with `layers`, `places`, `glyphs`) give every box and line its place, `drawing` says what is drawn
there, `svg`, `pdf` and `png` draw it, `page` and `widget` bring it to life in a notebook with the script in js/.
"""

import sys
from collections.abc import Mapping
from html import escape

from .assemble import assemble, operations_behind
from .comparison import ATOL, RTOL, compared
from .computation import Edge, Graph, Group, Node, Source
from .gradients import flow
from .names import is_tensor, notebook_shell, tensors_in
from .page import image
from .recording import capture
from .walk import facts_from_saved

__all__ = ["Edge", "Graph", "Group", "Node", "Source", "capture", "compare", "graph", "notebook_bundle"]


def graph(output, params=None, *, namespace=None):
    """The computation graph behind `output`, as a `Graph` that draws itself in a notebook.

    output: a tensor of any shape, computed from something with requires_grad=True.
    params: {name: tensor}, what to call parameters and intermediate results. Default: the names of the
        caller's variables, found by identity (local variables first, then global ones).
    namespace: {name: anything}, variables to look for names in place of the caller's (IPython's user
        namespace, for one); with `params` given too, `params` wins.

    Values are those that variables or the graph itself still hold. If `output` is a single number and the graph was
    not freed by a backward pass, its gradient with respect to everything is computed, without touching any `.grad` and
    without calling hooks. Use `capture` to see modules, lines of code and every value as well.

    A graph of more than about 60 nodes opens with parts of it closed. Of more than 10,000 operations those nearest to
    the output are there; one further node tells how many are not.

    Raises TypeError when `output` is no tensor or `params` is no {str: tensor}; ValueError when
    `output` has no graph behind it.
    """
    _require_graph(output)
    if params is None and namespace is None:
        return _graph(output, _variables_of(sys._getframe(1)))
    return _graph(output, [_checked_params(params), namespace or {}])


def compare(mine, reference, *, rtol=RTOL, atol=ATOL):
    """Two graphs in one picture, aligned by module path and operation: where do their values and gradients differ?

    mine, reference: each a `Graph` (from `capture` or `graph`) or a tensor with a graph. rtol, atol: a number differs
    if it is further from the reference's than atol + rtol x |the reference's|.

    The picture is of `mine`: what is the same, what differs (the first value and the first gradient to do so are
    marked), what only `mine` has and, as missing, what only the reference has. Start both from equal parameters.

    Raises TypeError for anything else, ValueError for a tensor without a graph.
    """
    variables = _variables_of(sys._getframe(1))
    sides = []
    for name, given in (("mine", mine), ("reference", reference)):
        if not isinstance(given, Graph):
            _require_graph(given, f"compare({name})", "a Graph or a tensor")
            given = _graph(given, variables)
        sides.append(given)
    return compared(*sides, rtol, atol)


def _variables_of(frame):
    """The mappings in which a caller's names are found."""
    return [frame.f_locals, frame.f_globals]


def _graph(output, namespaces, with_numbers=True):
    """The Graph; without numbers it has neither values nor gradients, and takes hardly any time to make."""
    _, operations = operations_behind([output.grad_fn])
    facts = facts_from_saved(operations, [output, *tensors_in(namespaces)], with_numbers)
    gradients, note = _gradients_behind(output, operations) if with_numbers else (None, None)
    picture = assemble(
        [output.grad_fn], facts, gradients, namespaces, tensors=[output], with_numbers=with_numbers)
    picture.notes = (note,) if note else ()
    return picture


def _gradients_behind(output, operations):
    """(Gradients or None, why there are none or not all)."""
    if not all(hasattr(each, "gradients") for each in operations) or output.array.dtype.kind != "f":
        return None, None
    if output.array.size != 1:
        return None, (
            "The output has several elements, so it has no gradient of its own: call backward on a sum or mean of it.")
    if any(each.saved is None for each in operations):
        return None, (
            "Gradients are unknown: a backward pass has freed what they are computed from. Wrap forward and backward "
            "in `with engine.viz.capture() as g:`, or look at the graph before calling backward().")
    gradients, error = flow(output.grad_fn, output.array, operations)
    return gradients, error and f"Not all gradients are known: {error}"


def notebook_bundle(tensor, title):
    """What a notebook shows for a tensor with a graph: `title` (text, above) and a still picture, as a MIME bundle.

    Names come from the notebook's variables. There is no "text/plain": that is the tensor's own. `graph` gives the
    picture to step through.
    """
    shell = notebook_shell()
    shown = _graph(tensor, [shell.user_ns if shell else {}], with_numbers=False)
    picture = shown.svg()
    return {
        "text/html": f"<pre>{escape(title)}</pre>{image(shown.document(), picture)}", "image/svg+xml": picture}


def _require_graph(output, argument="graph(output)", expected="a tensor"):
    if not is_tensor(output):
        raise TypeError(f"{argument}: expected {expected}, got {type(output).__name__}")
    if output.grad_fn is None:
        given = f"a tensor of shape {tuple(output.shape)} with requires_grad={output.requires_grad}"
        raise ValueError(
            f"{argument}: got {given} that no recorded operation computed, so there is no graph to "
            "show; expected a tensor computed from something with requires_grad=True"
        )


def _checked_params(params):
    if params is None:
        return {}
    if not isinstance(params, Mapping):
        raise TypeError(f"graph(params): expected a mapping {{name: tensor}}, got {type(params).__name__}")
    for name, tensor in params.items():
        if not isinstance(name, str) or not is_tensor(tensor):
            raise TypeError(
                f"graph(params): expected a mapping {{name: tensor}}, got the entry {name!r}: {type(tensor).__name__}"
            )
    return params
