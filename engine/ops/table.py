"""The table: one entry for each primitive operation, and what an entry is.

An entry says how to compute the result (`forward`, on arrays), how a gradient passes back to each input
(`vjps`), the label for pictures and an example to test it on. A VJP is a function of the gradient `g` and
of whatever it names after it: an input by its name, `<input>_shape`, `result`, or a keyword of the op.
Only what the VJPs name is saved. They are written in operators and in other entries of this table, which
take arrays and tensors alike; so the same line serves the fast backward pass and `create_graph=True`.
"""

import inspect
import itertools

import numpy as np

from engine import backend, dtypes
from engine.autograd.graph import Node, TensorBase, record, tensor_at

TABLE = {}


class Op:
    """An entry of the table. Called with tensors it is recorded, called with arrays it just computes.

    name: the op's name, torch's where torch has one. inputs: names of the array arguments, e.g. "a b"; "*tensors" for
    any number of them. forward(*arrays, **metadata): the result. vjps: one function for each input, None for one
    without a derivative; empty for an op that has none. label: for pictures; the name unless given. node: what grad_fn
    is called; torch's name where it is not the op's with "Backward0". types: how the inputs' types are brought
    together: "same" leaves them, "promote" follows torch's promotion, "float" also turns integers into floats, "promote
    choice" leaves the first alone, "promote unless bool" refuses bools. is_view: the result may share its input's
    memory. explain(arrays, metadata): the exception to raise in place of numpy's when forward fails. example(random): a
    tuple of arrays and a dict of metadata; most are made by `sample`.
    """

    def __init__(
            self, name, inputs, forward, vjps=(), *, label=None, node=None, types="same", is_view=False, explain=None,
            example=None):
        if name in TABLE:
            raise ValueError(f"the table has an entry named {name!r} already")
        TABLE[name] = self
        self.name = name
        self.inputs = inputs.split()
        self.is_variadic = inputs.startswith("*")
        self.forward = forward
        self.vjps = vjps
        self.label = label or name
        self.node_name = node or "".join(part.capitalize() for part in name.split("_")) + "Backward0"
        self.bring_together, self.is_choosy = _BRING_TOGETHER[types], types != "same"  # about its inputs' types
        self.is_view = is_view
        self.explain = explain
        self.example = example
        self.plans = {}  # (needed, count) -> Plan

    def __call__(self, *inputs, **metadata):
        for value in inputs:
            if isinstance(value, TensorBase):
                return record(self, inputs, metadata)
        return self.forward(*inputs, **metadata)

    def __repr__(self):
        return f"<op {self.name}({', '.join(self.inputs)})>"

    def prepare(self, inputs):
        """(the inputs, all on one device; the arrays behind them, in the types that the entry wants)."""
        arrays = [each.array if isinstance(each, TensorBase) else each for each in inputs]
        if _are_alike(arrays):
            return inputs, arrays
        inputs = on_one_device(inputs)
        return inputs, self.bring_together([each.array if isinstance(each, TensorBase) else each for each in inputs])

    def run(self, arrays, metadata):
        """forward, as an array even where numpy gives a scalar, and with torch's kind of error."""
        try:
            if dtypes.loaded_bfloat16 and dtypes.has_bfloat16(arrays) and not self.is_view:
                return self._run_on_bfloat16(arrays, metadata)
            result = backend.quietly(self.forward, arrays, metadata)
        except (ValueError, TypeError, IndexError) as error:
            better = self.explain(arrays, metadata) if self.explain else None
            if better is None:
                raise
            raise better from error
        return result if type(result) is np.ndarray else backend.as_array(result, like=result)

    def _run_on_bfloat16(self, arrays, metadata):
        """Computed in float32 and rounded once, as torch does it: numpy's own loops for bfloat16 are few."""
        arrays = [each.astype(np.float32) if dtypes.has_bfloat16([each]) else each for each in arrays]
        result = self.run(arrays, metadata)
        is_rounded = result.dtype == np.float32 and "dtype" not in metadata
        return result.astype(dtypes.bfloat16().numpy) if is_rounded else result

    def plan(self, needed, count):
        """Which VJPs to run and what they want saved, when of `count` inputs the bit set `needed` need them."""
        if (needed, count) not in self.plans:
            self.plans[needed, count] = Plan(self, needed, count)
        return self.plans[needed, count]


