"""Elementwise functions under torch and under the engine: values, types, shapes, gradients and kinds of error agree."""

import warnings

import numpy as np
import pytest
from parity import check_mistake
from test_parity import names

import engine

torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install 'chainrule[parity]'")

pytestmark = pytest.mark.slow

# Each line sees what test_parity's lines see (leaves a (2, 3), b (3), c (3, 4), s (0-d), e (0, 3), p (2, 3, positive);
# int64 i (2, 3)), and: n with nan and inf, complex leaves z (2, 3) and w (3), m bool (2, 3), u uint8 (3),
# k int8 (2, 3), h float16 (3), f float32 (2, 3), x: a transposed, nan, inf.
LINES = """
torch.expm1(a)
torch.log2(p)
torch.log10(p)
torch.log1p(e)
torch.rsqrt(p)
torch.reciprocal(p)
torch.reciprocal(i)
torch.tan(a)
torch.asin(a / 3)
torch.acos(a / 3)
torch.asin(a * 9)
torch.atan(a)
torch.sinh(a)
torch.cosh(a)
torch.erf(a)
torch.erf(x)
torch.erf(s)
torch.erf(e)
torch.sigmoid(a * 30)
torch.sigmoid(f * 60)
torch.sigmoid(torch.tensor([-700.0, 700.0, -40.0], dtype=torch.float64))
torch.floor(a * 3)
torch.ceil(a * 3)
torch.trunc(a * 3)
torch.round(a * 3)
torch.round(a, decimals=1)
torch.round(a * 1000, decimals=-2)
torch.round(torch.tensor([0.5, 1.5, 2.5, -0.5]))
torch.sign(a * (a > 0))
torch.abs(a * (a > 0))
torch.square(i)
torch.square(m)
torch.exp(input=a)
x.exp()
x * a.T
x + b[:2]
s.exp()
e.tanh()
i.sqrt()
h.exp()
m.cos()
u.neg()
+a
n.nan_to_num()
torch.nan_to_num(n, 1.0, 2.0, 3.0)
torch.nan_to_num(n, nan=None, posinf=5)
torch.nan_to_num(i)
n.isnan()
n.isinf()
n.isfinite()
i.isnan()
m.isinf()
torch.add(a, b, alpha=2)
torch.add(a, 1, alpha=2.5)
torch.add(2, a)
a.add(b, alpha=-1)
torch.add(m, m)
torch.add(m, m, alpha=2)
torch.add(i, m, alpha=3)
torch.add(k, 1, alpha=100)
torch.sub(a, b, alpha=0.5)
torch.sub(3, a)
a.sub(other=1)
i - 1
m + 1
m * 2.5
m + m
m * m
k + 300
k * 300
u - 5
u + (-5)
u > 300
u < -1
h + 1e6
h * 2.5
torch.div(a, b)
torch.div(a, b, rounding_mode="trunc")
torch.div(a, b, rounding_mode="floor")
torch.div(i, 2, rounding_mode="trunc")
torch.div(-i, 2, rounding_mode="trunc")
torch.div(-i, 2, rounding_mode="floor")
torch.div(i, -2, rounding_mode="floor")
torch.div(k, -3, rounding_mode="trunc")
torch.div(u, 7, rounding_mode="trunc")
torch.div(i, 2.5, rounding_mode="trunc")
torch.div(a.detach(), 0, rounding_mode="floor")
torch.div(m, m)
a.div(2, rounding_mode=None)
torch.true_divide(i, 2)
2 / p
a.detach() // 0.7
i // 2
-7 // (i + 1)
i // 2.5
k // 3
torch.floor_divide(a.detach(), b.detach())
torch.remainder(a, p)
torch.remainder(a, b)
torch.remainder(a, 0.4)
a % -0.4
a.detach() % 0
2.5 % p.detach()
i % 4
-i % 4
i % -4
7 % (i + 1)
torch.fmod(a, p)
torch.fmod(a, b)
torch.fmod(-i, 4)
torch.fmod(i, 2.5)
torch.fmod(m, 2)
a ** 2
a ** -1
a ** 0.5
p ** -1.5
a ** 1
a ** 0
a ** b.detach()
p ** b
p ** s
s ** 2
2 ** a
0 ** p
0.0 ** (a * 0 + torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64))
(a * torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)) ** p
i ** 2
i ** 2.5
i ** i
k ** 3
m ** 2
2 ** i
2 ** m
torch.tensor([2, -1, 1, 0, -3]) ** torch.tensor([-1, -1, -2, -1, -3])
torch.pow(2.0, i)
torch.pow(input=a, exponent=2)
h ** 2
torch.maximum(a, x.T)
torch.maximum(a, b.float())
torch.maximum(i, torch.tensor(2.5))
torch.minimum(n, a.detach())
torch.minimum(a, s)
torch.maximum(m, ~m)
torch.atan2(a, b)
torch.atan2(i, i - 3)
torch.atan2(a, x.T)
torch.logaddexp(a, b)
torch.logaddexp(a * 500, b)
torch.logaddexp(torch.tensor([inf, -inf, 0.0]), torch.tensor([inf, -inf, inf]))
torch.addcmul(a, b, p)
torch.addcmul(a, b, p, value=0.5)
torch.addcmul(i, i, i, value=2)
torch.addcmul(i, i, i, value=0.5)
torch.addcmul(f, a, f)
torch.addcdiv(a, b, p)
torch.addcdiv(a, b, p, value=-2)
torch.addcdiv(a, i, p)
torch.lerp(a, b, 0.3)
torch.lerp(a, b, 0.7)
torch.lerp(a, b, 2)
torch.lerp(a, b, s)
torch.lerp(a, b, p)
torch.lerp(h, h * 2, 0.5)
torch.clamp(a, -0.5, 0.5)
torch.clamp(a, 1, 0)
torch.clamp(a, min=a.detach())
torch.clamp(n, 0, 1)
torch.clamp(a.detach(), nan)
torch.clamp(i, 0.5)
torch.clamp(i, 1, 3)
torch.clamp(m, 0, 1)
torch.clamp(u, min=-5)
torch.clamp(a, b, p)
torch.clamp(a, min=b)
torch.clamp(a, max=b)
torch.clamp(a, min=s.detach(), max=2)
torch.clamp(a, min=p, max=b)
torch.clamp(n, min=torch.tensor(0.0, dtype=torch.float64))
torch.clamp(a.detach(), max=torch.tensor([nan, 0.0, 0.0], dtype=torch.float64))
torch.clamp(i, torch.tensor(0.5))
torch.clamp(i, torch.tensor(1), torch.tensor([2, 3, 4]))
a.clamp_min(0)
a.clamp_min(b)
a.clamp_max(0.1)
i.clamp_max(2.5)
a.clamp(max=True)
torch.where(m, a, b)
torch.where(m, a, x.T)
torch.where(m, 1.0, a)
torch.where(m, 1, 0)
torch.where(m, 1.0, 0)
torch.where(m, True, False)
torch.where(m, 1j, 0)
torch.where(m, i, 0.5)
torch.where(m, f, a)
torch.where(m, s, a)
torch.where(m[0], a, 0)
torch.where(m, input=a, other=b)
a.where(m, 0.0)
a.where(m, b)
torch.where(m)
torch.where(i)
torch.where(torch.tensor(True))
torch.where(m[:0])
a.masked_fill(m, 5)
a.masked_fill(m, -inf)
a.masked_fill(m[0], s)
a.masked_fill(mask=m, value=True)
b.masked_fill(m, 0)
i.masked_fill(m, 1.5)
i.masked_fill(m, torch.tensor(1.5))
m.masked_fill(m, 3)
u.masked_fill(u > 3, -1)
torch.masked_fill(f, m, nan)
a == b
a != a
a.eq(1)
a < i
i >= 2.5
m == 1
m > 0
a == None
a != "x"
(a == a).dtype
n == n
torch.lt(a, s)
1 < a
torch.logical_and(a, i)
torch.logical_or(m, i)
torch.logical_xor(m, a)
torch.logical_not(i)
m.logical_not()
z.logical_not()
i & 3
3 & i
i | 8
i ^ i.T.reshape(2, 3)
m & (a > 0)
m | True
m ^ 1
~m
~i
~u
True & m
torch.bitwise_and(i, 6)
torch.bitwise_xor(m, m)
torch.bitwise_or(u, 1)
k & i
i.bitwise_not()
z + w
z - 1
z * w
z * a
a * w
z / w
2 / z
-z
z * 2j
a * 2j
a + 1j
f * 1j
z ** 2
z.abs()
abs(z * 0)
abs(z)
z.real
z.imag
torch.real(z) * torch.imag(w)
z.conj()
z * z.conj()
(z * z.conj()).real
torch.real(a)
a.real
a.conj()
torch.exp(z)
torch.sin(z)
torch.sqrt(z)
torch.tanh(z)
torch.reciprocal(z)
torch.sigmoid(z)
torch.where(m, z, a.detach())
z == z
z != w
torch.isnan(z / 0)
z.real.exp() * 2
z.sum()
(z - w).abs().sum()
z.to(torch.complex64)
a.to(torch.complex128) * w
z.is_complex()
torch.is_complex(a)
torch.is_floating_point(f)
a.is_floating_point()
torch.is_tensor(a)
torch.is_tensor(3)
torch.numel(a)
torch.equal(z, z)
torch.equal(a, b)
torch.allclose(z, z + 1e-12)
torch.allclose(n, n, equal_nan=True)
torch.allclose(n, n)
torch.allclose(i, i + 1)
a.detach().clone().add_(1).mul_(b.detach()).sub_(2, alpha=3).div_(0.3)
a.detach().clone().floor_divide_(0.3)
a.clone().clamp_(min=0).exp_()
a.clone().pow_(2).neg_()
a.clone().masked_fill_(m, 2)
a.clone().lerp_(p, 0.3)
a.clone().addcmul_(a, b, value=2)
a.clone().addcdiv_(a, p)
a.detach().clone().logical_not_()
a.detach().clone().eq_(b.detach())
a.clone().remainder_(0.3)
a.clone().round_(decimals=1).sigmoid_()
i.clone().bitwise_and_(3)
i.clone().fmod_(4)
m.clone().logical_xor_(m)
""".strip().splitlines()

