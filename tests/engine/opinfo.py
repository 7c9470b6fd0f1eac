"""PyTorch's own test inputs as questions to the engine: each asked of both libraries, and the answers compared.

PyTorch keeps, for every operator, a generator of arguments that it tests itself with (its "OpInfo" database). For each
name that the engine has too, `compare` draws some of them, calls the function, the method, the in-place method and the
operator of that name on both sides and on the stand-in for cupy, and says where the answers differ: structure,
dtype, shape, values, requires_grad, gradients, kind of error. `opinfo_known.py` lists the differences that we know.
"""

import contextlib
import dataclasses
import functools
import importlib.util
import random
import types
import warnings
from unittest import mock

import numpy as np

import engine

# What is drawn: for each dtype so many samples (spread evenly over all that PyTorch offers) and mistakes.
SAMPLES = {
    "float64": 200, "float32": 40, "int64": 60, "bool": 30, "complex128": 60, "complex64": 15, "float16": 15,
    "bfloat16": 15, "int32": 15, "uint8": 15,
}  # fmt: skip
MISTAKES = 60
WITH_GRADIENTS = {"float64", "complex128"}
TOLERANCE = {"float16": 2e-2, "bfloat16": 4e-2, "float32": 2e-4, "complex64": 2e-4}  # relative and absolute; 1e-8 for others
HAS_BFLOAT16 = importlib.util.find_spec("ml_dtypes") is not None  # numpy has no such type without that package

# The values are drawn at random or not defined, so that only shapes and dtypes are compared.
UNDETERMINED = """
bernoulli empty empty_like multinomial new_empty nn.functional.dropout nn.functional.dropout2d normal rand rand_like
randint randint_like randn randn_like randperm
""".split()

# Decompositions that are the same with the signs of some vectors turned round: values are compared without their signs,
# and gradients where the signs agree.
UP_TO_SIGN = "linalg.eigh linalg.qr linalg.svd qr svd".split()


def _einsum(library):
    def einsum(tensors, equation):
        return library.einsum(equation, tensors)

    return einsum


def _where(library):
    def where(self, condition, *other):
        return library.where(condition, self, *other)

    return where


# PyTorch's samples call these with the arguments in another order; said once for both libraries.
ADAPTED = {
    "einsum": _einsum,
    "where": _where,
    "nn.functional.embedding": lambda library: (
        lambda weight, index, **keywords: library.nn.functional.embedding(index, weight, **keywords)
    ),
    "normal:number_mean": lambda library: (
        lambda std, mean, *more, **keywords: library.normal(mean, std, *more, **keywords)
    ),
}


class CannotConvert(Exception):
    """An argument that has no counterpart in the engine, such as a memory layout."""


@dataclasses.dataclass
class Report:
    """What came out for one name: how much was compared, what differs, what could not be asked."""

    name: str
    ways: set = dataclasses.field(default_factory=set)
    dtypes: set = dataclasses.field(default_factory=set)
    calls: int = 0
    samples: int = 0
    gradients: int = 0
    mistakes: int = 0
    differences: list = dataclasses.field(default_factory=list)
    left_out: dict = dataclasses.field(default_factory=dict)  # reason -> how many samples


# ---- which names, and where they are ----------------------------------------------------------------


@functools.cache
def database():
    """name -> PyTorch's OpInfos of that name, also under its aliases."""
    from torch.testing._internal.common_methods_invocations import op_db

    found = {}
    for info in op_db:
        for name in {info.name, *(alias.name for alias in info.aliases)}:
            found.setdefault(name, []).append(info)
    return found


