"""On a GPU chains of elementwise operations are one kernel each: the right numbers, by no more launches than meant."""

import contextlib
import importlib.util
from pathlib import Path

import numpy as np
import pytest

import engine
from engine import backend, kernels, nn, optim
from engine.kernels import one_kernel
from engine.nn.functional.normalization import moved
from engine.nn.primitives import activation, batch_norm, layer_norm, normalization, recurrent
from engine.ops import quick
from engine.optim import adam, sgd

TYPES = ["float32", "float64", "float16"]
PART, ROWS, CHANNEL, ROW, COLUMN = (3, 4), (2, 3, 4), (3, 1), (5,), (4, 1)
# Each kernel with its arguments: a shape is an array (positive, as variances are), the rest is what it is.
KERNELS = {
    "sgd": (sgd.sgd_step, (7,), (7,), None, 1, 0.1, None, 0, 1, None),
    "sgd with all": (sgd.sgd_step, (7,), (7,), (7,), -1, 0.1, 0.2, 0.9, 0.8, 0.9),
    "adam": (adam.adam_step, (7,), (7,), (7,), (7,), None, 1, None, None, 0.1, 0.9, 0.01, 0.5, 1e-3, 0.1),
    "adam with all": (adam.adam_step, (7,), (7,), (7,), (7,), (7,), -1, 0.9, 0.2, 0.1, 0.9, 0.01, 0.5, 1e-3, 0.1),
    "lstm": (recurrent.lstm_step, *[PART] * 8), "lstm back": (recurrent.lstm_step_back, *[PART] * 13),
    "gru": (recurrent.gru_step, *[PART] * 7), "gru back": (recurrent.gru_step_back, *[PART] * 12),
    "squared distances": (normalization.squared_distances, ROWS, CHANNEL),
    "batch norm": (batch_norm.batch_norm_step, ROWS, *[CHANNEL] * 4, 1e-2),
    "batch norm along": (batch_norm.along_distances, ROWS, ROWS, CHANNEL),
    "batch norm deviation": (batch_norm.by_deviation, CHANNEL, CHANNEL, 1e-2),
    "batch norm back": (batch_norm.batch_norm_step_back, ROWS, ROWS, *[CHANNEL] * 5, 0.1, 1e-2),
    "running": (moved, ROW, ROW, 1.1, 0.9, 0.1),
    "layer norm deviation": (layer_norm.one_by_deviation, COLUMN, 1e-2),
    "layer norm": (layer_norm.layer_norm_step, (4, 5), COLUMN, COLUMN, ROW, ROW),
    "layer norm along": (layer_norm.along_standard, (4, 5), (4, 5), COLUMN, COLUMN),
    "layer norm back": (layer_norm.layer_norm_step_back, (4, 5), (4, 5), COLUMN, COLUMN, ROW, COLUMN, COLUMN),
    "normal cdf": (activation.normal_cdf_simple, PART), "gelu": (activation.gelu_simple, PART),
    "gelu back": (activation.gelu_back_simple, PART, PART),
    "leaky relu": (activation.leaky_relu_simple, PART, 0.1),
    "leaky relu back": (activation.leaky_relu_back_simple, PART, PART, 0.1),
    "relu back": (quick.relu_back_simple, PART, PART)}


def arguments(name, dtype, place=lambda array: array):
    generator = np.random.default_rng(0)
    return [
        place(generator.uniform(0.1, 1, each).astype(dtype)) if isinstance(each, tuple) else each
        for each in KERNELS[name][1:]]


def on_gpu(array):
    return backend.cupy().asarray(array)


def results(function, given):
    """What it gave and what it left in its arguments, in main memory."""
    given_back = function(*given)
    arrays = [*given, *(given_back if isinstance(given_back, tuple) else [given_back])]
    return [backend.to_numpy(each) for each in arrays if hasattr(each, "dtype")]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_computes_what_its_function_does(name, dtype, device):
    """On the stand-in to the bit; a real GPU rounds a · b + c once, and has an exponential of its own."""
    function = KERNELS[name][0]
    place = (lambda array: array) if device == "cpu" else on_gpu
    found, expected = results(function, arguments(name, dtype, place)), results(function, arguments(name, dtype))
    assert len(found) == len(expected) and [each.dtype for each in found] == [np.dtype(dtype)] * len(found)
    tolerance = 40 * np.finfo(dtype).eps
    for one, other in zip(found, expected):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


# ---- how many kernels: counted on the stand-in -----------------------------------------------------------


@contextlib.contextmanager
def counted():
    """The names of what a GPU would be told to compute."""
    import strict_cupy

    with strict_cupy.launches() as names:
        yield names


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_is_launched_once(name, strict_cupy):
    given = arguments(name, "float32", on_gpu)
    with counted() as names:
        KERNELS[name][0](*given)
    assert names == [KERNELS[name][0].__name__]


OPTIMIZERS = [
    (optim.SGD, {}), (optim.SGD, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1, "maximize": True}),
    (optim.SGD, {"momentum": 0.9, "dampening": 0.5}), (optim.Adam, {"weight_decay": 0.1, "amsgrad": True}),
    (optim.AdamW, {"maximize": True}), (optim.Adam, {})]