primitive = Op  # as a verb, where entries are made


def sample(*inputs, **metadata):
    """An example for an entry: random arrays of the shapes given, other arrays as they are, and this metadata."""
    return lambda random: (tuple(random(*each) if isinstance(each, tuple) else each for each in inputs), metadata)


class Plan:
    """For one entry and one choice of inputs: the VJPs to run, and where the values they name come from."""

    def __init__(self, op, needed, count):
        self.count = count
        self.sources = []  # (kind, which), kind one of "input", "shape", "result", "metadata", "position", "shapes"
        self.vjps = []  # (input's position, function, indices into sources or None for all of them in order)
        for position in range(count):
            if needed >> position & 1:
                vjp = op.vjps[0] if op.is_variadic else op.vjps[position]
                names = list(inspect.signature(vjp).parameters)[1:]
                self.vjps.append((position, vjp, [self._index(_source_of(name, op, position)) for name in names]))
        everything = list(range(len(self.sources)))
        self.vjps = [(position, vjp, None if picks == everything else picks) for position, vjp, picks in self.vjps]
        self.saves_arrays = any(kind in ("input", "result") for kind, _ in self.sources)

    def _index(self, source):
        if source not in self.sources:
            self.sources.append(source)
        return self.sources.index(source)

    def collect(self, inputs, arrays, result, storage, metadata):
        """(the values to save, in the order of `sources`; the storages they are in, each followed by its version)."""
        saved, versions = [], []
        for kind, which in self.sources:
            if kind == "input":
                saved.append(arrays[which])
                if isinstance(inputs[which], TensorBase):
                    its_storage = inputs[which].storage
                    versions += its_storage, its_storage.version
            elif kind == "result":
                saved.append(result)
                versions += storage, storage.version
            elif kind == "shape":
                saved.append(shape_of(arrays[which]))
            elif kind == "shapes":
                saved.append(tuple(array.shape for array in arrays))
            else:
                saved.append(which if kind == "position" else metadata[which])
        return tuple(saved), tuple(versions)

    def as_tensors(self, node, saved):
        """The saved values with arrays put back into the graph, so that a recorded backward can pass through them."""
        wrapped = []
        for (kind, which), value in zip(self.sources, saved):
            if kind == "input" and hasattr(value, "dtype"):
                value = _tensor_before_cast(node.inputs[which], value)
            elif kind == "result":
                value = tensor_at(node, value)
            wrapped.append(value)
        return wrapped


def _source_of(name, op, position):
    """What a VJP's parameter of this name stands for."""
    if name in op.inputs:
        return "input", op.inputs.index(name)
    if name == "result":
        return "result", None
    if name == "position":
        return "position", position
    if name == "shapes":
        return "shapes", None
    if name.endswith("_shape") and name.removesuffix("_shape") in op.inputs:
        return "shape", op.inputs.index(name.removesuffix("_shape"))
    return "metadata", name


def _tensor_before_cast(node, array):
    """A tensor holding `array` whose gradient goes to `node`, through a cast if the op had changed its type."""
    if node is not None and array.dtype != node.numpy_dtype:
        node = Node(TABLE["to"], (node,), TABLE["to"].plan(1, 1), (), (), array)
    return tensor_at(node, array)


# ---- bringing the inputs together ----------------------------------------------------------------------