def public_names():
    """The engine's functions and Tensor's methods and operators as PyTorch's database spells them, sorted."""
    found = set()
    for prefix, owner in (
        ("", engine),
        ("linalg.", getattr(engine, "linalg", None)),
        ("nn.functional.", engine.nn.functional),
    ):
        for name, value in vars(owner).items() if owner else ():
            if callable(value) and not isinstance(value, type) and not name.startswith("_"):
                found.add(prefix + name)
    for name, value in vars(engine.Tensor).items():
        is_private = name.startswith("_") and not name.startswith("__")
        if not is_private and (callable(value) or isinstance(value, property)):
            found.add(name)
    return sorted(found)


def find(library, name):
    """The object at a dotted path, or None."""
    for part in name.split("."):
        library = getattr(library, part, None)
    return library


def method_of(library, name):
    """Tensor's method as a function of the tensor; a property is read."""
    method = getattr(library.Tensor, name, None)
    if method is None or callable(method):
        return method

    def read(tensor):
        return getattr(tensor, name)

    return read


@dataclasses.dataclass(frozen=True)
class Way:
    """One way to call an operation: the callable of each library, and what it does to its first argument."""

    label: str
    ours: object
    theirs: object
    in_place: bool = False
    device: str = "cpu"


def ways(name, info):
    """Every way in which both libraries offer the operation."""
    import torch

    adapted = ADAPTED.get(f"{name}:{info.variant_test_name}") or ADAPTED.get(name)
    plain = name.removeprefix("nn.functional.") if "." not in name else None
    found = []
    if find(engine, name) and find(torch, name):
        pair = (adapted(engine), adapted(torch)) if adapted else (find(engine, name), find(torch, name))
        found += [Way("function", *pair), Way("on the stand-in for cupy", *pair, device="cuda")]
    if plain:
        for label, attribute, in_place in (("method", plain, False), ("in place", plain + "_", True)):
            ours, theirs = method_of(engine, attribute), method_of(torch, attribute)
            if ours and theirs:
                found.append(Way(label, ours, theirs, in_place))
        if not find(engine, name) and found and found[0].label == "method":
            found.append(dataclasses.replace(found[0], label="on the stand-in for cupy", device="cuda"))
    for label, operator, in_place in (
        ("operator", info.operator_variant, False),
        ("operator in place", info.inplace_operator_variant, True),
    ):
        if operator is not None and _has_operator(operator):
            found.append(Way(label, operator, operator, in_place))
    return found


def _has_operator(operator):
    return hasattr(engine.Tensor, f"__{operator.__name__.strip('_')}__")


# ---- arguments across the border --------------------------------------------------------------------


def converted(value, device="cpu", leaves=None):
    """PyTorch's argument as the engine's, recursively; pairs of leaves that need gradients are added to `leaves`."""
    import torch

    again = functools.partial(converted, device=device, leaves=leaves)
    if isinstance(value, torch.Tensor):
        return _converted_tensor(value, device, leaves)
    if isinstance(value, torch.dtype):
        ours = getattr(engine, str(value).removeprefix("torch."), None)
        if ours is None:
            raise CannotConvert(f"the engine has no {value}")
        return ours
    if isinstance(value, torch.device):
        return engine.device(device if value.type == "cpu" else str(value))
    if isinstance(value, torch.Size):
        return tuple(value)
    if isinstance(value, (list, tuple)):
        return type(value)(again(each) for each in value)
    if isinstance(value, dict):
        return {key: again(each) for key, each in value.items()}
    if isinstance(value, str) and value == "cpu":
        return device
    if (
        value is None
        or value is Ellipsis
        or isinstance(value, (bool, int, float, complex, str, slice, range, np.generic))
    ):
        return value
    raise CannotConvert(f"an argument of type {type(value).__name__}")