@pytest.mark.parametrize("kind, options", OPTIMIZERS, ids=lambda each: getattr(each, "__name__", str(each)))
def test_a_step_of_an_optimizer_is_one_kernel(kind, options, strict_cupy):
    """From the second step on, when the state is there; small parameters together, but for their copies."""
    parameters = [engine.randn(200, 100, device="cuda").requires_grad_()]
    optimizer = kind(parameters, lr=0.1, **options)
    parameters[0].grad = engine.ones_like(parameters[0])
    optimizer.step()
    with counted() as names:
        optimizer.step()
    assert names == [f"{'sgd' if kind is optim.SGD else 'adam'}_step"]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("kind, options", OPTIMIZERS, ids=lambda each: getattr(each, "__name__", str(each)))
def test_optimizers_take_the_cpu_s_steps(kind, options, dtype, device):
    """Parameters after four steps, beside those that stepped on the CPU."""
    found = []
    for where in (device, "cpu"):
        engine.manual_seed(0)
        weights = [engine.randn(size, dtype=engine.float32).to(getattr(engine, dtype)) for size in (3, 20_000, 5)]
        weights = [each.to(where).requires_grad_() for each in weights]
        optimizer = kind(weights, lr=0.1, **options)
        for step in range(4):
            for each in weights:
                each.grad = (each.detach() * 3 + step).sin()
            optimizer.step()
        found.append([each.detach().cpu().numpy() for each in weights])
    tolerance = 100 * np.finfo(dtype).eps
    for one, other in zip(*found):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_a_step_of_a_recurrent_layer_is_a_product_and_one_kernel(kind, strict_cupy):
    """Forward and backward: of two more steps, two more of each, and nothing else."""
    layer, counts = getattr(nn, kind)(3, 4, device="cuda"), []
    for steps in (5, 7):
        x = engine.randn(steps, 2, 3, device="cuda")
        layer.zero_grad()
        with counted() as names:
            out = layer(x)[0]
        weights = engine.ones_like(out)
        with counted() as names_back:
            out.backward(weights)
        counts += [names, names_back]
    for fewer, more, suffix in ((0, 2, "step"), (1, 3, "step_back")):
        grown = {name: counts[more].count(name) - counts[fewer].count(name) for name in set(counts[more])}
        assert {name: count for name, count in grown.items() if count} == {
            "matmul": 2, f"{kind.lower()}_{suffix}": 2}


LAYERS = {  # the most launches of a layer forward and backward, by how many there are
    "batch norm": (lambda device: nn.BatchNorm2d(3, device=device), (2, 3, 4, 4), 12, 5),
    "layer norm": (lambda device: nn.LayerNorm(8, device=device), (5, 8), 6, 8),
    "gelu": (lambda device: nn.GELU(), (5, 8), 1, 1), "relu": (lambda device: nn.ReLU(), (5, 8), 1, 1),
    "leaky relu": (lambda device: nn.LeakyReLU(0.2), (5, 8), 1, 1)}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_launch_few_kernels(name, strict_cupy):
    make, shape, forward, backward = LAYERS[name]
    layer, x = make("cuda"), engine.randn(*shape, device="cuda", requires_grad=True)
    seen = []
    for _ in range(2):
        with counted() as names:
            out = layer(x)
        weights = engine.ones_like(out)
        with counted() as names_back:
            grown = engine.autograd.grad(out, [x, *layer.parameters()], weights)
        seen.append((len(names), len(names_back)))
    assert len(grown) == 1 + len(list(layer.parameters()))
    assert seen[1] == (forward, backward), (names, names_back)


# ---- what the decorator is asked for ----------------------------------------------------------------------


def test_what_is_no_float_on_a_gpu_is_called_as_it_is(device):
    """Integers, and numbers in main memory."""

    @one_kernel
    def half_of(a, number):
        return a * number

    x = engine.arange(3, device=device).array
    assert backend.to_numpy(half_of(x, 0.5)).tolist() == [0, 0.5, 1]
    assert half_of(np.ones(2), 0.5).tolist() == [0.5, 0.5]


def test_numbers_change_without_compiling_anew(strict_cupy, monkeypatch):
    """A bias correction is another one at each step; ints and floats are the same to a kernel."""
    made = []
    monkeypatch.setattr(strict_cupy, "fuse", counting(strict_cupy.fuse, made))

    @one_kernel
    def scaled(a, number):
        return a * number

    x = strict_cupy.asarray(np.ones(3, np.float32))
    kernels._fused.cache_clear()
    assert [scaled(x, number).tolist()[0] for number in (2, 0.5, 3.0)] == [2, 0.5, 3]
    assert made == ["scaled"]


def counting(fuse, made):
    def counted_fuse(kernel_name):
        made.append(kernel_name)
        return fuse(kernel_name=kernel_name)

    return counted_fuse


