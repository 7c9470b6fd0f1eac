"""Small programs in the manner of a manual's examples: each of their lines prints the same under torch and here.

They are about what the other parity tests and PyTorch's own samples do not reach: values that lead out of a
tensor, histories, hooks, switches, several steps one after the other.
"""

import ast
import re

import numpy as np
import pytest

import engine

torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install 'chainrule[parity]'")

pytestmark = pytest.mark.slow

# One program a paragraph; its lines see `torch`, `F` (torch.nn.functional), `np` and what the lines before made.
PROGRAMS = """
x = torch.tensor([[1.0, -2.0], [3.0, 0.5]])
abs(x)
-x, +x
x.T @ x
x // 2, x % 2.5
2 ** x, 2 / x, 2 - x
7 // x, 7 % x

k = torch.tensor([6, 3, 12])
k & 5, k | 1, k ^ 3, ~k
1 | k, 5 & k, 3 ^ k
k[0] and k[1]
k // 4, k % -4

flags = torch.tensor([True, False])
~flags, flags & True, flags | flags, flags ^ flags
flags + flags, flags * 3
-flags
flags - flags

x = torch.tensor([2.5])
int(x), float(x), bool(x), complex(x), complex(torch.tensor(1 + 2j))
x.item(), type(x.item())
int(torch.tensor([1, 2]))
bool(torch.tensor([]))
bool(torch.tensor([0, 1]))

n = torch.tensor(3)
list(range(n))
"abcdef"[n]
[10, 20, 30, 40][n]
"abcdef"[torch.tensor(1.5)]

x = torch.tensor([[1, 2], [3, 4]])
len(x), [row.tolist() for row in x], 3 in x, 7 in x
first, second = x
first + second
len(torch.tensor(5))
list(torch.tensor(5))

x = torch.tensor([1.0, 2.0])
y = x.clone()
x == y, x != y, x < 2, 2 >= x
{x: "a tensor is its own key"}[x]
x in [x]
torch.equal(x, y), torch.allclose(x, y + 1e-9), (x == y).all()

x = torch.tensor(3.14159)
f"{x:.2f}", f"{x}", format(x, "8.3f")
f"{torch.tensor([1.5, 2.5])}" == str(torch.tensor([1.5, 2.5]))
f"{torch.tensor([1.5, 2.5]):.1f}"

x = torch.arange(6.0).reshape(2, 3)
np.add(x.numpy(), 1).tolist()
np.asarray(x.tolist()).shape
x.numpy().dtype.name, torch.from_numpy(np.eye(2, dtype=np.float32))
x.requires_grad_().numpy()

x = torch.zeros(3)
x += 2
x *= 3
x -= 1
x /= 2
x
x **= 2
x //= 4
x %= 1
x

k = torch.tensor([12, 10])
k &= 6
k |= 1
k ^= 3
k
k /= 2

x = torch.zeros(2, 3)
x[0] = 1
x[:, 1] = torch.tensor([5.0, 6.0])
x[x == 0] = -1
x[1, torch.tensor([0, 2])] = torch.tensor([8.0, 9.0])
x[..., -1:] *= 2
x
x[2] = 0
x[0, 0, 0] = 0
x[:, :2] = torch.ones(3)

x = torch.tensor([-1.5, 0.25, 2.0])
x.clone().abs_(), x.clone().ceil_(), x.clone().floor_(), x.clone().trunc_(), x.clone().round_()
x.clone().sign_(), x.clone().relu_(), x.clone().square_(), x.clone().reciprocal_()

x = torch.tensor([0.25, 0.5, 0.75])
x.clone().sqrt_(), x.clone().rsqrt_(), x.clone().log_(), x.clone().log2_(), x.clone().log10_(), x.clone().log1p_()
x.clone().sin_(), x.clone().cos_(), x.clone().tan_(), x.clone().asin_(), x.clone().acos_(), x.clone().atan_()
x.clone().sinh_(), x.clone().cosh_(), x.clone().tanh_(), x.clone().erf_(), x.clone().expm1_()

x = torch.tensor([1.0, 2.0, 3.0])
x.clone().lt_(2), x.clone().le_(2), x.clone().gt_(2), x.clone().ge_(2), x.clone().ne_(2)
x.clone().clamp_min_(1.5), x.clone().clamp_max_(1.5), x.clone().true_divide_(2)
x.clone().logical_and_(x > 1), x.clone().logical_or_(x > 1), x.clone().atan2_(x.flip(0))
torch.tensor([1.0, float("nan"), float("inf")]).nan_to_num_(0.5, 9.0)
torch.tensor([6, 3]).bitwise_or_(torch.tensor(8)), torch.tensor([6, 3]).bitwise_xor_(2)
torch.tensor([6]).bitwise_not_()

x = torch.arange(9.0).reshape(3, 3)
x.clone().triu_(1), x.clone().tril_(-1)
torch.ones(2, 2).addmm_(x[:2, :2], x[1:, 1:], beta=2, alpha=0.5)

x = torch.tensor([1.0, 2.0], requires_grad=True)
y = (x ** 2).sum()
y.backward()
x.grad
(3 * x).sum().backward()
x.grad
x.grad.zero_()
x.grad = None
x.grad is None

x = torch.tensor([1.0, 2.0], requires_grad=True)
y = x * 2
y.backward()
y.backward(torch.tensor([1.0, 0.5]))
x.grad
y.backward(torch.tensor([1.0, 0.5]))

x = torch.tensor([1.0, 2.0], requires_grad=True)
y = x.exp()
y.sum().backward(retain_graph=True)
y.sum().backward()
x.grad
y.sum().backward()

x = torch.tensor(3.0, requires_grad=True)
(slope,) = torch.autograd.grad(x ** 3, x, create_graph=True)
(curvature,) = torch.autograd.grad(slope, x, create_graph=True)
slope, curvature, torch.autograd.grad(curvature, x)

x, y = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
torch.autograd.grad((x * 2).sum(), [x, y], allow_unused=True)
torch.autograd.grad((x * 2).sum(), [x, y], materialize_grads=True)
torch.autograd.grad((x * 2).sum(), [x, y])
torch.autograd.grad(x * 2, x)
torch.autograd.grad(x * 2, x, grad_outputs=torch.tensor([1.0, 3.0]))

x = torch.ones(2, requires_grad=True)
y = x * 3
x.is_leaf, y.is_leaf, y.detach().is_leaf, y.requires_grad, y.detach().requires_grad
y.retains_grad
y.retain_grad()
y.retains_grad
(y ** 2).sum().backward()
y.grad, x.grad

x = torch.ones(2, requires_grad=True)
handle = x.register_hook(lambda g: g * 2)
(x * 3).sum().backward()
x.grad
handle.remove()
(x * 3).sum().backward()
x.grad

x = torch.ones(2, requires_grad=True)
y = x * 2
seen = []
_ = y.register_hook(lambda g: seen.append(g.tolist()))
_ = y.register_hook(lambda g: g + 1)
(y * 5).sum().backward()
seen, x.grad
torch.ones(2).register_hook(print)

x = torch.ones(2, requires_grad=True)
seen = []
_ = x.register_post_accumulate_grad_hook(lambda leaf: seen.append(leaf.grad.sum().item()))
(x * 3).sum().backward()
(x * 3).sum().backward()
seen
(x * 2).register_post_accumulate_grad_hook(print)

x = torch.ones(2, requires_grad=True)
with torch.no_grad():
    y = x * 2
y.requires_grad, torch.is_grad_enabled()
with torch.enable_grad():
    (x * 2).requires_grad

x = torch.ones(2, requires_grad=True)
with torch.no_grad():
    x += 1
x
x += 1
x.data *= 2
x, x.grad
x.data = torch.zeros(3)
x, x.requires_grad, x.is_leaf
x.data = torch.tensor([1, 2])
x.data = [1.0, 2.0]

double = torch.no_grad()(lambda x: x * 2)
double(torch.ones(1, requires_grad=True)).requires_grad
with torch.set_grad_enabled(False):
    inside = torch.is_grad_enabled()
inside, torch.is_grad_enabled()

with torch.inference_mode():
    y = torch.ones(2, requires_grad=True) * 2
    inside = torch.is_inference_mode_enabled()
inside, torch.is_inference_mode_enabled(), y.requires_grad, y.is_inference()
torch.ones(2, requires_grad=True) * y
y.add_(1)

torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()
x = torch.tensor([0.0], requires_grad=True)
with torch.autograd.set_detect_anomaly(True):
    inside = torch.is_anomaly_enabled()
inside, torch.is_anomaly_enabled()

x = torch.tensor([1.0, 2.0])
torch.autograd.functional.jacobian(lambda x: x ** 2, x)
torch.autograd.functional.jacobian(lambda x, y: x * y.sum(), (x, x + 1))
torch.autograd.functional.hessian(lambda x: (x ** 3).sum(), x)

x, v = torch.tensor([1.0, 2.0]), torch.tensor([1.0, 0.5])
torch.autograd.functional.vjp(lambda x: x ** 2, x, v)
torch.autograd.functional.jvp(lambda x: x ** 2, x, v)
torch.autograd.functional.vhp(lambda x: (x ** 3).sum(), x, v)
torch.autograd.functional.hvp(lambda x: (x ** 3).sum(), x, v)
torch.autograd.functional.vjp(lambda x: x ** 2, x)

x = torch.tensor([0.3, 0.6], dtype=torch.float64, requires_grad=True)
torch.autograd.gradcheck(torch.sin, x)
torch.autograd.gradcheck(lambda x: (x.exp(), x.sum()), (x,)), torch.autograd.gradgradcheck(lambda x: x ** 3, (x,))
torch.autograd.gradcheck(lambda x: x.detach() * x, (x,))
torch.autograd.gradcheck(lambda x: x.detach() * x, (x,), raise_exception=False)
torch.autograd.gradcheck(torch.sin, x.detach())

z = torch.tensor([0.3 + 0.6j, 1 - 1j], dtype=torch.complex128, requires_grad=True)
torch.autograd.gradcheck(lambda z: z * z.conj(), (z,))
torch.autograd.gradcheck(lambda z: (z.real, z.abs(), z.exp()), (z,))
torch.autograd.gradgradcheck(lambda z: z ** 2 / z.abs(), (z,))
torch.autograd.gradcheck(lambda z: z * z.detach(), (z,), raise_exception=False)

z = torch.tensor([1 + 2j, -1j], requires_grad=True)
z.abs().sum().backward()
z.grad
z.grad = None
(z * z.conj()).real.sum().backward()
z.grad
z.sum().backward()

z = torch.tensor([1 + 2j, -1j])
z.real, z.imag, z.conj(), z.abs(), z * 1j
z.real[0] = 7
z, z[None].H
z.to(torch.complex128).dtype, z.is_complex(), torch.imag(z)
z > 0
torch.imag(torch.ones(2))

x = torch.tensor([1.0, 2.0], requires_grad=True)
y = torch.utils.checkpoint.checkpoint(lambda x: (x ** 2).exp(), x, use_reentrant=False)
y.sum().backward()
x.grad
torch.utils.checkpoint.checkpoint_sequential([torch.exp, torch.sin, torch.cos], 2, x, use_reentrant=False)

packed = []
x = torch.tensor([1.0, 2.0], requires_grad=True)
pack = lambda t: packed.append(t.detach().round(decimals=3).tolist()) or t
with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t * 1):
    y = x.exp() * 2
y.sum().backward()
packed[0], x.grad

x = torch.ones(2, requires_grad=True)
y = x * 2
x.data.fill_(5)
y.sum().backward()
x.grad

x = torch.ones(2, requires_grad=True)
y = x.exp()
y += 1
y.sum().backward()

x = torch.tensor([1.0, 2.0], requires_grad=True)
x.grad = torch.ones(2)
(x * 2).sum().backward()
x.grad
x.grad = torch.ones(3)
x.grad = torch.ones(2, dtype=torch.float64)
x.grad = 3
del x.grad
x.grad

x = torch.ones(2)
x.requires_grad = True
y = x * 2
y.requires_grad = False
y.grad, y.detach_(), y.requires_grad, y.is_leaf
x.detach_().requires_grad_()
x[:1].detach_()
torch.ones(2, dtype=torch.int64).requires_grad_()
torch.ones(2).fill_(torch.tensor(3)), torch.zeros(2).copy_(torch.arange(2)).zero_()
torch.ones(2).fill_(torch.ones(2))

x = torch.tensor([1.0, 4.0], requires_grad=True)
torch.autograd.backward([(x * 2).sum(), (x * 3).sum()])
x.grad, x.grad_fn, x.sqrt().grad_fn.next_functions[0][1]
torch.autograd.backward(x * 2)
torch.autograd.grad(x.sum(), [])
torch.autograd.grad(torch.ones(1).sum(), x)
torch.ones(2).sum().backward()

a = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
(a[:, 0] * a[:, 0]).sum().backward()
a.max().backward()
torch.where(a > 2, a, 0).sum().backward()
a.gather(1, torch.tensor([[0], [1]])).sum().backward()
a.grad

x = torch.arange(3.0)
max(x), min(x), sum(x), sorted(x), list(reversed(x))
divmod(x, 2)
abs(-x), pow(x, 2), 2 in x
round(x)

x = torch.tensor([[1, 2], [3, 4]])
x[0, 1], x[-1], x[:, 0], x[..., 1], x[None].shape, x[[0, 1], [1, 0]], x[x > 2], x[True].shape, x[1:, :1], x[::2]
x[5]
x[0, 0, 0]
x[1.0]
x["a"]
x[::-1]
x[torch.tensor([True, False, True])]

x = torch.ones(3)
x.add_(1).mul_(2).sub_(1).div_(3)
x.add(1, alpha=2), torch.add(x, x, alpha=0.5), x.sub(1, alpha=3), x.div(2, rounding_mode="floor"), x.pow(2)
x.add_(torch.ones(2, 3))
x.add_(1j)
torch.ones(2, dtype=torch.int64).add_(1.5)
torch.ones(2, dtype=torch.int64).div_(2)
torch.ones(2, dtype=torch.bool).add_(1)

torch.tensor([1, 2, 3]) / 2, torch.tensor([1, 2, 3]) // 2, torch.tensor([1, 2]) ** 2.0, 2 ** torch.tensor([1, 2])
torch.tensor([1, 2]) ** -1
torch.tensor(300).to(torch.uint8), torch.tensor(-1.5).to(torch.int32), torch.tensor(127, dtype=torch.int8) + 1
torch.tensor([1.0]) + torch.tensor([1], dtype=torch.float64)
torch.tensor(1.0, dtype=torch.float64) + torch.tensor([1.0])

x = torch.ones(3, 4)
x.view(5, -1)
x.view(-1, -1)
x.permute(0, 0)
x.transpose(0, 2)
x.expand(3, 5)
x.repeat(2)
x.expand(2, 3, 4).shape, x.flatten().shape, x.unsqueeze(-1).squeeze().shape, x.T.shape

torch.stack([])
torch.cat([])
torch.stack([torch.ones(2), torch.ones(3)])
torch.cat([torch.ones(2, 3), torch.ones(2, 2)])
torch.zeros(3).split(2), torch.zeros(4).chunk(2)[0].shape

@torch.no_grad()
def f(x):
    return x * 2
@torch.inference_mode()
def g(x):
    return x * 2
x = torch.ones(2, requires_grad=True)
f(x).requires_grad, g(x).is_inference(), (x * 2).requires_grad

x = torch.ones(2, requires_grad=True)
y = x * 2
y.mul_(3)
y[0] = 0
y.sum().backward()
x.grad

x = torch.arange(4.0)
y = x.view(2, 2)
y[0, 0] = 9
x, y.is_contiguous(), y.t().is_contiguous(), y.t().contiguous().stride()
x._version, y._version
y.t().view(4)
y.t().reshape(4)

base = torch.ones(4, requires_grad=True)
x = base * 1
view = x[:2]
view *= 3
x.sum().backward()
base.grad
torch.ones(2, requires_grad=True)[0].zero_()

x = torch.arange(12).reshape(3, 4)
x.stride(), x.t().stride(), x[1:, ::2].stride(), x[1:, ::2].storage_offset(), x.stride(0)
x.shape, x.size(), x.size(-1), x.dim(), x.ndim, x.numel(), x.nelement(), x.ndimension(), x.itemsize
x.size(2)
x.shape[0] * 2, x.shape == (3, 4), x.shape + (1,), list(x.shape)

x = torch.arange(6).reshape(1, 2, 3)
x.mT, x.movedim(0, -1).shape, x.moveaxis(2, 0).shape, x.swapaxes(0, 1).shape, x.swapdims(1, 2).shape
x[0].H, x[0].T

x = torch.arange(6.0)
x.view_as(torch.zeros(2, 3)), x.reshape_as(torch.zeros(3, 2)), x.view(2, -1), x.unflatten(0, (3, -1))
x.view(4, 2)
x.view(torch.int32).dtype

torch.can_cast(torch.double, torch.float), torch.can_cast(torch.float, torch.int)
torch.promote_types(torch.int32, torch.float16), torch.promote_types(torch.uint8, torch.int8)
torch.result_type(torch.tensor([1, 2]), 1.0)
torch.result_type(torch.tensor([1.0]), torch.tensor(2, dtype=torch.double))

torch.get_default_dtype()
torch.set_default_dtype(torch.float64)
torch.tensor([1.0, 2.0]).dtype, torch.tensor([1j]).dtype, torch.ones(1).dtype
torch.set_default_dtype(torch.float32)
torch.tensor([1.0]).dtype

x = torch.tensor([1.7, -1.7])
x.int(), x.long(), x.bool(), x.half(), x.double(), x.type(torch.int16), x.to(torch.int8)
x.type("torch.DoubleTensor").dtype, x.type("torch.NoTensor")
x.type(3)
x.type(), x.long().type(), x.to(x.long()).dtype, x.to("cpu", torch.float64).dtype
x.float() is x, x.to(torch.float32) is x, x.to(torch.float32, copy=True) is x

x = torch.tensor([1.0])
x.is_floating_point(), torch.is_tensor(x), torch.is_tensor([1.0]), torch.is_complex(x), x.is_contiguous()
x.dtype.is_signed, x.dtype.is_floating_point, x.dtype.itemsize

state = torch.get_rng_state()
a = torch.rand(3)
torch.set_rng_state(state)
(torch.rand(3) == a).all()
g, h = torch.Generator().manual_seed(7), torch.Generator().manual_seed(7)
torch.equal(torch.randn(4, generator=g), torch.randn(4, generator=h)), g.initial_seed()
_ = torch.manual_seed(11)
torch.initial_seed()

_ = torch.manual_seed(0)
draws = torch.rand(2000)
(draws >= 0).all() and (draws < 1).all(), abs(draws.mean() - 0.5) < 0.03
die = torch.randint(1, 7, (3000,))
die.min(), die.max(), torch.bincount(die).shape
torch.randperm(50).sort()[0].equal(torch.arange(50))

p = torch.tensor([0.0, 1.0, 0.5], requires_grad=True)
draw = torch.bernoulli(p)
draw[:2].detach(), draw.requires_grad
draw.sum().backward()
p.grad
torch.normal(torch.zeros(2, requires_grad=True), 1.0).requires_grad

x = torch.tensor([1.0, 2.0, 3.0])
torch.zeros_like(x), torch.full_like(x, 7, dtype=torch.int64)
torch.empty_like(x).shape, torch.ones_like(x.long()).dtype

x = torch.tensor([3, 1, 2, 1, 3])
torch.unique(x), torch.unique(x, return_inverse=True), torch.unique(x, return_counts=True)
torch.unique(torch.tensor([[1, 2], [1, 2], [0, 3]]), dim=0, return_counts=True)
torch.bincount(x), torch.bincount(x, weights=torch.arange(5.0)), torch.bincount(x, minlength=6)
torch.bincount(torch.tensor([-1]))

x = torch.tensor([[0.0, 1.5], [2.0, 0.0]])
torch.nonzero(x), torch.nonzero(x, as_tuple=True), torch.argwhere(x), torch.count_nonzero(x, dim=0)
x[torch.nonzero(x, as_tuple=True)], torch.where(x > 1), x.masked_select(x > 1)

x = torch.zeros(3, 2)
x.index_add_(0, torch.tensor([0, 2, 0]), torch.ones(3, 2), alpha=0.5)
x.index_copy_(0, torch.tensor([1]), torch.tensor([[7.0, 8.0]]))
x.index_fill_(1, torch.tensor([0]), -1)
x.index_put_((torch.tensor([0, 0]), torch.tensor([1, 1])), torch.tensor([1.0, 2.0]), accumulate=True)
x.index_select(0, torch.tensor([2, 0]))
x.index_add_(0, torch.tensor([3]), torch.ones(1, 2))

x = torch.zeros(2, 4)
x.scatter_(1, torch.tensor([[0, 2], [1, 3]]), torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
x.scatter_add_(1, torch.tensor([[0, 0], [1, 1]]), torch.ones(2, 2))
x.scatter(1, torch.tensor([[3], [0]]), 9.0), x.gather(1, torch.tensor([[0, 0], [3, 1]]))
x.gather(1, torch.tensor([[4], [0]]))

x = torch.tensor([[3, 1, 2], [9, 7, 8]])
order = x.argsort(dim=1)
torch.take_along_dim(x, order, dim=1), torch.take(x, torch.tensor([0, 4])), x.take_along_dim(torch.tensor([5, 0]))
x.masked_fill(x > 2, 0), x.masked_scatter(x > 7, torch.tensor([10, 20]))

x = torch.tensor([[4.0, 1.0], [2.0, 3.0]])
values, indices = x.max(dim=1)
values, indices, x.max(dim=0).indices
x.sort(descending=True), x.topk(1, dim=0), x.min(0)
torch.sort(x)[1]

x = torch.tensor([[1.0, 2.0], [3.0, 5.0]])
torch.std_mean(x), torch.var_mean(x, dim=0, correction=0), x.var(1, unbiased=False), x.std(dim=0, keepdim=True)
torch.nanmean(torch.tensor([1.0, float("nan"), 3.0])), torch.nansum(torch.tensor([[1.0, float("nan")]]), dim=1)
x.cumsum(0), x.cumprod(1), x.logsumexp(1), torch.prod(x, 0), x.argmax(), x.argmin(dim=1)

x = torch.arange(7)
torch.split(x, 3), torch.split(x, [2, 5]), torch.chunk(x, 3), torch.tensor_split(x, 3), torch.tensor_split(x, (1, 4))
x.unfold(0, 3, 2), x.roll(2), x.flip(0), x.narrow(0, 2, 3), torch.unbind(x[:2])
x.unfold(0, 8, 1)

a, b = torch.tensor([1, 2]), torch.tensor([3, 4])
torch.stack([a, b]), torch.stack([a, b], dim=1), torch.hstack([a, b]), torch.vstack([a, b]), torch.dstack([a, b])
torch.cat([a, b]), torch.concat([a, b]), torch.concatenate([a, b], dim=0)
torch.cat([a, b.float()]), torch.cat([a, torch.ones(1, 1)])

grids = torch.meshgrid(torch.tensor([1, 2]), torch.tensor([3, 4, 5]), indexing="xy")
grids[0], grids[1], torch.meshgrid(torch.arange(2), torch.arange(2), indexing="ij")[0]
torch.broadcast_tensors(torch.ones(2, 1), torch.zeros(3))[0].shape, torch.broadcast_shapes((2, 1), (3,), (1,))
torch.broadcast_shapes((2,), (3,))
torch.ones(1, 3).expand(2, 3).stride(), torch.ones(3).expand_as(torch.ones(2, 3)).shape

x = torch.tensor([1, 2, 3])
x.repeat(2), x.repeat(2, 1), x.tile(2), x.repeat_interleave(2), torch.repeat_interleave(x, torch.tensor([0, 1, 2]))
torch.diag(x), torch.diag(torch.diag(x)), torch.diag_embed(x, 1), torch.ones(2, 3).diagonal(1)
torch.tril_indices(2, 2), torch.triu_indices(2, 3, offset=1)

x = torch.tensor([1.0, float("inf"), float("nan"), -float("inf")])
x.isnan(), x.isinf(), x.isfinite(), x.nan_to_num(), x.nan_to_num(nan=-1, posinf=2, neginf=-2)
torch.logaddexp(torch.tensor([-1.0]), torch.tensor([-1.0, -2.0]))
torch.logaddexp(torch.tensor(1 + 1j), torch.tensor(2 - 1j))

a, b = torch.tensor([5, -5]), torch.tensor([3, 3])
torch.div(a, b), torch.div(a, b, rounding_mode="trunc"), torch.div(a, b, rounding_mode="floor")
torch.remainder(a, b), torch.fmod(a, b), torch.floor_divide(a, b), a / 0, a // 0.0
torch.div(a, b, rounding_mode="up")
a // torch.tensor(0)

x = torch.tensor([1.0, 2.0])
torch.addcmul(x, x, x, value=0.5), torch.addcdiv(x, x, x + 1, value=2), torch.lerp(x, x + 10, 0.25)
torch.lerp(x, x + 10, torch.tensor([0.0, 1.0])), torch.clamp(x, max=torch.tensor([0.5, 5.0])), x.clamp(1.5, 1.0)

A = torch.tensor([[4.0, 2.0], [2.0, 3.0]])
torch.linalg.inv(A), torch.inverse(A) @ A, torch.linalg.det(A), torch.linalg.solve(A, torch.tensor([2.0, 1.0]))
torch.linalg.cholesky(A), torch.linalg.cholesky(A, upper=True), torch.linalg.matrix_power(A, 2)
torch.linalg.matrix_power(A, -1)
torch.linalg.inv(torch.zeros(2, 2))
torch.linalg.cholesky(-A)

A = torch.tensor([[2.0, 0.0], [0.0, -3.0]])
torch.linalg.eigh(A), torch.linalg.eigvalsh(A), torch.linalg.svdvals(A), torch.linalg.slogdet(A), torch.slogdet(A)
torch.det(A), torch.logdet(A), torch.logdet(-A * torch.tensor([[-1.0], [1.0]]))
type(torch.linalg.qr(A)).__name__, torch.linalg.svd(A).S, torch.linalg.qr(A).R.abs()
values, vectors = torch.linalg.eigh(A)
values.tolist(), torch.linalg.eigh(A).eigenvalues

z = torch.tensor([[2.0 + 0j, 1j], [-1j, 2.0 + 0j]], requires_grad=True)
torch.linalg.eigvalsh(z).sum().backward()
torch.allclose(z.grad, torch.eye(2) + 0j, atol=1e-6)
torch.linalg.cholesky(z.detach()), torch.linalg.det(z.detach()), torch.linalg.inv(z.detach())
torch.linalg.eigh(z).eigenvectors.real.sum().backward()

x = torch.tensor([[3.0, 4.0], [0.0, 0.0]])
torch.linalg.norm(x), torch.linalg.vector_norm(x, 1), torch.linalg.matrix_norm(x, "nuc")
torch.linalg.norm(x, float("inf"))
x.norm(), x.norm(dim=1), x.norm(1, dim=0, keepdim=True), torch.linalg.vector_norm(x, 0), torch.linalg.norm(x, 2)
torch.linalg.norm(x, "nuclear")

a, b = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([4.0, 5.0, 6.0])
torch.dot(a, b), torch.vdot(a, b), torch.inner(a, b), torch.outer(a, b), torch.linalg.vecdot(a, b), a @ b
torch.addr(torch.zeros(3, 3), a, b), torch.kron(a[:2], b[:2]), torch.mv(torch.ones(2, 3), a), torch.trace(torch.eye(3))
torch.linalg.multi_dot([a[None], torch.ones(3, 2), torch.ones(2, 1)]), torch.einsum("i,i", a, b)
torch.tensordot(a, b, 1)

M = torch.ones(2, 2, 2)
torch.bmm(M, M), torch.baddbmm(M, M, M, beta=0), torch.addbmm(torch.zeros(2, 2), M, M), torch.matmul(M, torch.ones(2))
torch.zeros(2, 2).addbmm_(M, M), torch.zeros(2).addmv_(torch.ones(2, 2), torch.ones(2), alpha=3)

x = torch.tensor([[1.0, 2.0, 3.0], [1.0, 1.0, 1.0]])
F.softmax(x, dim=1), F.log_softmax(x, dim=-1), torch.softmax(x, 0), x.softmax(1).sum(1), F.relu(x - 2), F.sigmoid(x)
F.tanh(x)
F.softmax(x, dim=1, dtype=torch.float64).dtype, F.one_hot(torch.tensor([0, 2]))
F.one_hot(torch.tensor([1]), num_classes=3)
F.one_hot(torch.tensor([3]), num_classes=3)

x = torch.tensor([[1.0, 2.0, 3.0], [1.0, 1.0, 1.0]], requires_grad=True)
labels = torch.tensor([2, 0])
F.cross_entropy(x, labels), F.cross_entropy(x, labels, reduction="none")
F.cross_entropy(x.detach(), labels, label_smoothing=0.1)
F.nll_loss(F.log_softmax(x, 1), labels), F.mse_loss(x.detach(), torch.zeros(2, 3))
F.mse_loss(x.detach(), torch.zeros(2, 3), reduction="sum")
F.cross_entropy(x, labels).backward()
x.grad
F.linear(x.detach(), torch.ones(4, 3), torch.arange(4.0))
F.cross_entropy(x, torch.tensor([3, 0]))
F.linear(x, torch.ones(4, 2))

x = torch.tensor(5.0)
x.shape, x.item(), x[None], x.unsqueeze(0).squeeze(), x.view(1, 1), x.expand(3), x.reshape(-1)
x[0]
x.sum(0), x.max(0), x.cumsum(0), x.sort()

x = torch.zeros(0, 3)
x.sum(), x.sum(0), x.mean(), x.prod(1), x.T.shape, torch.cat([x, torch.ones(1, 3)]), x.any(), x.all(), x.tolist()
x.max()
x.argmax()
x.amax(1)

x = torch.tensor([1.0, 2.0])
x.foo
x.add(torch.ones(3))
torch.ones(2, 3) @ torch.ones(2, 3)
x.reshape(3)
x.squeeze(2)
torch.zeros(2).scatter(0, torch.tensor([0.5]), 1.0)
x.sum("a")
x.to("tpu")

w = torch.tensor([[0.5, -0.25]], requires_grad=True)
data, target = torch.tensor([[1.0, 2.0], [3.0, -1.0]]), torch.tensor([[1.0], [0.0]])
losses = []
for step in range(3):
    loss = ((data @ w.T - target) ** 2).mean()
    (gradient,) = torch.autograd.grad(loss, w)
    with torch.no_grad():
        w -= 0.1 * gradient
    losses.append(loss.item())
np.round(losses, 5).tolist(), w

class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, times):
        ctx.times = times
        ctx.save_for_backward(x)
        return x * times
    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * ctx.times, None
x = torch.ones(2, requires_grad=True)
y = Double.apply(x, 3)
y.sum().backward()
y.detach(), x.grad

class Clip(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_non_differentiable(mask := x > 1)
        return x.clone(), mask
    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g, _):
        return g.clamp(-1, 1)
x = torch.tensor([0.5, 2.0], requires_grad=True)
y, mask = Clip.apply(x)
mask, mask.requires_grad, y.requires_grad
(y * 5).sum().backward()
x.grad

z = torch.tensor([[1 + 1j, 2], [0, 1j]])
torch.linalg.eigh(z @ z.mH).eigenvalues, torch.linalg.svdvals(z), torch.linalg.det(z), torch.linalg.slogdet(z)
torch.logdet(z)
torch.linalg.norm(z), torch.linalg.matrix_norm(z, 1), z.norm(), z.norm(1), torch.linalg.vector_norm(z, float("inf"))
z.abs().max()
torch.linalg.solve(z, torch.tensor([1.0 + 0j, 2])), z.T, z.mH, z.H, z.sum(), z.mean(), z.prod(0), z.cumsum(0), z ** 2
z.exp(), z == z.conj()
z.real.max(), z.imag, torch.trace(z), z @ z, torch.einsum("ij->i", z), z.diagonal(), z.tril()
z.max()
z.sort()
z.floor()
z < z
z.std(), z.var(0)
z.sqrt(), z.log(), z.sin(), z.tanh(), z / (z.abs() + 1), z.sigmoid()
abs(z)
z.to(torch.float32)
z.float()
z.bool()
z.isnan(), z.isinf(), z.isfinite(), z.nonzero(), z.any(), z.all()
torch.tensor([1.0]) * 1j, torch.tensor([1]) * 1j, torch.tensor([1.0], dtype=torch.float64) + 1j

A = torch.eye(3)
torch.linalg.inv(torch.ones(2, 3))
torch.linalg.solve(A, torch.ones(2))
torch.linalg.cholesky(torch.ones(2, 2) * -1)
torch.linalg.eigh(A, UPLO="Z")
torch.linalg.qr(A, mode="bad")
torch.linalg.svd(torch.ones(3))
torch.linalg.det(torch.ones(3, 3, dtype=torch.int64))
torch.linalg.matrix_norm(A, ord="bad")
torch.linalg.multi_dot([A])
torch.linalg.matrix_power(A, 1.5)
torch.linalg.vector_norm(A, ord="fro")
torch.linalg.svd(A, full_matrices=False).U, torch.linalg.qr(A, mode="r").Q
torch.linalg.eigh(A).eigenvectors.abs().sum(0)
torch.linalg.qr(A)[0], torch.linalg.svd(A)[2]
A.inverse(), A.det(), A.logdet(), A.slogdet(), A.matrix_power(2), A.trace()

x = torch.tensor([1.0], requires_grad=True)
y = x * 2
h = y.register_hook(lambda g: torch.ones(3))
y.backward()

x = torch.tensor([1.0, 2.0], requires_grad=True)
torch.autograd.functional.jacobian(lambda x: x.sum(), x)
torch.autograd.functional.hessian(lambda x: (x ** 2).prod(), x)
torch.autograd.functional.jacobian(lambda x: (x, x ** 2), x)
torch.autograd.functional.hessian(lambda x: x, x)
torch.autograd.functional.jacobian(lambda x: 3, x)
torch.autograd.functional.jacobian(lambda x: x.detach(), x)
torch.autograd.functional.jacobian(lambda x: x.detach(), x, strict=True)
torch.autograd.functional.jvp(lambda x: x ** 2, x, torch.ones(3))
torch.autograd.functional.vhp(lambda x: x.sum(), x, torch.ones(2))
torch.autograd.functional.jacobian(lambda x: x ** 2, x, create_graph=True).requires_grad

class F1(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2
    @staticmethod
    def backward(ctx, g):
        return g, g
x = torch.ones(2, requires_grad=True)
F1.apply(x).sum().backward()
F1.apply(3)
F1()(x)
F1.forward(None, x).requires_grad

class F2(torch.autograd.Function):
    @staticmethod
    def forward(x):
        return x * 2, 7
    @staticmethod
    def setup_context(ctx, inputs, output):
        (x,) = inputs
        ctx.save_for_backward(x)
    @staticmethod
    def backward(ctx, g, _):
        (x,) = ctx.saved_tensors
        return g * 2 + 0 * x
x = torch.ones(2, requires_grad=True)
y, seven = F2.apply(x)
seven, y.detach()
y.sum().backward()
x.grad

class F3(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        x += 1
        return x
    @staticmethod
    def backward(ctx, g):
        return g * 3
x = torch.ones(2, requires_grad=True) * 1
y = F3.apply(x)
y is x
y.sum().backward()
torch.ones(2).requires_grad

x = torch.ones(2, requires_grad=True)
y = x.exp()
with torch.no_grad():
    y.mul_(2)
y.sum().backward()

a = torch.tensor([1.0, 2.0], requires_grad=True)
b = a.clone()
b[0] = a[1] * 3
b.sum().backward()
a.grad
c = a * 1
c[a > 1.5] = 0
c.sum().backward()
a.grad
d = torch.zeros(3)
d[1] = a.sum()
d.sum().backward()
a.grad, d.detach()
torch.zeros(2).add_(a).requires_grad

x = torch.tensor([[3.0, 1.0], [2.0, 5.0]])
x.max(1, keepdim=True), x.min(dim=0), x.argmax(dim=1, keepdim=True), x.sort(dim=0), x.topk(1)
x.unique(), x.cumsum(1), x.amax((0, 1)), x.all(), x.any(dim=0), x.logsumexp((0, 1)), x.count_nonzero()
x.topk(3)
x.sum(2)
x.sum((0, 0))
x.max(5)
x.mean(dtype=torch.int64)
x.argmax(3)
torch.max(x, x.T), torch.min(x, torch.zeros(2)), torch.maximum(x, torch.tensor(2.0))
torch.max(x, 2.0)
torch.maximum(x, 2)

torch.equal(torch.ones(2), torch.ones(3)), torch.allclose(torch.ones(2), torch.ones(2) + 1e-6)
torch.allclose(torch.ones(2), torch.ones(2).double())
torch.where(torch.tensor([True, False]), 1, 2), torch.where(torch.tensor([True, False]), torch.tensor([1.0, 2.0]), 0)
torch.where(torch.tensor(True), 1.0, 2)
torch.where(torch.tensor([1, 0]), 1, 2)
torch.meshgrid(torch.arange(2), torch.arange(3))[0].shape
torch.arange(6).view(2, 3).unfold(1, 2, 1)
torch.tensor_split(torch.arange(5), 0)
torch.roll(torch.arange(6).view(2, 3), (1, 1), (0, 1)), torch.flip(torch.arange(3), [0])
torch.flip(torch.arange(3), (1,))
torch.chunk(torch.arange(5), 0)
torch.narrow(torch.arange(5), 0, 3, 4)
torch.select(torch.eye(2), 0, 5)
torch.diag(torch.ones(2, 2, 2))
torch.repeat_interleave(torch.arange(2), torch.tensor([1, -1]))
torch.bincount(torch.tensor([1.0]))
torch.tril(torch.ones(3))
torch.take(torch.arange(3), torch.tensor([3]))
torch.movedim(torch.ones(2, 3), 0, 5)
""".strip().split("\n\n")