MISTAKES = """
-m
abs(m)
m - m
m - 1
1 - m
i - True
torch.sub(a, m)
torch.sign(z)
torch.floor(m)
torch.floor(z)
torch.ceil(z)
torch.round(z)
torch.round(m)
torch.round(i, decimals=-1)
torch.round(a, decimals=1.5)
torch.trunc(m)
torch.erf(z)
torch.relu(m)
torch.add(i, i, alpha=2.5)
torch.add(i, 1, alpha=2.5)
torch.add(a, a, alpha=1j)
torch.add(k, 1, alpha=300)
torch.add(a, "x")
torch.add(a, None)
a + None
None + a
a * [1]
i + 2 ** 70
torch.mul(a)
torch.exp(a, 3)
torch.exp()
torch.pow(2, 3)
m ** m
m ** -1
i ** -2
i // 0
i % 0
i // torch.tensor([0, 1, 2])
7 % i
torch.fmod(i, 0)
torch.fmod(2, a)
m // m
m % m
z // 2
z % 2
torch.fmod(z, z)
torch.div(a, 2, rounding_mode="ceil")
torch.div(m, m, rounding_mode="floor")
torch.maximum(i, 2)
torch.maximum(z, z)
torch.atan2(a, 1.0)
torch.atan2(z, z)
torch.logaddexp(a, 1.0)
torch.logaddexp(i, i)
torch.logical_and(a, 1)
a & 3
a | a
i & 1.5
~a
torch.bitwise_not(a)
z < z
z >= 1
a < "x"
torch.eq(1, a)
torch.lt(2, a)
torch.clamp(a, "x")
torch.clamp(a, 1j)
torch.clamp(z, 0)
torch.clamp(k, max=300)
torch.clamp_min(a)
torch.where(i, a, a)
torch.where(m, a)
torch.where(True, a, a)
torch.where(m, c, a)
torch.where(m, "x", a)
torch.lerp(a, f, 0.5)
torch.lerp(a, b, f)
torch.lerp(i, i, 0.5)
torch.lerp(a, 2.0, 0.5)
torch.addcmul(a, 2, a)
torch.addcdiv(i, i, i)
a.masked_fill(i, 5)
a.masked_fill(m, b)
a.masked_fill(m, 1j)
a.masked_fill(m, "x")
a.masked_fill(c > 0, 1)
u.masked_fill(u > 0, 300)
i.masked_fill(m, nan)
torch.imag(a)
a.imag
torch.allclose(a, f)
torch.is_complex(3)
torch.numel(3)
torch.nan_to_num(3)
a.sqaure()
i.clone().div_(2)
i.clone().add_(0.5)
m.clone().add_(1)
a.add_(1)
torch.addd(a, a)
torch.add(a, a, beta=2)
torch.exp(a, dtype=torch.float32)
""".strip().splitlines()


