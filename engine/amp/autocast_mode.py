"""autocast: inside of it, functions choose the precision that they compute in, by the lists in `policies`.

Functions ask `functions.arguments.autocasting` before they read their arguments; it is empty unless some thread is
inside. A function that casts runs with autocast off, so that only the outermost decides. Casts are recorded like any
operation: gradients arrive in the type of the parameter.
"""

import contextlib
import functools
import threading
import warnings

from engine import backend, dtypes
from engine.amp.policies import AS_GIVEN, BANNED, FLOAT32, LOWER, POLICIES, RESULT, STATE
from engine.autograd.graph import TensorBase, setting
from engine.functions.arguments import autocasting

__all__ = ["autocast", "clear_autocast_cache", "get_autocast_dtype", "is_autocast_cache_enabled", "is_autocast_enabled"]


class _State(threading.local):
    """What autocast does in this thread."""

    def __init__(self):
        self.enabled = {"cpu": False, "cuda": False}
        self.dtype = {"cpu": None, "cuda": dtypes.float16}  # None: bfloat16, of which nobody has asked yet
        self.cache_enabled = True
        self.cache = {}  # (a parameter's id, type, whether recorded) -> (parameter, its version, the parameter cast)
        self.nesting = 0
        self.is_casting = False  # inside of a function that has cast its arguments


_state = _State()
_inside = threading.Lock()
_threads_inside = 0


class autocast:
    """Context manager and decorator: functions inside compute in the precision that is good for them.

    device_type: "cpu" or "cuda", of the tensors that it is for. dtype: float16 or bfloat16, what products are computed
    in; by default bfloat16 on the CPU and float16 on a GPU. enabled: False switches it off, also inside of another.
    cache_enabled: cast a parameter once until the outermost autocast ends. ValueError or RuntimeError for another
    device_type; a dtype that is not supported, or a GPU that is missing, switches it off with a warning. (Micikevicius
    et al., 2018)
    """

    def __init__(self, device_type, dtype=None, enabled=True, cache_enabled=None):
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        if not is_autocast_available(device_type):
            raise RuntimeError(f"User specified an unsupported autocast device_type '{device_type}'")
        if dtype is not None and not isinstance(dtype, dtypes.dtype):
            raise TypeError(f"autocast(): argument 'dtype' must be torch.dtype, not {type(dtype).__name__}")
        self.device = device_type
        self.fast_dtype = dtype
        if enabled and dtype is None:
            self.fast_dtype = get_autocast_dtype(device_type)
        if enabled and device_type == "cuda" and not backend.has_cuda():
            warnings.warn("CUDA is not available. Disabling autocast.", stacklevel=2)
            enabled = False
        elif enabled and not _is_half(self.fast_dtype):
            name = device_type.upper()
            warnings.warn(
                f"In {name} autocast, but the target dtype is not supported. Disabling autocast.\n{name} Autocast only "
                f"supports dtypes of torch.bfloat16, torch.float16 currently, got {dtype}.", stacklevel=2)
            enabled = False
        self._enabled = enabled
        self._before = []  # what was on at each entry: a decorated function may call itself
        self._cache_enabled = is_autocast_cache_enabled() if cache_enabled is None else cache_enabled

    def __enter__(self):
        device = self.device
        self._before.append((_state.enabled[device], _state.dtype[device], _state.cache_enabled))
        _state.enabled[device], _state.cache_enabled = self._enabled, self._cache_enabled
        _state.dtype[device] = self.fast_dtype or _state.dtype[device]
        _state.nesting += 1
        if _state.nesting == 1:
            _count_threads(1)
        return self

    def __exit__(self, *exception):
        _state.nesting -= 1
        if _state.nesting == 0:
            clear_autocast_cache()
            _count_threads(-1)
        device = self.device
        _state.enabled[device], _state.dtype[device], _state.cache_enabled = self._before.pop()
        return False

    def __call__(self, func):
        if not callable(func):
            raise TypeError(
                f"autocast()(func) requires a callable, but got {type(func).__name__}. Did you mean to use autocast as "
                "a context manager?")

        @functools.wraps(func)
        def inside(*arguments, **keywords):
            with self:
                return func(*arguments, **keywords)

        return inside


def _count_threads(change):
    """One thread more, or less, is inside: functions ask only while there is one."""
    global _threads_inside
    with _inside:
        _threads_inside += change
        autocasting[:] = [_way_to_call] if _threads_inside else []


def _is_half(dtype):
    return dtype.is_floating_point and dtype.numpy.itemsize == 2


# ---- what a function asks -------------------------------------------------------------------------------