def _are_alike(arrays):
    """The quick answer for the usual case: floats of one type on one device, and numbers that are weak beside them."""
    arrays = [each for each in arrays if type(each) is not float and type(each) is not int]
    kind, common = type(arrays[0]) if arrays else bool, getattr(arrays[0], "dtype", None) if arrays else None
    for array in arrays:
        if type(array) is not kind or kind is bool or kind is complex or array.dtype is not common:
            return False
    is_one_place = kind is np.ndarray or all(each.device == arrays[0].device for each in arrays)
    return common is not None and common.kind == "f" and is_one_place


def on_one_device(inputs):
    """The inputs, all of one device. A 0-d tensor on the CPU is copied to the GPU on which the others are.

    RuntimeError, as torch's, for other mixtures.
    """
    tensors = [value for value in inputs if isinstance(value, TensorBase)]
    if len({backend.cuda_index(each.array) for each in tensors}) == 1:
        return inputs
    homes = {backend.cuda_index(each.array) for each in tensors if each.array.ndim or not backend.is_on_cpu(each.array)}
    if len(homes) > 1:
        names = " and ".join(sorted("cpu" if home is None else f"cuda:{home}" for home in homes))
        raise RuntimeError(f"Expected all tensors to be on the same device, but found at least two devices, {names}!")
    (home,) = homes
    return tuple([value.to(f"cuda:{home}") if isinstance(value, TensorBase) else value for value in inputs])


def _same(arrays):
    """The arrays as they are."""
    return arrays


def _promoted(arrays):
    """The arrays in the type that torch's promotion gives."""
    return _cast(arrays, dtypes.result_type(*arrays))


def _promoted_to_float(arrays):
    """The same; integers and bools become the default float type."""
    common = dtypes.result_type(*arrays)
    return _cast(arrays, common if common.category >= dtypes.FLOAT else dtypes.get_default_dtype())


def _promoted_choice(arrays):
    """The same for all but the first, a condition."""
    condition, *values = arrays
    return [condition, *(values if _are_alike(values) else _promoted(values))]


def _promoted_unless_bool(arrays):
    """As `_promoted`; RuntimeError for bools, of which torch takes no difference."""
    if any(isinstance(each, bool) or getattr(each, "dtype", None) == bool for each in arrays):
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. Use `~` or `logical_not()` to invert "
            "a mask, `^` or `logical_xor()` for where two differ.")
    return _promoted(arrays)


_BRING_TOGETHER = {
    "same": _same, "promote": _promoted, "float": _promoted_to_float, "promote choice": _promoted_choice,
    "promote unless bool": _promoted_unless_bool}


def _cast(arrays, common):
    """All in the type `common`; an integer that is too large for it wraps around, as in torch."""
    with backend.quiet():
        return [_as_type(array, common.numpy) for array in arrays]


def _as_type(array, numpy_type):
    if hasattr(array, "dtype"):
        return array.astype(numpy_type, copy=False)
    return np.asarray(array).astype(numpy_type)[()]


def shape_of(value):
    """The shape of an array; () for a Python number."""
    return getattr(value, "shape", ())


# ---- errors in torch's words ------------------------------------------------------------------------


def explain_broadcast(arrays, metadata):
    """Why shapes do not broadcast, with the two shapes aligned under each other; None if they do."""
    pairs = itertools.combinations([shape_of(array) for array in arrays], 2)
    return next(filter(None, (_explain_pair(a, b) for a, b in pairs)), None)


def _explain_pair(a, b):
    for dim in range(-1, -1 - min(len(a), len(b)), -1):
        if a[dim] != b[dim] and 1 not in (a[dim], b[dim]):
            where = max(len(a), len(b)) + dim
            width = max(len(str(list(a))), len(str(list(b))))
            return RuntimeError(
                f"The size of tensor a ({a[dim]}) must match the size of tensor b ({b[dim]}) at non-singleton "
                f"dimension {where}\n" f"  a: {str(list(a)):>{width}}\n  b: {str(list(b)):>{width}}")
    return None