def more_names(library, leaves):
    generator = np.random.default_rng(8)
    pair = generator.standard_normal((2, 2, 3))
    leaves["z"] = library.tensor(pair[0] + 1j * pair[1], requires_grad=True)
    leaves["w"] = library.tensor(pair[1, 0] - 0.5j, requires_grad=True)
    return {
        "n": library.tensor([[np.nan, np.inf, -np.inf], [1.0, -2.0, 0.0]], dtype=library.float64),
        "m": library.tensor([[True, False, True], [False, False, True]]),
        "u": library.tensor([3, 250, 7], dtype=library.uint8),
        "k": library.tensor([[3, -100, 7], [1, 2, 127]], dtype=library.int8),
        "h": library.tensor([0.5, -2.0, 3.0], dtype=library.float16),
        "f": library.tensor(pair[0], dtype=library.float32),
        "x": leaves["a"].T,
        "nan": np.nan,
        "inf": np.inf,
    }


def run(line, library):
    """(the value in comparable form, gradients of the leaves)"""
    others, leaves = names(library)
    others |= more_names(library, leaves)
    value = eval(line, others | leaves)
    if isinstance(value, tuple):
        return [described(each, library) for each in value], {}
    if not isinstance(value, library.Tensor):
        return str(value) if isinstance(value, library.dtype) else value, {}
    if value.requires_grad:
        weights = library.tensor(np.random.default_rng(6).standard_normal((2, *value.shape)))
        parts = value.real * weights[0] + value.imag * weights[1] if value.is_complex() else value * weights[0]
        parts.sum().backward()
    gradients = {name: leaf.grad for name, leaf in leaves.items() if leaf.grad is not None}
    return described(value, library), {name: described(each, library)[-1] for name, each in gradients.items()}


