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


def primitive(
    name, inputs, forward, vjps=(), *, label=None, node=None, types="same", is_view=False, explain=None, example=None
):
    """Add an entry to the table and return it.

    name: the op's name, torch's where torch has one. inputs: names of the array arguments, e.g. "a b";
    "*tensors" for any number of them. forward(*arrays, **metadata): the result. vjps: one function for each
    input, None for one without a derivative; empty for an op that has none. label: for pictures; the name unless
    given. node: what grad_fn is called; torch's name where it is not the op's with "Backward0". types: how the
    inputs' types are brought together: "same" leaves them, "promote" follows torch's promotion, "float" also turns
    integers into floats, "promote choice" leaves the first alone, "promote unless bool" refuses bools. is_view: the result may share its input's memory.
    explain(arrays, metadata): the exception to raise in place of numpy's when forward fails. example(random): a
    tuple of arrays and a dict of metadata.
    """
    node = node or "".join(part.capitalize() for part in name.split("_")) + "Backward0"
    entry = Op(name, inputs, forward, vjps, label or name, node, types, is_view, explain, example)
    if name in TABLE:
        raise ValueError(f"the table has an entry named {name!r} already")
    TABLE[name] = entry
    return entry


class Op:
    """An entry of the table. Called with tensors it is recorded, called with arrays it just computes."""

    def __init__(self, name, inputs, forward, vjps, label, node_name, types, is_view, explain, example):
        self.name = name
        self.inputs = inputs.split()
        self.is_variadic = inputs.startswith("*")
        self.forward = forward
        self.vjps = vjps
        self.label = label
        self.node_name = node_name
        self.prepare = _PREPARE[types]
        self.is_view = is_view
        self.explain = explain
        self.example = example
        self._plans = {}

    def __call__(self, *inputs, **metadata):
        for value in inputs:
            if isinstance(value, TensorBase):
                return record(self, on_one_device(inputs), metadata)
        return self.forward(*inputs, **metadata)

    def __repr__(self):
        return f"<op {self.name}({', '.join(self.inputs)})>"

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
        return backend.as_array(result, like=result)

    def _run_on_bfloat16(self, arrays, metadata):
        """Computed in float32 and rounded once, as torch does it: numpy's own loops for bfloat16 are few."""
        arrays = [each.astype(np.float32) if dtypes.has_bfloat16([each]) else each for each in arrays]
        result = self.run(arrays, metadata)
        is_rounded = result.dtype == np.float32 and "dtype" not in metadata
        return result.astype(dtypes.bfloat16().numpy) if is_rounded else result

    def plan(self, needed, count):
        """Which VJPs to run and what to save for them, when the inputs in the bit set `needed` need gradients."""
        plan = self._plans.get((needed, count))
        if plan is None:
            plan = self._plans[needed, count] = Plan(self, needed, count)
        return plan


class Plan:
    """For one entry and one choice of inputs: the VJPs to run, and where the values they name come from."""

    def __init__(self, op, needed, count):
        self.sources = []  # (kind, which), kind one of "input", "shape", "result", "metadata", "position", "shapes"
        self.vjps = []  # (input's position, function, indices into sources)
        for position in range(count):
            if needed >> position & 1:
                vjp = op.vjps[0] if op.is_variadic else op.vjps[position]
                names = list(inspect.signature(vjp).parameters)[1:]
                picks = tuple(self._index(_source_of(name, op, position)) for name in names)
                self.vjps.append((position, vjp, picks))
        self.saved_inputs = [which for kind, which in self.sources if kind == "input"]
        self.saves_result = ("result", None) in self.sources
        self.saves_arrays = bool(self.saved_inputs) or self.saves_result

    def _index(self, source):
        if source not in self.sources:
            self.sources.append(source)
        return self.sources.index(source)

    def collect(self, arrays, result, metadata):
        """The values to save, in the order of `sources`."""
        found = []
        for kind, which in self.sources:
            if kind == "input":
                found.append(arrays[which])
            elif kind == "result":
                found.append(result)
            elif kind == "shape":
                found.append(shape_of(arrays[which]))
            elif kind == "shapes":
                found.append(tuple(array.shape for array in arrays))
            elif kind == "position":
                found.append(which)
            else:
                found.append(metadata[which])
        return tuple(found)

    def remember_versions(self, inputs, result_storage):
        """The storages of what is saved with their present versions."""
        storages = [inputs[which].storage for which in self.saved_inputs if isinstance(inputs[which], TensorBase)]
        if self.saves_result:
            storages.append(result_storage)
        return tuple([(storage, storage.version) for storage in storages])

    def as_tensors(self, node, saved):
        """The saved values with arrays put back into the graph, so that a recorded backward can pass through them."""
        wrapped = []
        for (kind, which), value in zip(self.sources, saved):
            if kind == "input" and hasattr(value, "dtype"):
                value = _tensor_before_cast(node.inputs[which], value, node.input_dtypes[which])
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