def _converted_tensor(value, device, leaves):
    import torch

    if value.layout is not torch.strided:
        raise CannotConvert("sparse tensors")
    if value.device.type != "cpu":
        raise CannotConvert(f"a tensor on {value.device.type}")
    try:
        value_there = value.detach().resolve_conj().resolve_neg()
        if value.dtype is torch.bfloat16:
            array = value_there.view(torch.int16).numpy().view(engine.bfloat16.numpy)
        else:
            array = value_there.numpy()
        ours = engine.from_numpy(array)
    except (TypeError, ValueError) as error:  # a type or a number of dimensions that numpy has not
        raise CannotConvert(str(error)) from None
    if device != "cpu":
        ours = ours.to(device)
    if value.requires_grad:
        ours.requires_grad_()
        if leaves is not None:
            leaves.append((ours, value))
    return ours


# ---- one call, compared -----------------------------------------------------------------------------


def answer(way, function, arguments, keywords):
    """(the result, None) or (None, the exception). In place: on a copy of the first argument that knows its leaf."""
    arguments = list(arguments)
    if way.in_place:
        arguments[0] = arguments[0].clone()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with np.errstate(all="ignore"):
                return function(*arguments, **keywords), None
    except Exception as error:  # whatever it raises is the answer: its kind is compared
        return None, error


def difference(way, name, sample, with_gradients, report):
    """What differs between the libraries on this sample; None if nothing does."""
    import torch

    leaves = []
    arguments = [converted(each, way.device, leaves) for each in (sample.input, *sample.args)]
    keywords = {key: each for key, each in sample.kwargs.items() if each is not torch.preserve_format}  # the default
    keywords = converted(keywords, way.device, leaves)
    before = [ours.cpu().detach().numpy().copy() for ours, _ in leaves]
    theirs, their_error = answer(way, way.theirs, (sample.input, *sample.args), sample.kwargs)
    ours, our_error = answer(way, way.ours, arguments, keywords)
    report.calls += 1
    if "out" in sample.kwargs:  # the engine writes into no given tensor: it must say so and never ignore the argument
        return None if isinstance(our_error, TypeError) else f"out= was accepted: {our_error!r}"
    if our_error is not None or their_error is not None:
        return different_errors(our_error, their_error)
    exact = name not in UNDETERMINED
    problem = different(ours, theirs, exact)
    if problem and name in UP_TO_SIGN:
        problem, with_gradients = different(without_signs(ours), without_signs(theirs)), False
    if problem is None and any(
        not np.array_equal(leaf.cpu().detach().numpy(), was, equal_nan=True) for (leaf, _), was in zip(leaves, before)
    ):
        problem = "an argument was changed"
    if problem is None and with_gradients and exact:
        problem = different_gradients(ours, theirs, leaves, report)
    return problem


def without_signs(results):
    return [each.abs() for each in results]


def different_errors(ours, theirs):
    """A call that raises on one side must raise on the other, and the same kind."""
    if theirs is None:
        return f"only the engine raises {type(ours).__name__}: {_first_line(ours)}"
    if ours is None:
        return f"only torch raises {type(theirs).__name__}: {_first_line(theirs)}"
    if isinstance(ours, type(theirs)) or isinstance(theirs, type(ours)) and type(theirs) is not Exception:
        return None
    return (
        f"the engine raises {type(ours).__name__} ({_first_line(ours)}), "
        f"torch {type(theirs).__name__} ({_first_line(theirs)})"
    )


def _first_line(error):
    return (str(error).splitlines() or [""])[0][:160]


def different(ours, theirs, exact=True):
    """What differs between two results: None, or words."""
    import torch

    if isinstance(theirs, (tuple, list)) and not isinstance(theirs, torch.Size):
        if not isinstance(ours, (tuple, list)) or len(ours) != len(theirs):
            return f"result is {_kind(ours)}, torch's is {_kind(theirs)}"
        for position, pair in enumerate(zip(ours, theirs)):
            problem = different(*pair, exact)
            if problem:
                return f"result {position}: {problem}"
        return None
    if not isinstance(theirs, torch.Tensor):
        same = tuple(ours) == tuple(theirs) if isinstance(theirs, torch.Size) else str(ours) == str(theirs)
        return None if same else f"result {ours!r}, torch's {theirs!r}"
    if not isinstance(ours, engine.Tensor):
        return f"result is {_kind(ours)}, torch's is {_kind(theirs)}"
    for what, mine, other in (
        ("dtype", str(ours.dtype), str(theirs.dtype)),
        ("shape", tuple(ours.shape), tuple(theirs.shape)),
        ("requires_grad", ours.requires_grad, theirs.requires_grad),
    ):
        if mine != other:
            return f"{what} {mine}, torch's {other}"
    return different_values(_array(ours), _array(theirs), _tolerance(theirs)) if exact else None


