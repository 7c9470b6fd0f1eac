"""Making tensors under torch and under the engine: values, types, shapes, printing and kinds of error agree."""

import numpy as np
import pytest
from parity import check_mistake
from test_parity_elementwise import check_same, run

import engine

torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install 'chainrule[parity]'")

pytestmark = pytest.mark.slow

# Each line sees what test_parity_elementwise's lines see, and numpy as np.
LINES = """
torch.tensor([1, 2.5, True])
torch.tensor([True, 2])
torch.tensor([1 + 2j, 3])
torch.tensor(2 ** 40)
torch.tensor(1e300)
torch.tensor([[], []])
torch.tensor([()])
torch.tensor(-1, dtype=torch.uint8)
torch.tensor([1.7, -1.7], dtype=torch.int64)
torch.tensor(1.5, dtype=torch.bool)
torch.tensor([2 ** 40], dtype=torch.bool)
torch.tensor([1e300], dtype=torch.float16)
torch.tensor([1.5], dtype=torch.complex64)
torch.tensor(range(3))
torch.tensor((1, 2))
torch.tensor([torch.tensor(1), torch.tensor(2.5)])
torch.tensor([[s.detach().float(), 2], [3, 4]])
torch.tensor([i[0, 0], 2.5])
torch.tensor(np.float32(2.5))
torch.tensor(np.float64(2.5))
torch.tensor([np.float32(2.5), 1])
torch.tensor([np.float64(2.5)])
torch.tensor(np.arange(3, dtype=np.int16))
torch.tensor(np.array(2.5))
torch.tensor(np.arange(3), dtype=torch.float32)
torch.tensor(np.array([300, -1]), dtype=torch.uint8)
torch.tensor(data=[1.0])
torch.tensor(0.1, dtype=torch.float64)
torch.tensor([0.1, 2], dtype=torch.float64)
torch.tensor([16777217.0], dtype=torch.int64)
torch.tensor(0.1 + 0.3j, dtype=torch.complex128)
torch.tensor(np.complex128(0.1 + 0.3j))
torch.tensor([np.complex128(0.1j), 1])
torch.as_tensor([1, 2])
torch.as_tensor(f, dtype=torch.float64)
torch.as_tensor(3.5)
torch.as_tensor(np.arange(3))
torch.as_tensor(i) is i
torch.from_numpy(np.arange(4.0)[::2])
torch.zeros(2, 3)
torch.zeros([2, 3])
torch.zeros(())
torch.zeros(size=(2,))
torch.zeros((2, 3), dtype=torch.bool)
torch.zeros(torch.tensor(2), 3)
torch.zeros(0, 3)
torch.ones(2, dtype=torch.complex64)
torch.ones(3, dtype=torch.int8, device="cpu")
torch.zeros(2, dtype=float)
torch.ones(2, dtype=int)
torch.tensor([1, 2], dtype=float)
torch.promote_types(float, torch.float32)
torch.ones(2, dtype=bool)
f.to(float)
f.to(dtype=int)
torch.ones(2, requires_grad=True) * 1
torch.empty(2, 0)
torch.empty((3,), dtype=torch.int8).shape
torch.full((2,), 3)
torch.full([2, 2], True)
torch.full((2,), 3.9, dtype=torch.int32)
torch.full((), 1j)
torch.full((2,), torch.tensor(3.0))
torch.full((2,), -5, dtype=torch.uint8)
torch.full((2,), 3, dtype=torch.bool)
torch.full((2,), inf, dtype=torch.float16)
torch.full(size=(2,), fill_value=np.float64(1.5))
torch.zeros_like(i)
torch.zeros_like(i, dtype=torch.float16)
torch.zeros_like(a.T).stride()
torch.ones_like(m)
torch.ones_like(input=a, requires_grad=False)
torch.full_like(f, 2)
torch.full_like(i, 2.5)
torch.full_like(f, fill_value=2, dtype=torch.int64)
torch.empty_like(z).dtype
torch.eye(3)
torch.eye(2, 3, dtype=torch.int64)
torch.eye(3, 2, dtype=torch.bool)
torch.eye(0)
torch.eye(n=2, m=0)
torch.arange(5)
torch.arange(1.0, 4)
torch.arange(0, 1, 0.1)
torch.arange(0, 1, 0.1, dtype=torch.float64)
torch.arange(0.1, 0.6, 0.1)
torch.arange(5, 0, -2)
torch.arange(1, 1)
torch.arange(-3, 3, 2)
torch.arange(2 ** 53, 2 ** 53 + 3)
torch.arange(0, 3, dtype=torch.float64)
torch.arange(torch.tensor(3))
torch.arange(True)
torch.arange(0.5, 3, dtype=torch.int64)
torch.arange(end=3)
torch.arange(start=1, end=3)
torch.arange(1, 0, step=-1)
torch.arange(1e-3, 1, 0.3, dtype=torch.float16)
torch.arange(0.0, 2, 0.5, requires_grad=True) * 1
torch.linspace(0, 1, 5)
torch.linspace(0, 1, 11)
torch.linspace(0, 1, 11, dtype=torch.float64)
torch.linspace(0, 10, 4, dtype=torch.int64)
torch.linspace(-10, 10, 7, dtype=torch.int64)
torch.linspace(10, 0, 4, dtype=torch.int32)
torch.linspace(1, 2, 1)
torch.linspace(1, 2, 0)
torch.linspace(3, 3, 3)
torch.linspace(start=0, end=1, steps=3)
torch.linspace(torch.tensor(1.0), 2, 3)
torch.linspace(0, 1j, 3)
torch.linspace(0, 1, 4, dtype=torch.float16)
torch.logspace(0, 2, 3)
torch.logspace(0, 2, 3, base=2)
torch.logspace(0, 2, 3, dtype=torch.int64)
torch.logspace(-1, 1, 3, base=-2)
torch.logspace(1, 2, 1)
torch.logspace(0, 1, 4, 3.5)
torch.tril_indices(3, 3)
torch.tril_indices(3, 4, 1)
torch.tril_indices(row=2, col=2, offset=-1)
torch.tril_indices(0, 3)
torch.tril_indices(2, 2, -5)
torch.triu_indices(3, 2, -1)
torch.triu_indices(2, 3, dtype=torch.int32)
torch.triu_indices(2, 2, 5)
torch.triu_indices(2, 2, -5)
torch.rand(2, 3).shape
torch.rand((2,), dtype=torch.complex64).dtype
torch.rand([2], generator=torch.Generator()).shape
torch.rand(size=(2,), dtype=torch.float16).dtype
torch.randn(()).shape
torch.randn(2, requires_grad=True).requires_grad
torch.randn(2, dtype=torch.complex128).dtype
torch.rand_like(f).dtype
torch.randn_like(f, dtype=torch.float64).dtype
torch.randn_like(z).dtype
torch.randint(3, (2,)).dtype
torch.randint(3, size=(2, 2)).shape
torch.randint(0, 3, (2,), dtype=torch.float32).dtype
torch.randint(high=5, size=(2,)).shape
torch.randint(0, 10, size=[2]).shape
torch.randint(4, 5, (3,))
torch.randint(0, 2, (3,), dtype=torch.bool).dtype
torch.randperm(4).sort()[0] if hasattr(torch, "sort") else torch.arange(4)
torch.randperm(0)
torch.randperm(4, dtype=torch.int32).dtype
torch.normal(0.0, 1.0, (2,)).shape
torch.normal(0, 1, size=(2, 3)).dtype
torch.normal(f, 1.0).shape
torch.normal(torch.zeros(2, 3), torch.ones(3)).shape
torch.normal(2, torch.ones(2)).dtype
torch.normal(f.double(), f.abs()).dtype
torch.normal(torch.zeros(2)).shape
torch.normal(f, 0.0)
torch.normal(3.0, 0.0, (2, 2))
torch.bernoulli(torch.tensor([0.0, 1.0]))
torch.bernoulli(torch.tensor([[0.0, 1.0]]).half())
torch.bernoulli(f, 1.0)
torch.bernoulli(torch.tensor(1.0, dtype=torch.float64))
torch.multinomial(torch.tensor([0.0, 0.0, 2.0]), 1)
torch.multinomial(torch.tensor([[0.0, 0.0, 2.0], [1.0, 0.0, 0.0]]), 2, replacement=True)
torch.multinomial(torch.tensor([0.0, 3.0, 0.0]), 1)
torch.multinomial(torch.ones(2, 3).double(), 2).shape
torch.multinomial(torch.ones(3), num_samples=2, replacement=False, generator=torch.Generator()).shape
torch.zeros(2).normal_().shape
torch.zeros(2).uniform_(2, 3).floor()
torch.zeros(2).bernoulli_(1.0)
torch.zeros(2).bernoulli_(torch.tensor(1.0))
(a * 2).normal_() * 0
torch.manual_seed(-1).initial_seed()
torch.manual_seed(1.7).initial_seed()
torch.Generator().manual_seed(5).initial_seed()
torch.Generator().initial_seed()
str(torch.Generator("cpu").device)
repr(torch.finfo(torch.float32))
repr(torch.finfo(torch.float16))
repr(torch.finfo(torch.float64))
repr(torch.finfo(torch.complex64))
repr(torch.finfo())
torch.finfo(torch.float32).eps
torch.finfo(torch.float16).max
torch.finfo(torch.float64).bits
torch.finfo(torch.float64).dtype
torch.finfo(torch.float32).smallest_normal
repr(torch.iinfo(torch.int8))
torch.iinfo(torch.uint8).bits
torch.iinfo(torch.int64).max
repr(torch.Size([2, 3]))
repr(torch.Size((2, 3)) + (4,))
repr((1,) + torch.Size((2, 3)))
repr(torch.Size((2, 3))[:1])
repr(torch.Size((2, 3)) * 2)
repr(a.shape[1:])
torch.Size((2, 3)).numel()
torch.Size((2, 3))[-1]
repr(torch.device("cpu"))
repr(torch.device("cuda", 0))
torch.device("cuda:0").index
torch.device(type="cuda", index=1).type
torch.device("cpu:0") == torch.device("cpu")
torch.device("cpu") == "cpu"
str(torch.device("cuda:1"))
a.device == torch.device("cpu")
torch.float32.itemsize
torch.float32.is_signed
torch.uint8.is_signed
torch.bool.is_signed
torch.complex64.is_signed
torch.float32.to_complex()
torch.complex128.to_real()
str((torch.float, torch.double, torch.half, torch.long, torch.int, torch.short, torch.cfloat, torch.cdouble))
torch.get_default_dtype()
torch.cuda.is_available()
torch.cuda.device_count()
torch.cuda.memory_allocated()
torch.set_num_threads(2) or torch.get_num_threads()
torch.set_printoptions(precision=2) or repr(a)
torch.set_printoptions(profile="default") or repr(a)
""".strip().splitlines()

