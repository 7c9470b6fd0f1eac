"""Entries of the table on functions of the learner's own, which get and give plain arrays.

An `Exchange` puts itself in the place of an entry's `forward` and of its plans until it ends; `use` decides when. What
the functions give is held to the type, the shape and the dtype that the engine's own would have.
"""

import copy
import functools
import threading

import numpy as np

from engine import backend, dtypes
from engine.autograd.graph import TensorBase, set_recording, setting
from engine.ops.table import Plan


class _Inside(threading.local):
    parts = ()  # the names of the parts that are computing in this thread


_inside = _Inside()


def is_inside(name):
    """Whether this thread is computing that part: then its name leads to the engine's own."""
    return name in _inside.parts


def call_part(name, label, function, arguments, keywords):
    """The learner's function of these arguments; an exception gets a note of where it happened."""
    before, _inside.parts = _inside.parts, (*_inside.parts, name)
    try:
        return function(*arguments, **keywords)
    except Exception as error:
        error.add_note(f"This happened in your `{label}`, which engine.use has put into the engine.")
        raise
    finally:
        _inside.parts = before


class Exchange:
    """An entry of the table that runs on functions of the learner's, until `end`."""

    def __init__(self, op, both=None, forward=None, vjp=None):
        self.op, self.own = op, copy.copy(op)
        self.function, self.vjp = forward or both, vjp
        self.gives_pullback, self.pulls_back = both and not forward, both and not forward and not vjp
        self.label = f"{op.name}.forward" if forward else op.name  # what messages call the two
        self.vjp_label = op.name if self.pulls_back else f"{op.name}.vjp"
        self.plans, self.promised, self.latest = {}, {}, threading.local()
        if self.function:
            op.forward, op.run = self.forward, self.run
        if self.vjp or self.pulls_back:
            op.plans, op.plan = {}, self.plan

    def end(self):
        vars(self.op).pop("run", None)
        vars(self.op).pop("plan", None)
        self.op.forward, self.op.plans = self.own.forward, self.own.plans

    def run(self, arrays, metadata):
        if dtypes.loaded_bfloat16 and dtypes.has_bfloat16(arrays) and not self.op.is_view:
            result = self.op._run_on_bfloat16(arrays, metadata)
            self.latest.pair = self.latest.pair and (result, self.latest.pair[1])
            return result
        return backend.quietly(self.forward, arrays, metadata)

    def forward(self, *arrays, **metadata):
        if is_inside(self.op.name):
            return self.own.forward(*arrays, **metadata)
        return self.computed(arrays, metadata)[0]

    def plan(self, needed, count):
        if is_inside(self.op.name):
            return self.own.plan(needed, count)
        if (needed, count) not in self.plans:
            self.plans[needed, count] = OwnPlan(self, needed, count)
        return self.plans[needed, count]

    def computed(self, arrays, metadata):
        """(result, pullback), as the learner's function gives them; the latter None where it gives none."""
        pullback = None
        try:
            result = call_part(self.op.name, self.label, self.function, _as_arrays(arrays), _told(metadata))
        except Exception:
            self.own.run(arrays, metadata)  # where the engine refuses these inputs too, its words are the better ones
            raise
        if self.gives_pullback:
            if not isinstance(result, tuple) or len(result) != 2 or not callable(result[1]):
                raise TypeError(f"your `{self.label}` gave {_kind(result)}, expected a tuple (result, pullback)")
            result, pullback = result
        result = self.as_promised(result, arrays, metadata)
        self.latest.pair = (result, pullback) if setting.record else None
        return result, pullback

    def as_promised(self, result, arrays, metadata):
        """The result, held to the shape and type of the engine's own, which is computed where they are new."""
        like = next((each for each in arrays if hasattr(each, "dtype")), np.zeros(()))
        inputs = tuple((each.shape, each.dtype) if hasattr(each, "dtype") else type(each) for each in arrays)
        if (getattr(result, "shape", None), getattr(result, "dtype", None)) != self.promised.get(inputs):
            own = self.own.run(arrays, metadata)
            self.promised[inputs] = own.shape, own.dtype
        return checked(self.label, "", result, like, *self.promised[inputs])

    def pulled(self, gradient, arrays, call):
        """A gradient for each input. call: the pullback, or the metadata for the learner's vjp."""
        gradient, *arrays = _as_arrays([gradient, *arrays])
        with set_recording(True):  # a part may be made of tensors inside, and ask the engine for their gradients
            if self.pulls_back:
                given = call_part(self.op.name, self.vjp_label, call, [gradient], {})
            else:
                given = call_part(self.op.name, self.vjp_label, self.vjp, [gradient, *arrays], call)
        one = not isinstance(given, (tuple, list))
        given = [given] if one else list(given)
        places = [at for at in range(len(arrays)) if self.op.is_variadic or self.op.vjps[at] is not None]
        if len(given) not in (len(arrays), len(places)) or (one and given[0] is None):
            got = "None" if one and given[0] is None else f"{len(given)} gradient(s)"
            raise ValueError(f"your `{self.vjp_label}` gave {got}, expected {len(arrays)}: a gradient for each input")
        given = dict(zip(range(len(arrays)) if len(given) == len(arrays) else places, given))
        return [self.gradient(at, given.get(at), array) for at, array in enumerate(arrays)]

    def gradient(self, at, given, array):
        """What was given for one input, after a look at it."""
        if given is None or array.dtype.kind not in "fc":
            return np.zeros_like(array)
        shape, name = getattr(given, "shape", ()), self.op.inputs[0 if self.op.is_variadic else at]
        where = f" for `{name[1:]}[{at}]`" if self.op.is_variadic else f" for `{name}`"
        ahead = len(shape) - array.ndim
        is_stretched = ahead >= 0 and all(size in (1, found) for size, found in zip(array.shape, shape[ahead:]))
        is_complex = getattr(getattr(given, "dtype", None), "kind", "") == "c"  # of which the edge takes the real part
        dtype = given.dtype if is_complex else array.dtype
        return checked(self.vjp_label, where, given, array, shape if is_stretched else array.shape, dtype)