def _kind(value):
    return f"{len(value)} values" if isinstance(value, (tuple, list)) else type(value).__name__


def _array(tensor):
    tensor = tensor.detach().cpu() if isinstance(tensor, engine.Tensor) else tensor.detach().resolve_conj().resolve_neg()
    return (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()


def _tolerance(tensor):
    return TOLERANCE.get(str(tensor.dtype).removeprefix("torch."), 1e-8)


def different_values(ours, theirs, tolerance):
    with np.errstate(all="ignore"):
        near = np.isclose(ours, theirs, rtol=tolerance, atol=tolerance, equal_nan=True)
    if near.all():
        return None
    place = tuple(int(each) for each in np.argwhere(~near)[0])
    return f"values: {(~near).sum()} of {near.size} differ, at {list(place)} {ours[place]!r}, torch's {theirs[place]!r}"


def different_gradients(ours, theirs, leaves, report):
    """Send the same random gradient back from every result that needs one, and compare what the leaves receive."""
    import torch

    generator = np.random.default_rng(0)
    pairs = [
        pair
        for pair in zip(_tensors(ours, engine.Tensor), _tensors(theirs, torch.Tensor))
        if pair[1].requires_grad and (pair[1].dtype.is_floating_point or pair[1].dtype.is_complex)
    ]
    if not pairs or not leaves:
        return None
    weights = [_weights(generator, theirs) for _, theirs in pairs]
    expected, their_error = answer(
        PLAIN,
        torch.autograd.grad,
        (
            [theirs for _, theirs in pairs],
            [leaf for _, leaf in leaves],
            [torch.tensor(weight, dtype=theirs.dtype) for weight, (_, theirs) in zip(weights, pairs)],
        ),
        {"allow_unused": True},
    )
    found, our_error = answer(
        PLAIN,
        engine.autograd.grad,
        (
            [ours for ours, _ in pairs],
            [leaf for leaf, _ in leaves],
            [engine.tensor(weight, dtype=ours.dtype, device=ours.device) for weight, (ours, _) in zip(weights, pairs)],
        ),
        {"allow_unused": True},
    )
    if our_error is not None or their_error is not None:
        problem = different_errors(our_error, their_error)
        return problem and f"backward: {problem}"
    report.gradients += 1
    for position, (mine, other) in enumerate(zip(found, expected)):
        problem = _different_gradient(mine, other)
        if problem:
            return f"gradient {position}: {problem}"
    return None


def _weights(generator, tensor):
    """Random numbers of the tensor's shape, complex ones for a complex tensor."""
    drawn = generator.standard_normal(tuple(tensor.shape))
    return drawn + 1j * generator.standard_normal(drawn.shape) if tensor.dtype.is_complex else drawn


PLAIN = types.SimpleNamespace(in_place=False)


def _different_gradient(ours, theirs):
    """None stands for zeros: the two libraries need not agree on which zeros they leave out."""
    if ours is None or theirs is None:
        present = ours if theirs is None else theirs
        return None if present is None or not _array(present).any() else "only one of the two is None"
    if tuple(ours.shape) != tuple(theirs.shape) or str(ours.dtype) != str(theirs.dtype):
        return f"{ours.dtype} {tuple(ours.shape)}, torch's {theirs.dtype} {tuple(theirs.shape)}"
    return different_values(_array(ours), _array(theirs), _tolerance(theirs))


def _tensors(result, kind):
    if isinstance(result, kind):
        return [result]
    return [tensor for each in result for tensor in _tensors(each, kind)] if isinstance(result, (tuple, list)) else []


# ---- all calls of a name ----------------------------------------------------------------------------


def compare(name):
    """Ask both libraries everything there is to ask about this name. "cupy" must be the stand-in meanwhile."""
    import torch

    report = Report(name)
    for info in database().get(name, ()):
        found = ways(name, info)
        for dtype in SAMPLES:
            if dtype == "bfloat16" and not HAS_BFLOAT16:
                continue
            if getattr(torch, dtype) in info.supported_dtypes("cpu"):
                _compare_samples(report, info, found, dtype)
        _compare_mistakes(report, info, found)
    return report


def _compare_samples(report, info, found, dtype):
    import torch

    with_gradients = dtype in WITH_GRADIENTS and info.supports_autograd
    samples = drawn(
        lambda: info.sample_inputs("cpu", getattr(torch, dtype), requires_grad=with_gradients), SAMPLES[dtype]
    )
    for sample in samples:
        report.samples += 1
        for way in found:
            _ask(report, info, way, dtype, sample, with_gradients)


def _compare_mistakes(report, info, found):
    if info.error_inputs_func is None:
        return
    for mistake in drawn(lambda: info.error_inputs("cpu"), MISTAKES):
        report.mistakes += 1
        for way in found:
            if way.label in ("function", "method"):
                _ask(report, info, way, "mistake", mistake.sample_input, False)


def _ask(report, info, way, dtype, sample, with_gradients):
    import torch

    first_is_tensor = isinstance(sample.input, torch.Tensor)
    if not first_is_tensor and way.label not in ("function", "on the stand-in for cupy"):
        return
    try:
        problem = difference(way, report.name, sample, with_gradients, report)
    except CannotConvert as reason:
        report.left_out[str(reason)] = report.left_out.get(str(reason), 0) + 1
        return
    report.ways.add(way.label)
    report.dtypes.add(dtype)
    if problem:
        report.differences.append(f"[{way.label}, {dtype}] {written(report.name, info, sample)}: {problem}")


def drawn(make, limit):
    """At most `limit` of the samples, spread evenly; the same ones each time."""
    import torch

    random.seed(0)
    state = np.random.get_state()  # PyTorch's generators draw from numpy's global state
    np.random.seed(0)
    try:
        with _seeding_no_gpu():
            torch.manual_seed(0)
            samples = list(make())
    finally:
        np.random.set_state(state)
    if len(samples) <= limit:
        return samples
    return [samples[round(position * (len(samples) - 1) / (limit - 1))] for position in range(limit)]


@contextlib.contextmanager
def _seeding_no_gpu():
    """PyTorch seeds before each sample, and for GPUs it keeps the stack of every such call: half of all the time."""
    with contextlib.ExitStack() as stack:
        for kind in ("cuda", "mtia", "xpu"):
            stack.enter_context(mock.patch(f"torch.{kind}.manual_seed_all", lambda seed: None))
        yield


def written(name, info, sample):
    """The call as a reader would write it, tensors as type[shape]."""
    import torch

    def spelt(value):
        if isinstance(value, torch.Tensor):
            return f"{str(value.dtype).removeprefix('torch.')}{list(value.shape)}"
        if isinstance(value, (tuple, list)) and not isinstance(value, torch.Size):
            inside = ", ".join(map(spelt, value))
            return f"({inside})" if isinstance(value, tuple) else f"[{inside}]"
        return repr(value)

    parts = [spelt(each) for each in (sample.input, *sample.args)]
    parts += [f"{key}={spelt(value)}" for key, value in sample.kwargs.items()]
    variant = f"<{info.variant_test_name}>" if info.variant_test_name else ""
    return f"{name}{variant}({', '.join(parts)})"