def _tensor_before_cast(node, array, numpy_dtype):
    """A tensor holding `array` whose gradient goes to `node`, through a cast if the op had changed its type."""
    if node is not None and array.dtype != numpy_dtype:
        cast = TABLE["to"]
        node = Node(cast, (node,), (array.shape,), (numpy_dtype,), cast.plan(1, 1), (), (), array)
    return tensor_at(node, array)


# ---- bringing the inputs together: devices -----------------------------------------------------------


def on_one_device(inputs):
    """The inputs, all of one device. A 0-d tensor on the CPU is copied to the GPU on which the others are.

    RuntimeError, as torch's, for other mixtures.
    """
    first = unknown = -1
    for value in inputs:
        if isinstance(value, TensorBase):
            index = backend.cuda_index(value.array)
            if first == unknown:
                first = index
            elif index != first:
                return _gathered(inputs)
    return inputs


def _gathered(inputs):
    tensors = [value for value in inputs if isinstance(value, TensorBase)]
    homes = {backend.cuda_index(each.array) for each in tensors if each.array.ndim or not backend.is_on_cpu(each.array)}
    if len(homes) > 1:
        names = " and ".join(sorted("cpu" if home is None else f"cuda:{home}" for home in homes))
        raise RuntimeError(f"Expected all tensors to be on the same device, but found at least two devices, {names}!")
    (home,) = homes
    return tuple([value.to(f"cuda:{home}") if isinstance(value, TensorBase) else value for value in inputs])


# ---- bringing the inputs together: types -------------------------------------------------------------


def arrays_of(inputs):
    """The arrays behind the tensors; Python numbers as they are."""
    return [value.array if isinstance(value, TensorBase) else value for value in inputs]


def promoted(inputs):
    """The same, in the type that torch's promotion gives."""
    arrays = arrays_of(inputs)
    if _already_one_float_type(arrays):
        return arrays
    return _cast(arrays, dtypes.result_type(*arrays))


def promoted_to_float(inputs):
    """The same; integers and bools become the default float type."""
    arrays = arrays_of(inputs)
    if _already_one_float_type(arrays):
        return arrays
    common = dtypes.result_type(*arrays)
    return _cast(arrays, common if common.category >= dtypes.FLOAT else dtypes.get_default_dtype())


def promoted_choice(inputs):
    """The same for all but the first, a condition."""
    condition, *values = arrays_of(inputs)
    if _already_one_float_type(values):
        return [condition, *values]
    return [condition, *_cast(values, dtypes.result_type(*values))]


def promoted_unless_bool(inputs):
    """As `promoted`; RuntimeError for bools, of which torch takes no difference."""
    arrays = arrays_of(inputs)
    if _already_one_float_type(arrays):
        return arrays
    if any(isinstance(each, bool) or getattr(each, "dtype", None) == bool for each in arrays):
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. Use `~` or `logical_not()` to invert a "
            "mask, `^` or `logical_xor()` for where two differ."
        )
    return _cast(arrays, dtypes.result_type(*arrays))


_PREPARE = {
    "same": arrays_of,
    "promote": promoted,
    "float": promoted_to_float,
    "promote choice": promoted_choice,
    "promote unless bool": promoted_unless_bool,
}


def _already_one_float_type(arrays):
    """The quick answer for the usual case: float tensors of one type, and numbers that are weak beside them."""
    common = None
    for array in arrays:
        kind = type(array)
        if kind is float or kind is int:
            continue
        if kind is bool or kind is complex or array.dtype.kind != "f":
            return False
        if common is None:
            common = array.dtype
        elif array.dtype != common:
            return False
    return common is not None


def _cast(arrays, common):
    """All in the type `common`; an integer that is too large for it wraps around, as in torch."""
    with backend.quiet():
        return [
            array.astype(common.numpy, copy=False)
            if hasattr(array, "dtype")
            else np.asarray(array).astype(common.numpy)[()]
            for array in arrays
        ]


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
                f"dimension {where}\n"
                f"  a: {str(list(a)):>{width}}\n  b: {str(list(b)):>{width}}"
            )
    return None