def printed(program, library):
    """What an interactive session prints for each line: the value's repr, or the kind of error that the line raises."""
    names = {"torch": library, "F": library.nn.functional, "np": np}
    return [shown for statement in ast.parse(program).body if (shown := _shown(statement, names)) is not None]


def _shown(statement, names):
    source = ast.unparse(statement)
    try:
        if isinstance(statement, ast.Expr):
            value = eval(source, names)
            return None if value is None else without_device(repr(value))
        exec(source, names)
    except Exception as error:
        return next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins")
    return None


def without_device(text):
    """The text as it would be on the CPU: elsewhere tensors say where they are, and lines break in other places."""
    text = re.sub(r"device='cuda:0',?", "", text).replace("torch.cuda.", "torch.")
    return " ".join(text.replace(", )", ")").split())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_prints_the_same(program):
    """Each line's text, and for those that raise the kind of error."""
    assert printed(program, engine) == printed(program, torch)


def test_the_programs_print():
    """A program that printed nothing would be compared with nothing; most lines must give something to compare."""
    texts = [printed(program, torch) for program in PROGRAMS]
    assert all(texts)
    errors = {"TypeError", "ValueError", "RuntimeError", "IndexError", "AttributeError", "NotImplementedError"}
    assert sum(each in errors for text in texts for each in text) < 0.4 * sum(map(len, texts))
    assert "NameError" not in [each for text in texts for each in text]