MISTAKES = """
torch.tensor(2 ** 70)
torch.tensor([2 ** 63])
torch.tensor(300, dtype=torch.int8)
torch.tensor([300, -1], dtype=torch.uint8)
torch.tensor([nan], dtype=torch.int32)
torch.tensor([1e10], dtype=torch.int32)
torch.tensor([1j], dtype=torch.float32)
torch.tensor("a")
torch.tensor([1, "a"])
torch.tensor([b"a"])
torch.tensor(None)
torch.tensor([1, None])
torch.tensor({1: 2})
torch.tensor([[1], [2, 3]])
torch.tensor([a, a])
torch.tensor([1], requires_grad=True)
torch.tensor([1], dtype="int")
torch.tensor([1], device="nowhere")
torch.tensor(np.array(["a"]))
torch.from_numpy([1])
torch.from_numpy(np.array([object()]))
torch.zeros()
torch.zeros(2.5)
torch.zeros("a")
torch.zeros([2.0])
torch.zeros(2, -3)
torch.zeros(2, dtype=torch.int64, requires_grad=True)
torch.zeros(2, dtype=str)
torch.zeros(2, like=3)
torch.full(2, 3)
torch.full((2,), "a")
torch.full((2,), 300, dtype=torch.uint8)
torch.full((2,), 1e10, dtype=torch.float16)
torch.full((2,), 1j, dtype=torch.float32)
torch.full((2,), nan, dtype=torch.int32)
torch.full((-2,), 3.0)
torch.full_like(f, 1j)
torch.full_like(3, 1)
torch.zeros_like(3)
torch.eye(-1)
torch.eye(2, -1)
torch.eye(2.5)
torch.arange()
torch.arange("a")
torch.arange(1, 2, 0)
torch.arange(1, 0)
torch.arange(nan)
torch.arange(inf)
torch.arange(3j)
torch.arange(0, 2, dtype=torch.bool)
torch.arange(5, dtype=torch.complex64)
torch.linspace(0, 1)
torch.linspace(1, 2, -1)
torch.linspace(0, 1, 2.5)
torch.linspace(0, 1, 3, dtype=torch.bool)
torch.linspace(torch.ones(2), 2, 3)
torch.logspace(0, 2, steps=-1)
torch.tril_indices(-1, 3)
torch.tril_indices(2, 3, dtype=torch.float32)
torch.rand()
torch.rand(-1)
torch.rand(2, dtype=torch.int64)
torch.rand(2, generator=5)
torch.randn(2, dtype=torch.int32)
torch.rand_like(i)
torch.randn_like(3)
torch.randint(3, 3, (2,))
torch.randint(5)
torch.randint(5, 2)
torch.randint(0.0, 3.0, (2,))
torch.randint(0, 300, (3,), dtype=torch.uint8)
torch.randint(1, 3, (2,), requires_grad=True)
torch.randperm(-1)
torch.randperm(2.5)
torch.randperm(300, dtype=torch.uint8)
torch.randperm(3, dtype=torch.bool)
torch.normal(f, -1.0)
torch.normal(0.0, -1.0, (2,))
torch.normal(i, 1.0)
torch.normal(0.0, 1.0)
torch.normal(torch.zeros(2), torch.ones(3))
torch.bernoulli(torch.tensor([1.5]))
torch.bernoulli(torch.tensor([nan]))
torch.bernoulli(i)
torch.bernoulli(f, 1.5)
torch.multinomial(torch.tensor([0.0, 2.0]), 4)
torch.multinomial(torch.tensor([0.0, -1.0]), 1)
torch.multinomial(torch.tensor([1.0, nan]), 1)
torch.multinomial(torch.tensor([0.0, 0.0]), 1)
torch.multinomial(torch.tensor([[1.0, 1.0], [0.0, 0.0]]), 1)
torch.multinomial(torch.tensor([1, 2]), 1)
torch.multinomial(torch.ones(2, 2, 2), 1)
torch.multinomial(torch.ones(3), 0)
torch.multinomial(torch.ones(3), 2.5)
torch.zeros(2).uniform_(3, 2)
i.clone().normal_()
torch.manual_seed("a")
torch.manual_seed(2 ** 64)
torch.Generator("tpu")
torch.finfo(torch.int32)
torch.iinfo(torch.float32)
torch.iinfo(torch.bool)
torch.promote_types(1, torch.float32)
torch.result_type(i, "a")
torch.can_cast(1, torch.int8)
torch.Size(3)
torch.Size([2.5])
torch.device("cuda:-1")
torch.device("cuda:a")
torch.device("")
torch.device(2.5)
torch.set_default_dtype(torch.int32)
torch.set_default_dtype("float32")
torch.set_num_threads(0)
torch.set_num_threads(1.5)
torch.set_printoptions(foo=1)
torch.cuda.current_devise()
torch.float33
torch.int64.to_complex()
""".strip().splitlines()