class OwnPlan(Plan):
    """A Plan that saves all inputs, and what belongs to the one call. The learner's function is called once a pass."""

    saves_arrays = True

    def __init__(self, entry, needed, count):
        self.entry, self.yours, self.count = entry, entry.vjp_label, count
        self.needed = [position for position in range(count) if needed >> position & 1]
        self.sources = [("input", position) for position in range(count)]
        if entry.pulls_back:  # a pullback may hold the result as well, so that must not change meanwhile
            self.sources.append(("result", None))
        self.sources.append(("call", "call"))

    @property
    def vjps(self):
        shared = {}  # new for each pass
        return [(position, functools.partial(self._gradient, position, shared), None) for position in self.needed]

    def _gradient(self, position, shared, gradient, *saved):
        if not shared:
            shared.update(enumerate(self.entry.pulled(gradient, saved[: self.count], saved[-1])))
        return shared[position]

    def collect(self, inputs, arrays, result, storage, metadata):
        call = _told(metadata)
        if self.entry.pulls_back:
            made, call = getattr(self.entry.latest, "pair", None) or (None, None)
            if made is not result:  # the entry was used again meanwhile, by a view that caught up with its base
                call = self.entry.computed(arrays, metadata)[1]
            self.entry.latest.pair = None
        return super().collect(inputs, arrays, result, storage, {"call": call})

    def as_tensors(self, node, saved):
        raise RuntimeError(
            f"create_graph=True: your `{self.yours}` computes with arrays, so what it does cannot be recorded and "
            "differentiated again. Compute this loss within `with engine.use(None):`.")


def _told(metadata):
    """The metadata that a learner's function is told: all but where recurrent entries keep what their VJPs want."""
    return {name: value for name, value in metadata.items() if name != "kept"}


def _as_arrays(values):
    """Inputs as a learner gets them: numbers as arrays in the type of the floats beside them, bfloat16 as float32."""
    if dtypes.loaded_bfloat16 and dtypes.has_bfloat16(values):
        values = [each.astype(np.float32) if dtypes.has_bfloat16([each]) else each for each in values]
    like = next((each for each in values if getattr(each, "dtype", np.dtype(bool)).kind in "fc"), None)
    module = np if like is None else backend.module_of(like)
    return [
        module.asarray(each, dtype=None if like is None or type(each) is complex else like.dtype)
        if isinstance(each, (bool, int, float, complex)) else each for each in values]


def checked(label, where, value, like, shape, dtype):
    """The value, an array (or tensor) as `like` of this shape and dtype; an error that names the part if it is not."""
    if isinstance(value, np.generic) and backend.is_on_cpu(like):
        value = np.asarray(value)
    wanted = setting.tensor_class if isinstance(like, TensorBase) else backend.module_of(like).ndarray
    if not isinstance(value, wanted):
        raise TypeError(f"your `{label}` gave {_kind(value)}{where}, expected {wanted.__module__}.{wanted.__name__}")
    if tuple(value.shape) != tuple(shape):
        raise ValueError(f"your `{label}` gave shape {tuple(value.shape)}{where}, expected {tuple(shape)}")
    if getattr(value, "array", value).dtype != dtype:
        raise TypeError(f"your `{label}` gave dtype {getattr(value, 'array', value).dtype}{where}, expected {dtype}")
    return value


def _kind(value):
    return "None" if value is None else f"a {type(value).__name__}"