def _way_to_call(name, arguments, keywords):
    """How to call the function of that name with these arguments; None where it takes them as they are."""
    if _state.is_casting or not (_state.enabled["cpu"] or _state.enabled["cuda"]):
        return None
    tensors = list(_tensors((*arguments, *keywords.values())))
    for device, is_enabled in _state.enabled.items():
        policy = POLICIES[device].get(name) if is_enabled else None
        if policy is not None and any(_device_type(each) == device for each in tensors):
            return functools.partial(_call, policy, name, device, arguments, keywords)
    return None


def _call(policy, name, device, arguments, keywords, function):
    """function(*arguments, **keywords) with the tensors cast as the policy says, and autocast off inside."""
    if policy == BANNED:
        raise RuntimeError(
            f"torch.nn.functional.{name} and torch.nn.BCELoss are unsafe to autocast: float16 rounds probabilities "
            f"near 0 and 1 to them. Leave out the sigmoid before it and use {name}_with_logits or BCEWithLogitsLoss, "
            "which are safe to autocast.")
    dtype = _type_for(policy, device, arguments, keywords)
    _state.is_casting = True
    try:
        if dtype is not None:
            arguments = [_cast(each, dtype, device) for each in arguments]
            keywords = {key: _cast(each, dtype, device) for key, each in keywords.items()}
        return function(*arguments, **keywords)
    finally:
        _state.is_casting = False


def _type_for(policy, device, arguments, keywords):
    """The type to cast to; None to leave all as they are."""
    if policy == LOWER:
        return get_autocast_dtype(device)
    if policy == AS_GIVEN:
        return None
    if policy == FLOAT32:
        return dtypes.float32
    if policy == RESULT:
        has_dtype = any(isinstance(each, dtypes.dtype) for each in (*arguments, *keywords.values()))
        return None if has_dtype else dtypes.float32
    # of a cell, weights and biases are the last four
    among = arguments[1:-4] if policy == STATE else (*arguments, *keywords.values())
    found = [each.dtype for each in _tensors(among) if _is_eligible(each, device)]
    return functools.reduce(dtypes.promote_types, found, get_autocast_dtype(device))


def _cast(value, dtype, device):
    if isinstance(value, TensorBase):
        return _cast_tensor(value, dtype) if _is_eligible(value, device) else value
    if type(value) in (tuple, list):
        return type(value)([_cast(each, dtype, device) for each in value])
    return value


def _cast_tensor(tensor, dtype):
    """The tensor in that type; of a parameter, the same result as last time unless it has changed since."""
    if tensor.dtype is dtype:
        return tensor
    is_parameter = tensor.requires_grad and tensor.view_of is None and tensor._grad_fn is None
    if not (is_parameter and _state.cache_enabled and tensor.dtype is dtypes.float32):
        return tensor.to(dtype)
    key, version = (id(tensor), dtype, setting.record), tensor.storage.version
    if key not in _state.cache or _state.cache[key][1] != version:
        _state.cache[key] = tensor, version, tensor.to(dtype)
    return _state.cache[key][2]


def _is_eligible(tensor, device):
    """Floats on that device; not float64, which somebody must have chosen."""
    return tensor.dtype.is_floating_point and tensor.dtype is not dtypes.float64 and _device_type(tensor) == device


def _device_type(tensor):
    return "cpu" if backend.is_on_cpu(tensor.array) else "cuda"


def _tensors(values):
    for value in values:
        if isinstance(value, TensorBase):
            yield value
        elif type(value) in (tuple, list):
            yield from _tensors(value)


# ---- what is switched on --------------------------------------------------------------------------------


def is_autocast_available(device_type):
    """Whether autocast knows this kind of device: "cpu" and "cuda"."""
    return device_type in POLICIES


def is_autocast_enabled(device_type="cuda"):
    """Whether autocast is on for this kind of device here."""
    return _state.enabled[_known(device_type)]


def get_autocast_dtype(device_type):
    """What products are computed in while autocast is on: bfloat16 on the CPU and float16 on a GPU unless chosen."""
    return _state.dtype[_known(device_type)] or dtypes.bfloat16()


def is_autocast_cache_enabled():
    """Whether autocast keeps parameters that it has cast."""
    return _state.cache_enabled


def autocast_as_now():
    """A function that makes a context manager, inside of which autocast is what it is here now. For `checkpoint`."""
    kinds = [(each, _state.dtype[each], _state.enabled[each], _state.cache_enabled) for each in POLICIES]

    @contextlib.contextmanager
    def as_then():
        with contextlib.ExitStack() as stack:
            for each in kinds:
                stack.enter_context(autocast(*each))
            yield

    return as_then


def clear_autocast_cache():
    """Forget the parameters that were cast."""
    _state.cache.clear()


def _known(device_type):
    if not isinstance(device_type, str):
        raise TypeError(f"argument 'device_type' (position 1) must be str, not {type(device_type).__name__}")
    if device_type not in POLICIES:
        raise RuntimeError(f"unknown device type for autocast: {device_type!r}, expected one of cpu, cuda")
    return device_type