def run_with_numpy(line, library):
    return run(line.replace("np.", "__import__('numpy')."), library)[0]


@pytest.mark.parametrize("line", LINES)
def test_a_line_means_the_same(line):
    check_same(run_with_numpy(line, engine), run_with_numpy(line, torch))


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_raises_the_same_kind_of_error(line):
    check_mistake(line, run_with_numpy)


# ---- printing ---------------------------------------------------------------------------------------

SHAPES = [
    (),
    (0,),
    (2, 0),
    (1,),
    (3,),
    (2, 3),
    (2, 2, 2),
    (30,),
    (3, 40),
    (1001,),
    (7, 200),
    (11, 11, 11),
    (1, 1, 2000),
]
OPTIONS = [
    {},
    {"precision": 2},
    {"threshold": 5},
    {"edgeitems": 1, "threshold": 5},
    {"edgeitems": 0, "threshold": 2},
    {"linewidth": 40},
    {"sci_mode": True},
    {"sci_mode": False},
    {"profile": "short"},
    {"profile": "full", "precision": 1},
]


def printable(kind):
    """Arrays of the type that print differently: small, large, whole, with zeros, with nan and inf."""
    generator = np.random.default_rng(0)
    for shape in SHAPES:
        for scale in (1, 1e-6, 1e6):
            for edit in ("none", "whole", "holes", "not finite"):
                array = generator.standard_normal(shape) * scale
                array = array + 1j * generator.standard_normal(shape) if kind.startswith("complex") else array
                array = (
                    np.round(array)
                    if edit == "whole"
                    else array * (generator.random(shape) > 0.5)
                    if edit == "holes"
                    else array
                )
                array = np.asarray(array)
                if edit == "not finite" and array.size and kind[0] in "fc":
                    array.reshape(-1)[0] = np.nan
                    array.reshape(-1)[-1] = -np.inf
                with np.errstate(all="ignore"):
                    yield array.astype(kind)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("kind", ["float32", "float64", "float16", "int64", "uint8", "bool", "complex64"])