def described(value, library):
    if not isinstance(value, library.Tensor):
        return value
    if hasattr(value, "resolve_conj"):
        value = value.resolve_conj()  # torch conjugates when somebody looks
    return str(value.dtype), tuple(value.shape), value.requires_grad, value.detach().numpy()


PRECISION = {"torch.float16": 2e-3, "torch.float32": 2e-6, "torch.complex64": 2e-6}


def check_same(ours, theirs):
    """Equal; tensors in type, shape and requires_grad, with values as near as the type allows."""
    if isinstance(theirs, list):
        assert len(ours) == len(theirs)
        for pair in zip(ours, theirs):
            check_same(*pair)
    elif isinstance(theirs, tuple) and isinstance(theirs[-1], np.ndarray):
        assert ours[:3] == theirs[:3]
        tolerance = PRECISION.get(theirs[0], 1e-12)
        np.testing.assert_allclose(ours[3], theirs[3], rtol=tolerance, atol=tolerance)
    else:
        assert ours == theirs


@pytest.mark.parametrize("line", LINES)
def test_a_line_means_the_same(line):
    """Without a warning of numpy's: torch computes inf and nan in silence."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours, our_gradients = run(line, engine)
    theirs, their_gradients = run(line, torch)
    check_same(ours, theirs)
    assert our_gradients.keys() == their_gradients.keys()
    for name, gradient in their_gradients.items():
        np.testing.assert_allclose(our_gradients[name], gradient, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_raises_the_same_kind_of_error(line):
    check_mistake(line, run)


# ---- every function on every type -------------------------------------------------------------------

TYPES = "float16 float32 float64 int8 int16 int32 int64 uint8 bool complex64 complex128".split()
UNARY = """
neg abs sign exp expm1 log log2 log10 log1p sqrt rsqrt square reciprocal sin cos tan asin acos atan sinh cosh tanh
sigmoid erf floor ceil round trunc isnan isinf isfinite logical_not bitwise_not nan_to_num relu real conj clone
""".split()
BINARY = """
add sub mul div true_divide floor_divide remainder fmod pow maximum minimum atan2 logaddexp eq ne lt le gt ge
logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor
""".split()
WITH_NUMBERS = "add sub mul div floor_divide remainder fmod pow eq lt bitwise_and".split()
# Where we know better, or no better: these torch computes for complex numbers and we do not.
LEFT_OUT = {("logaddexp", "complex64"), ("logaddexp", "complex128")}


def outcome(library, function, *operands):
    """(type, values) or the kind of error of a function on (values, type) pairs and numbers."""
    given = [
        library.tensor(*each[:1], dtype=getattr(library, each[1])) if isinstance(each, tuple) else each
        for each in operands
    ]
    try:
        value = getattr(library, function)(*given)
    except (TypeError, RuntimeError) as error:
        return "error", isinstance(error, TypeError)
    _, _, _, array = described(value, library)
    return str(value.dtype), array


def check_same_outcome(function, *operands):
    if "float16" in str(operands) and ("complex" in str(operands) or 1j in operands):
        return  # in torch this makes complex32, a type that numpy has not
    ours, theirs = outcome(engine, function, *operands), outcome(torch, function, *operands)
    assert ours[0] == theirs[0], (function, operands, ours, theirs)
    tolerance = PRECISION.get(theirs[0], 1e-12)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=tolerance, atol=tolerance, err_msg=f"{function} {operands}")


@pytest.mark.parametrize("function", UNARY)
def test_a_function_takes_the_types_that_torch_s_takes(function):
    for kind in TYPES:
        check_same_outcome(function, ([1, 0, 3], kind))


@pytest.mark.parametrize("function", BINARY)
def test_two_operands_of_every_pair_of_types(function):
    for first in TYPES:
        for second in TYPES:
            if not {(function, first), (function, second)} & LEFT_OUT:
                check_same_outcome(function, ([1, 0, 3], first), ([1, 1, 2], second))
                check_same_outcome(function, ([1, 0, 3], first), (2, second))


@pytest.mark.parametrize("function", WITH_NUMBERS)
def test_an_operand_that_is_a_number(function):
    for kind in TYPES:
        for number in (True, 2, 2.5, 1j):
            check_same_outcome(function, ([1, 0, 3], kind), number)
            check_same_outcome(function, (3, kind), number)