REFUSED = {
    "a sum": lambda a, b, x: a.sum(), "a value": lambda a, b, x: a if a > b else b, "a shape": lambda a, b, x: a.shape,
    "an index": lambda a, b, x: a[0], "a ufunc's method": lambda a, b, x: np.add.reduce(a),
    "another function": lambda a, b, x: np.cumsum(a), "numbers alone": lambda a, b, x: a * (1 - x),
    "a number as a result": lambda a, b, x: 1.0, "the shape of few": lambda a, b, x: np.exp(b),
    "writing to few": lambda a, b, x: np.add(b, 1, out=b), "an array from outside": lambda a, b, x: a * np.ones(3)}


@pytest.mark.parametrize("what", REFUSED)
def test_the_stand_in_refuses_what_would_not_be_one_kernel(what, strict_cupy):
    """cupy would compute it in several, or otherwise, without a word."""
    a, b = [strict_cupy.asarray(np.ones(shape, np.float32)) for shape in ((2, 3), (3,))]

    @one_kernel
    def kernel(a, b, x):
        return REFUSED[what](a, b, x)

    with pytest.raises((TypeError, ValueError, AttributeError)):
        kernel(a, b, 0.5)


def test_the_stand_in_refuses_memory_that_meets(strict_cupy):
    """Neighbours that are written to while others read them."""
    whole = strict_cupy.asarray(np.ones(4, np.float32))

    @one_kernel
    def moving(a, b):
        a[...] = b

    with pytest.raises(ValueError, match="share memory"):
        moving(whole[1:], whole[:-1])


# ---- what cupy itself makes of them, without a GPU ----------------------------------------------------------


def compiled_by(cupy, monkeypatch):
    """A list that fills with (parameters, results, body, more) of each kernel that cupy makes; none is launched."""
    made = []

    class Kernel:
        def __init__(self, takes, gives, body, **more):
            made.append((takes, gives, body, more))

        def __call__(self, *given):
            return None

    monkeypatch.setattr(cupy._core._kernel, "ElementwiseKernel", Kernel)
    return made


def source(takes, gives, body, more):
    """CUDA C of such a kernel on arrays that lie in one piece; cupy's own differs in how it finds an element."""
    kinds = {"float16": "float16", "float32": "float", "float64": "double"}
    pieces = [each.split()[-2:] for each in f"{takes}, {gives}".split(", ") if each]
    parameters = ", ".join(f"{kinds[kind]}* _{name}" for kind, name in pieces)
    elements = " ".join(f"{kinds[kind]}& {name} = _{name}[i];" for kind, name in pieces)
    return (
        "#include <cupy/carray.cuh>\n#if __has_include(<cupy/float16.cuh>)\n#include <cupy/float16.cuh>\n#endif\n"
        f'{more["preamble"]}\nextern "C" __global__ void '
        f'{more["name"]}({parameters}, int n) {{\nint i = blockIdx.x * blockDim.x + threadIdx.x;\nif (i < n) {{\n'
        f"{elements}\n{body}\n}}\n}}\n")


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", KERNELS)
def test_cupy_compiles_one_kernel(name, dtype, monkeypatch):
    """For the types asked for, and without a number in float64 where arrays are not; NVRTC takes it for an H100."""
    cupy = pytest.importorskip("cupy", reason="asks a real cupy: pip install cupy-cuda13x (needs no GPU)")
    made = compiled_by(cupy, monkeypatch)
    memory = cupy.cuda.MemoryPointer(cupy.cuda.UnownedMemory(1 << 20, 1 << 20, None, 0), 0)
    kernels._fused.cache_clear()
    for _ in range(2):
        given = arguments(name, dtype, lambda array: cupy.ndarray(array.shape, array.dtype, memory))
        KERNELS[name][0](*given)
    kernels._fused.cache_clear()
    assert len(made) == 1 and made[0][3]["name"] == KERNELS[name][0].__name__
    assert {each.split()[-2] for each in f"{made[0][0]}, {made[0][1]}".split(", ") if each} == {dtype}
    if dtype == "float32":
        assert not [line for line in made[0][2].splitlines() if "double" in line and "const" not in line]
    compile_for_gpu(source(*made[0]), cupy)


def compile_for_gpu(text, cupy):
    from cupy.cuda import nvrtc

    try:
        nvrtc.getVersion()
    except Exception as error:  # of several kinds, as cupy's versions have it
        pytest.skip(f"there is no NVRTC: {type(error).__name__}")
    places = [Path(cupy.__file__).parent / "_core" / "include", *cuda_headers()]
    program = nvrtc.createProgram(text, "kernel.cu", [], [])
    try:
        nvrtc.compileProgram(program, ["--std=c++17", "-arch=sm_90", *[f"-I{place}" for place in places]])
    except nvrtc.NVRTCError:
        pytest.fail(nvrtc.getProgramLog(program))
    assert nvrtc.getCUBIN(program)


def cuda_headers():
    """Where NVIDIA's packages put cuda_fp16.h."""
    found = importlib.util.find_spec("nvidia")
    places = found.submodule_search_locations if found else []
    return [each.parent for place in places for each in Path(place).glob("*/include/cuda_fp16.h")]