def test_tensors_print_as_torch_s(kind, options):
    for library in (engine, torch):
        library.set_printoptions(**options)
    try:
        for array in printable(kind):
            assert repr(engine.tensor(array)) == repr(torch.tensor(array))
    finally:
        for library in (engine, torch):
            library.set_printoptions(profile="default")


GRAD_FN_LINES = """
a + 1
a - b
a * 2
a / b
a ** 2
a ** b
-a
abs(a)
a.exp()
a.log()
a.log2()
a.expm1()
a.sqrt()
a.rsqrt()
a.reciprocal()
a.sin()
a.atan()
torch.atan2(a, b)
a.sigmoid()
a.tanh()
a.erf()
a.floor()
a.round()
a.sign()
a.clamp(0, 1)
a.relu()
torch.maximum(a, b)
torch.logaddexp(a, b)
torch.where(m, a, b)
a.masked_fill(m, 0)
a.nan_to_num()
a % 2
torch.fmod(a, 2)
torch.div(a, 2, rounding_mode="floor")
a.float()
a.clone()
a.sum()
a.mean()
z.abs()
""".strip().splitlines()


@pytest.mark.parametrize("line", GRAD_FN_LINES)
def test_histories_print_as_torch_s(line):
    texts = []
    for library in (engine, torch):
        from test_parity import names
        from test_parity_elementwise import more_names

        others, leaves = names(library)
        others |= more_names(library, leaves)
        texts.append(repr(eval(line, others | leaves)))
    assert texts[0] == texts[1]
