"""Shapes, views and indices under torch and under the engine."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parity import check_line, check_mistake, torch

import engine

pytestmark = pytest.mark.slow

# The strides are compared, too.
VIEWS = """
a.reshape(3, 2)
a.reshape(shape=(3, -1))
torch.reshape(x, (-1, 4))
a.T.reshape(2, 3)
e.reshape(-1)
e.reshape(0, 7)
s.reshape(1, 1)
a.reshape(torch.Size([6]))
a.reshape(torch.tensor(3), 2)
a.reshape_as(torch.zeros(3, 2))
x.view(2, 12)
x.view(-1)
x.view(size=(4, 6))
x.permute(2, 0, 1).view(4, 2, 3, 1)
x[:, 1:].view(2, 2, 2, 2)
a.view_as(torch.zeros(6))
i.view(torch.float64)
i.view(dtype=torch.int32)
half.view(torch.int16)
s.flatten()
x.flatten(1)
x.flatten(0, 1)
x.flatten(start_dim=-2)
x.transpose(0, 1).flatten()
e.flatten()
x.permute(1, 0, 2).ravel()
x.unflatten(1, (3, 1))
x.unflatten(-1, (2, -1))
x.unflatten(2, [2, 2])
a.T.unflatten(0, (3, 1))
a.squeeze()
a[None, :, None].squeeze()
a[None, :, None].squeeze(0)
a[None, :, None].squeeze(1)
a[None, :, None].squeeze((0, 2))
a[None].squeeze(dim=-3)
a.squeeze(())
s.squeeze(0)
torch.squeeze(a[:1], axis=0)
a.unsqueeze(0)
a.T.unsqueeze(-1)
a.unsqueeze(dim=-3)
s.unsqueeze(-1)
torch.unsqueeze(x, 2)
x.permute(2, 0, 1)
x.permute(dims=(-1, 0, 1))
torch.permute(x, (1, 0, 2))
x.transpose(0, -1)
s.transpose(0, -1)
x.swapaxes(0, 1)
torch.swapdims(x, 0, 2)
a.t()
b.t()
s.t()
a.T
s.T
x.T
x.mT
a.H
x.mH
x.movedim(0, -1)
x.movedim((0, 1), (2, 0))
torch.movedim(x, [2, 0], [0, 1])
x.moveaxis(-1, 0)
s.movedim(0, 0)
b.expand(2, 3)
a.expand(4, -1, -1)
a[:, :1].expand(-1, 3)
a[:, :1].expand(size=(2, 3))
s.expand(2)
e.expand(2, 0, 3)
b.expand_as(a)
b.broadcast_to((2, 3))
torch.broadcast_tensors(b, a, s)
torch.broadcast_shapes((2, 1), (3,), ())
x.narrow(1, 1, 2)
x.narrow(dim=-1, start=-2, length=1)
x.narrow(2, 4, 0)
x.select(1, -1)
x.select(dim=0, index=1)
b.select(0, 1)
x.unbind()
x.unbind(-1)
torch.unbind(b)
e.unbind()
x.split(2, 2)
x.split([1, 2], dim=1)
x.split(split_size=3, dim=-1)
torch.split(b, 2)
torch.split(b, split_size_or_sections=[3, 0])
e.split(1)
x.chunk(3, 2)
b.chunk(2)
torch.chunk(b, chunks=5)
e.chunk(2)
x.tensor_split(3, -1)
b.tensor_split((1, 5))
b.tensor_split(torch.tensor([-1]))
torch.tensor_split(b, sections=2)
b.tensor_split(indices=(2, 1), dim=0)
x.unfold(2, 2, 1)
x.unfold(1, 2, 2)
x.transpose(0, 2).unfold(0, 3, 1)
x.unfold(dimension=-1, size=4, step=9)
b.unfold(0, 0, 1)
s.unfold(0, 1, 1)
x.diagonal()
x.diagonal(1, 0, 2)
x.diagonal(offset=-1, dim1=-1, dim2=1)
a.diagonal(3)
a.diagonal(-1)
a.diagonal(9)
torch.meshgrid(b, b[:2], indexing="ij")
torch.meshgrid(b, b[:2], indexing="xy")
torch.meshgrid([b, b[:2], s], indexing="xy")
torch.meshgrid(s, b)
a[0]
a[-1, 1:]
a[:, ::2]
x[..., 1]
x[1, ..., None, 2]
x[None, :, None, 1:3]
x[0, 1, 2]
x[torch.tensor(1)]
x[:, torch.tensor(1):, torch.tensor(0)]
x[np.int64(1)]
a[()]
a[...]
s[...]
s[None]
s[()]
a[5:]
a[1:0]
a[-100:100]
a.detach()
a.contiguous()
a.T.contiguous()
x.transpose(0, 1).contiguous()
b.expand(2, 3).contiguous()
a.data
b.broadcast_to(2, 3)
b.broadcast_to(size=(2, 3))
a[None, :, None].squeeze(0, 2)
a[None, :, None].squeeze(-2, 1)
a[None].squeeze(axis=0)
torch.tensor_split(x, tensor_indices_or_sections=torch.tensor(2))[1]
""".strip().splitlines()

COPIES = """
b.repeat(2)
b.repeat(2, 3)
a.repeat((1, 2))
a.repeat(1, 1)
b.repeat(0, 2)
s.repeat(3)
e.repeat(2, 2)
a.tile(2)
a.tile((2, 1, 1))
torch.tile(s, (2,))
b.repeat_interleave(2)
a.repeat_interleave(2)
a.repeat_interleave(3, dim=1)
a.repeat_interleave(torch.tensor([1, 2]), dim=0)
a.repeat_interleave(torch.tensor([1, 0, 2]), 1)
a.repeat_interleave(torch.tensor(2), 0)
a.repeat_interleave(torch.tensor([2]), -1)
a.repeat_interleave(torch.tensor([1, 2]), dim=0, output_size=3)
torch.repeat_interleave(torch.tensor([1, 0, 2]))
torch.repeat_interleave(a, 2, axis=0)
torch.cat([a, a * 2])
torch.cat((a, i, a), -1)
torch.cat([torch.zeros(0), a])
torch.cat([a, torch.zeros(0)], 1)
torch.cat([torch.zeros(0), torch.zeros(0)])
torch.cat([torch.zeros(0), b])
torch.cat([e, a])
torch.cat([flags, flags])
torch.cat([c, a])
torch.cat([half, half], axis=1)
torch.concat([b, b])
torch.concatenate([b, b], dim=0)
torch.stack([a, a * 2])
torch.stack([s, s])
torch.stack((a, i), -1)
torch.stack([b, b], axis=1)
torch.hstack([a, a])
torch.hstack([b, b])
torch.hstack([s, b])
torch.vstack([b, a])
torch.vstack((s, s))
torch.dstack([b, b])
torch.dstack([a, a])
torch.dstack([s, s])
a.flip(0)
x.flip((0, -1))
x.flip(0, 1)
torch.flip(x, dims=[2])
s.flip(0)
a.flip([])
e.flip(1)
a.roll(1)
a.roll(-1, 1)
x.roll((1, 2), (0, -1))
x.roll(shifts=(1, 1), dims=(0, 0))
a.T.roll(5)
s.roll(1)
e.roll(1, 0)
a.tril()
x.tril(1)
a.triu(diagonal=-1)
x.mT.triu(1)
flags.tril()
i.triu(-5)
c.tril()
a.diag()
a.diag(1)
a.diag(-5)
b.diag()
b.diag(-2)
torch.diag(b, diagonal=1)
b.diag_embed()
a.diag_embed(1)
a.diag_embed(-1, 0, 2)
a.diag_embed(dim1=0)
a.clone()
a.gather(1, rows)
a.T.gather(0, rows)
a.gather(dim=-1, index=rows)
a.gather(1, rows.int())
a.gather(1, torch.zeros(2, 0).long())
a.gather(1, torch.zeros(0).long())
s.gather(0, torch.tensor(0))
s.gather(0, torch.tensor([0, 0]))
b.gather(0, torch.tensor(2))
i.gather(1, rows)
torch.gather(a, axis=1, index=rows)
a.scatter(1, rows, 9.0)
a.scatter(1, rows, 2)
a.scatter(1, rows, -a[:, :2])
a.detach().scatter(1, rows, -a.detach())
a.scatter(dim=0, index=rows, src=x[0, :2, :2])
a.scatter(1, rows, value=True)
a.scatter(1, picks[None], a[1:] * 3)
i.scatter(1, rows, 2.5)
a.detach().scatter(1, rows, 2, reduce="add")
a.detach().scatter(1, rows, 2, reduce="multiply")
a.detach().scatter(1, torch.tensor([[0, 0, 1]]), 3.0, reduce="multiply")
a.detach().scatter(1, torch.tensor([[0, 0, 1]]), x[0, :, :3].detach(), reduce="add")
a.scatter(1, torch.zeros(0).long(), 3.0)
s.scatter(0, torch.tensor(0), 5.0)
s.scatter(0, torch.tensor([0]), b[:1])
a.scatter_add(1, rows, a[:, 1:] * 2)
a.scatter_add(0, torch.zeros(2, 3).long(), a)
torch.scatter_add(s, 0, torch.tensor([0, 0]), b[1:])
i.scatter_add(1, rows, i)
half.scatter_add(0, rows, half)
a.index_select(1, picks)
a.index_select(0, torch.tensor(1))
s.index_select(0, torch.tensor([0]))
x.index_select(-1, picks.int())
torch.index_select(e, axis=1, index=picks)
a.index_add(1, picks, a)
a.index_add(1, picks, a, alpha=2)
a.index_add(0, torch.tensor([1, 1, 0]), x[0].T[:3, :3].contiguous())
i.index_add(0, torch.tensor([1]), i[:1])
s.index_add(0, torch.tensor([0]), s * 2)
s.index_copy(0, torch.tensor([0]), b[:1])
a.detach().index_fill(0, torch.tensor([-1, 1]), 3)
a.index_copy(1, torch.tensor([2, 0]), x[0, :2, :2])
a.index_copy(0, torch.tensor(1), b[None])
a.index_fill(1, picks, 3)
a.index_fill(1, picks, s)
a.index_fill(0, torch.tensor(1), -1.5)
a.index_put((torch.tensor([0, 1]),), b)
a.index_put((torch.tensor([0, 1, 0]), picks), b, accumulate=True)
a.index_put((torch.tensor([1, 1]),), b, accumulate=True)
a.index_put([flags], s)
a.take(rows)
a.take(-rows)
a.T.take(torch.tensor(3))
torch.take(a, torch.zeros(0).long())
a.take_along_dim(rows, 1)
a.take_along_dim(rows)
a.take_along_dim(torch.tensor([[2]]), 1)
torch.take_along_dim(x, torch.tensor([[[1], [0]]]), dim=1)
a.take_along_dim(a.argsort(1), dim=1)
a.masked_select(flags)
a.masked_select(torch.tensor([True, False, True]))
b.masked_select(flags)
s.masked_select(s > 0)
a.T.masked_select(flags.T)
a.masked_scatter(flags, x)
a.masked_scatter(torch.tensor([True, False, True]), -a)
i.nonzero()
torch.nonzero(flags)
flags.nonzero(as_tuple=True)
s.nonzero()
torch.nonzero(s, as_tuple=True)
torch.zeros(()).nonzero()
e.nonzero()
flags.argwhere()
half.T.nonzero().shape
x[torch.tensor([1, 0])]
x[[1, 0, 1]]
x[:, [0, 2]]
x[[0, 1], [0, 2]]
x[[0, 1], :, [1, 2]]
x[[0, 1], None, [1, 2]]
x[:, [0], [1, 2]]
x[0, :, [1, 2]]
x[0, [1, 2]]
x[:, 0, [1, 2]]
x[[0, 1], 0, [1, 2]]
x[[0, 1], :, 0]
x[..., [1, 1]]
x[:, [0], ..., [1]]
x[[0], ..., [1, 2]]
x[[[0], [1]], [0, 1, 2]]
x[rows]
x[rows, rows]
x[rows[:, :, None], picks]
x[:, rows[0], 1:3]
x[1:, picks, ::2]
x[[]]
x[torch.zeros(0).long()]
x[picks[:2] > 5]
x[flags]
x[flags, 1]
x[flags, 1:]
x[:, torch.ones(3, 4).bool()]
x[:, picks == 2]
x[picks[:2] == 0, picks]
x[True]
x[False]
x[torch.tensor(True)]
x[None, True]
x[True, [0, 1]]
x[[0, 1], True]
x[[0, 1], :, True]
x[:, False, [0]]
x[np.array([1, 0])]
x[np.array([True, False])]
x[range(2)]
x[torch.tensor([1, 0], dtype=torch.uint8)]
x[[True, False]]
x[[0, slice(None)]]
x[[torch.tensor(1), torch.tensor(2)]]
x[-1, [-1, -2]]
e[:, [0, 0]]
e[[]]
s[True]
s[s > 5]
i[picks - 1]
c[:, picks]
a.permute(1, 0)[[0, 2]]
a.storage_offset(), a[1:].storage_offset(), a.T[1:, 1].storage_offset(), x[1, 2, 3].storage_offset()
a.stride(), a.T.stride(), x.stride(-2), a.ndimension(), a.nelement(), x.size(-1), x.size()
a.is_contiguous(), a.T.is_contiguous(), b.expand(2, 3).is_contiguous(), x[:, :1].is_contiguous()
a.contiguous() is a, a.T.tolist(), i.tolist(), flags.tolist(), s.item(), c[0, 0].item(), i[0, 1].item()
a.clone().index_add_(1, picks, a)
a.clone().scatter_(1, rows, 5.0)
a.clone().scatter_add_(1, rows, a[:, :2])
a.clone().masked_scatter_(flags, x)
a.clone().index_fill_(0, torch.tensor([1]), 2.0)
a.clone().index_copy_(0, torch.tensor([1]), b[None])
a.clone().index_put_((torch.tensor([1, 1]),), b, accumulate=True)
a.clone().tril_()
b.repeat(repeats=(2, 1))
a.tile(dims=(2,))
torch.tile(a, dims=(2, 1, 1))
""".strip().splitlines()

MISTAKES = """
a.reshape(4)
a.reshape(-1, -1)
a.reshape(-1, 4)
e.reshape(-1, 0)
a.reshape(2.0, 3)
a.T.view(6)
a.view(4)
a.view(torch.int32).T.view(torch.float64)
a.flatten(1, 0)
a.flatten(0, 2)
x.unflatten(2, (3, -1))
x.unflatten(2, ())
x.unflatten(3, (1, 1))
a.squeeze(2)
a.squeeze((0, 0))
a.unsqueeze(3)
a.permute(0)
a.permute(0, 0)
a.permute(0, 2)
a.transpose(0)
x.t()
b.mT
x.H
x.movedim((0, 0), (1, 0))
x.movedim((0, 1), (1,))
x.movedim(0, 3)
b.expand(2, 4)
b.expand(2)
a.expand(3)
a.expand(-1, 2, 3)
a.expand(2, -2)
a.expand_as(x)
torch.broadcast_tensors(b, picks[:2])
torch.broadcast_shapes((2,), (3,))
a.repeat(2)
b.repeat(-1)
b.repeat(1.5)
a.repeat_interleave(torch.tensor([1, 2, 0]), dim=0)
a.repeat_interleave(torch.tensor([1, 2]), dim=0, output_size=4)
a.repeat_interleave(-1)
a.repeat_interleave(torch.tensor([[1, 2]]), dim=0)
a.repeat_interleave(torch.tensor([1.0, 2.0]), dim=0)
torch.cat([s, s])
torch.cat([a, b])
torch.cat([a, x[0]])
torch.cat([a, 3])
torch.cat([a, a], 2)
torch.cat([a, a], dim=0, axis=0)
torch.stack([])
torch.stack([a, b])
torch.stack([a, a], 3)
torch.hstack([a, b])
torch.vstack([])
torch.split(b, [1, 1])
torch.split(b, 0)
torch.split(b, -1)
torch.split(s, 1)
torch.split(b, 1, 1)
b.chunk(0)
s.unbind()
b.unbind(1)
b.tensor_split(0)
s.tensor_split(2)
a.narrow(1, 1, 3)
a.narrow(1, 4, 0)
a.narrow(1, 0, -1)
a.narrow(2, 0, 1)
s.narrow(0, 0, 1)
a.select(1, 3)
a.select(1, -4)
s.select(0, 0)
a.flip()
a.flip(0, 0)
a.flip(2)
a.roll((1, 2))
a.roll((1, 2), 0)
a.roll(1, 4)
b.tril()
s.triu()
a.diagonal(0, 0, 0)
b.diagonal()
a.diagonal(0, 0, 2)
s.diag()
x.diag()
s.diag_embed()
b.diag_embed(0, 1, 1)
b.unfold(0, 5, 1)
b.unfold(0, 2, 0)
b.unfold(1, 1, 1)
b.unfold(0, -1, 1)
torch.meshgrid(b, a)
torch.meshgrid(b, picks)
torch.meshgrid(b, b, indexing="zz")
a.gather(1, -rows)
a.gather(1, rows + 2)
a.gather(1, rows.to(torch.int16))
a.gather(1, picks)
a.gather(1, torch.zeros(3, 1).long())
a.gather(2, rows)
a.gather(1, [[0]])
a.scatter(1, rows, i)
a.scatter(1, rows, a[:, :1])
a.scatter(1, -rows, 1)
a.scatter(1, rows, a, reduce="foo")
a.scatter(1, rows)
a.scatter(1, rows, "x")
i.scatter(1, rows, inf)
a.scatter_add(1, rows, 2)
a.scatter_add(1, rows, i)
a.scatter_add(1, rows + 2, a)
a.index_select(1, rows)
a.index_select(1, picks.double())
a.index_select(0, picks + 5)
a.index_select(0, -picks)
a.index_add(1, picks + 5, a)
a.index_copy(1, picks + 5, a)
a.index_fill(1, picks + 5, 1)
s.index_add(0, torch.tensor([0, 0]), b[:2])
b.index_add(0, torch.tensor(0), s)
a.index_copy(0, torch.tensor([1]), b)
x[:, False, [0, 1]]
a.index_select(2, picks)
a.index_add(1, picks, a[:, :2])
a.index_add(1, picks, i)
a.index_add(1, picks.double(), a)
a.index_copy(1, picks[:2], b)
a.index_fill(1, picks, b)
i.index_fill(1, picks, inf)
a.index_put((picks,), b)
a.index_put((picks[:1],), i[0])
a.take(rows + 9)
a.take(rows.int())
a.take_along_dim(picks, 1)
a.take_along_dim(torch.zeros(3, 1).long(), 1)
a.masked_select(i)
a.masked_select(flags.T)
a.masked_scatter(a > -9, b)
a.masked_scatter(flags, i)
a.masked_scatter(i, a)
a[2]
a[0, 0, 0]
a[0, -4]
a[[2]]
a[:, [3]]
a[[0, 1], [0, 1, 2]]
a[1.5]
a["x"]
a[{}]
a[b]
a[picks.to(torch.int16)]
a[::-1]
a[::0]
a[flags.T]
a[[True, False, True]]
a[..., flags, 0]
a[torch.tensor([1, 0, 1], dtype=torch.uint8)]
a[0:"x"]
s[0]
s[:]
a[None].squeeze(0, dim=0)
a[None].squeeze(0, 0)
x.tensor_split(2, tensor_indices_or_sections=torch.tensor(2))
""".strip().splitlines()


@pytest.mark.parametrize("line", VIEWS)
def test_a_view_means_the_same(line):
    check_line(line, with_strides=True)


@pytest.mark.parametrize("line", COPIES)
def test_a_line_means_the_same(line):
    check_line(line)


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_raises_the_same_kind_of_error(line):
    check_mistake(line)


# ---- who shares memory --------------------------------------------------------------------------------

SHARING = """
x.reshape(6, 4)
x.permute(1, 0, 2).reshape(6, 4)
x.permute(1, 0, 2).reshape(3, 2, 2, 2)
x.view(-1)
x.view(torch.int32)
x.flatten()
x.T.flatten()
x.ravel()
x.unflatten(2, (2, 2))
x[:1].squeeze()
x.unsqueeze(1)
x.permute(2, 0, 1)
x.transpose(0, 1)
x.movedim(0, 2)
x.swapaxes(0, 2)
x[0].t()
x[0].T
x.mT
x[0].H
x.expand(5, 2, 3, 4)
x.expand(2, 3, 4)
x.expand_as(x)
x.broadcast_to((2, 3, 4))
torch.broadcast_tensors(x, x[0])[1]
x.narrow(0, 1, 1)
x.select(1, 2)
x.unbind(1)[2]
x.split(2, 2)[1]
x.chunk(2)[1]
x.tensor_split(2)[0]
x.unfold(2, 2, 1)
x.diagonal()
x.diagonal(1, 1, 2)
torch.meshgrid(x[0, 0], x[0, 1], indexing="xy")[0]
x[1]
x[0, 1, 2]
x[:, 1:, ::2]
x[..., None, 0]
x[torch.tensor(1)]
x[True]
x[[0, 1]]
x[x > 5]
x.detach()
x.data
x.contiguous()
x.T.contiguous()
x.clone()
x.repeat(1, 1, 1)
x.tile(1)
x[0].diag()
x.flip(0)
x.roll(0, 0)
x.tril()
torch.cat([x])
x.gather(0, torch.zeros(2, 3, 4).long())
x.index_select(0, torch.tensor([0, 1]))
x.masked_select(x > 5)
x.double()
x.long()
x.to(torch.float64)
""".strip().splitlines()


@pytest.mark.parametrize("line", SHARING)
def test_views_share_memory_and_version_where_torch_s_do(line):
    found = []
    for library in (engine, torch):
        x = library.arange(24.0, dtype=library.float64).reshape(2, 3, 4).clone()
        view = eval(line, {"torch": library, "x": x})
        before = x.tolist(), view._version
        with library.no_grad():
            (view[0] if view.ndim else view).zero_()
        shares = x.tolist() != before[0]
        found.append((shares, x._version if shares else None, view._version > before[1]))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "line",
    ["x.diagonal()", "x.unfold(1, 2, 2)", "x.select(1, 0)", "x.narrow(1, 1, 2)",
     "x[None, 1]", "x.movedim(0, 1)", "x.unflatten(1, (3, 1))", "x.expand(1, 2, 3)", "x.T", "x.mT", "x.squeeze()",
     "x.view(3, 2)"],
)  # fmt: skip
def test_a_view_changed_in_place_keeps_its_history(line):
    """Writing into a view of a recorded tensor: values and gradients of everything are torch's."""
    found = []
    for library in (engine, torch):
        leaf = library.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
        weight = library.tensor(2.0, dtype=library.float64, requires_grad=True)
        x = leaf * 1
        view = eval(line, {"x": x})
        view.mul_(weight)
        (x * x).sum().backward()
        found.append([x.detach().numpy(), leaf.grad.numpy(), weight.grad.numpy()])
    for ours, theirs in zip(*found):
        np.testing.assert_allclose(ours, theirs)


# ---- any index ------------------------------------------------------------------------------------------

SHAPE = (3, 2, 4)


@st.composite
def indices(draw):
    """An index as text: any mixture of what may stand between the brackets, often valid for SHAPE."""
    parts, dim, has_ellipsis = [], 0, False
    small = st.integers(-2, 1)
    bounds = st.one_of(st.none(), st.integers(-5, 5))
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from("int slice none ellipsis bool list tensor mask matrix_mask scalar".split()))
        if kind == "ellipsis" and has_ellipsis:
            kind = "none"
        size = SHAPE[dim % 3]
        if kind == "int":
            parts.append(str(draw(small)))
        elif kind == "slice":
            start, stop = draw(bounds), draw(bounds)
            parts.append(f"slice({start}, {stop}, {draw(st.sampled_from([None, 1, 2]))})")
        elif kind == "none":
            parts.append("None")
        elif kind == "ellipsis":
            parts.append("...")
        elif kind == "bool":
            parts.append(draw(st.sampled_from(["True", "False", "torch.tensor(True)"])))
        elif kind == "list":
            parts.append(str(draw(st.lists(small, min_size=0, max_size=3))))
        elif kind == "tensor":
            parts.append(f"torch.tensor({draw(st.sampled_from(['[[0, 1], [1, 0]]', '[1]', '[[0], [1]]', '[-1, 0]']))})")
        elif kind == "mask":
            parts.append(f"torch.tensor({[draw(st.booleans()) for _ in range(size)]})")
        elif kind == "matrix_mask":
            rows = [[draw(st.booleans()) for _ in range(SHAPE[(dim + 1) % 3])] for _ in range(size)]
            parts.append(f"torch.tensor({rows})")
        else:
            parts.append(f"torch.tensor({draw(small)})")
        has_ellipsis |= kind == "ellipsis"
        dim += {"none": 0, "ellipsis": 0, "bool": 0, "matrix_mask": 2}.get(kind, 1)
    return "(" + ", ".join(parts) + ",)"


def picked(library, index):
    x = library.tensor(np.arange(24.0).reshape(SHAPE), requires_grad=True)
    found = x[eval(index, {"torch": library})]
    weights = library.arange(1.0, found.numel() + 1, dtype=library.float64).reshape(tuple(found.shape))
    (found * weights).sum().backward()
    return tuple(found.shape), found.detach().numpy(), x.grad.numpy()


def written(library, index, recorded):
    """SHAPE's tensor after x[index] = values: broadcast along the last dimension of what is picked."""
    leaf = library.tensor(np.arange(24.0).reshape(SHAPE), requires_grad=recorded)
    value = library.tensor(np.array([-1.0]), requires_grad=recorded)
    x = leaf * 1
    index = eval(index, {"torch": library})
    sizes = tuple(x.detach()[index].shape)
    steps = library.arange(1.0, 1.0 + (sizes[-1] if sizes else 1), dtype=library.float64)
    x[index] = value * steps
    if recorded:
        (x * library.arange(24.0, dtype=library.float64).reshape(SHAPE)).sum().backward()
        return x.detach().numpy(), leaf.grad.numpy(), value.grad.numpy()
    return (x.numpy(),)


def outcomes(function, *arguments):
    """The results under both libraries, or the kinds of error."""
    found = []
    for library in (engine, torch):
        try:
            found.append(function(library, *arguments))
        except (IndexError, RuntimeError, TypeError, ValueError) as error:
            found.append(type(error))
    return found


def check_outcomes(ours, theirs):
    if isinstance(theirs, type) or isinstance(ours, type):
        assert ours == theirs
        return
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


@settings(max_examples=500, deadline=None)
@given(indices())
def test_any_index_picks_what_torch_picks(index):
    check_outcomes(*outcomes(picked, index))


@settings(max_examples=300, deadline=None)
@given(indices(), st.booleans())
def test_any_index_writes_where_torch_writes(index, recorded):
    """Not where an element is written twice: which of two values stays is open in torch, too."""
    places = engine.arange(24).reshape(SHAPE)
    try:
        hit = places[eval(index, {"torch": engine})].flatten().tolist()
    except (IndexError, ValueError):
        hit = []
    if len(set(hit)) == len(hit):
        check_outcomes(*outcomes(written, index, recorded))


WRITES = """
x[0] = 5
x[0] = 2.7
x[...] = True
x[0, 0] = torch.tensor([3.0])
x[0] = torch.ones(1, 1, 3)
x[[0, 1]] = torch.ones(1, 1, 2, 3).double()
x[[0, 1]] = torch.ones(1, 1, 2, 3)
x[x > 2] = torch.arange(3.0).double()
x[x > 2] = torch.arange(3.0)
x[x > 2] = torch.tensor([[1.5]])
i[i > 2] = torch.tensor(1.5)
x[[0]] = torch.tensor(1.0)
x[True] = torch.tensor(1.0)
x[x > 2] = 7.0
x[:, 0] = torch.tensor(2)
x[0] = torch.tensor([True, False, True])
x[[]] = 3.0
x[False] = 3.0
x[1:1] = 9
x.T[0] = torch.tensor([1.0, 2.0])
x[0] = x[1]
x[:, 1:] = x[:, :-1].clone()
x[0] = np.float64(3)
x[0] = np.int64(3)
i[0] = 2.7
i[0] = torch.tensor(-2.7)
i[0] = True
flags[0] = 3
flags[0] = torch.tensor([0.0, 2.0, 0.5])
bytes[0] = -1
bytes[0] = torch.tensor(300)
c[0] = 1j
x.fill_(2)
x.zero_()
x.copy_(torch.arange(3))
i.copy_(x + 0.5)
x[0] = [1, 2, 3]
x[0] = None
x[0] = "x"
x[0] = 1j
i[0] = float("nan")
i[0] = float("inf")
i[0] = 10 ** 30
bytes[0] = 300
half.fill_(1e10)
x[0] = 2 + 0j
i.int().fill_(2 ** 40)
bytes.fill_(-1)
x[0] = torch.ones(2, 3)
x[0] = torch.ones(2)
x[x > 2] = torch.arange(2.0)
x[5] = 1
x[[5]] = 1
x[::-1] = 1
x.expand(2, 2, 3)[...] = 1
x.copy_(torch.arange(2))
""".strip().splitlines()


@pytest.mark.parametrize("line", WRITES)
def test_writing_through_an_index(line):
    """The same elements afterwards, or the same kind of error."""

    def run(library):
        names = {
            "torch": library,
            "np": np,
            "x": library.tensor(np.arange(6.0).reshape(2, 3)),
            "i": library.arange(6).reshape(2, 3),
            "flags": library.tensor([[True, False, True]]),
            "bytes": library.tensor([[1, 2, 3]], dtype=library.uint8),
            "c": library.tensor([[1j, 2.0]]),
            "half": library.tensor([[1.0, 2.0]], dtype=library.float16),
        }
        exec(line, names)
        return [names[name].numpy() for name in ("x", "i", "flags", "bytes", "c", "half")]

    ours, theirs = outcomes(run)
    check_outcomes(ours, theirs)


def test_shapes_on_every_device(device):
    """What is composed runs where the data lives: values by torch."""
    values = np.random.default_rng(0).standard_normal((2, 3, 4))
    indices = np.array([[[1, 0, 1, 1]]])
    for line in (
        "x.repeat(2, 1, 1)", "x.repeat_interleave(2, 1)", "x.repeat_interleave(n, dim=0)", "torch.repeat_interleave(n)",
        "x.flip(0, 2)", "x.roll(1, 2)", "x.roll(3)", "x.tril()", "x.triu(1)", "x.diagonal(0, 1, 2)", "x[0, 0].diag()",
        "x.unfold(2, 2, 1)", "torch.stack([x, x], 1)", "torch.hstack([x, x])", "x.gather(0, k)", "x.scatter(0, k, 1.5)",
        "x.scatter(0, k, x[:1, :1])", "x.scatter_add(0, k, x[1:, :1])", "x.index_select(1, n)",
        "x.index_add(0, n, x)", "x.take(n)",
        "x.take_along_dim(k, 0)", "x.masked_select(x > 0)", "x.masked_scatter(x > 0, -x)", "x.nonzero()", "x[n, :, n]",
        "x[0, :, n]", "x[:, True, n]", "x[x > 0]", "x[[1, 0]]", "x[..., [True, False, True, False]]",
        "x.expand(3, 2, 3, 4)",
        "x.index_put((n,), x[0], accumulate=True)", "x.detach().view(torch.int64)", "x[:, n - 2]",
        "x.clone().index_fill_(0, n, 2.0)",
        "torch.meshgrid(x[0, 0], x[0, 1], indexing='xy')[1]", "(x * 1).T.contiguous()", "x.movedim(0, 2).reshape(-1)",
    ):  # fmt: skip
        found = []
        for library, where in ((engine, device), (torch, "cpu")):
            x = library.tensor(values, device=where, requires_grad=True)
            names = {"torch": library, "x": x, "n": library.tensor([1, 0], device=where)}
            names["k"] = library.tensor(indices, device=where)
            result = eval(line, names)
            assert result.device == x.device
            if result.requires_grad:
                (result * result).sum().backward()
            found.append([result.detach().cpu().numpy()] + ([x.grad.cpu().numpy()] if result.requires_grad else []))
        for ours, theirs in zip(*found, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12, err_msg=line)


def test_indices_out_of_range_raise_on_every_device(device):
    """cupy would wrap them around without a word."""
    x = engine.zeros(2, 3, device=device)
    far, low = engine.tensor([3], device=device), engine.tensor([-1], device=device)
    for mistake, error in (
        (lambda: x[far], IndexError),
        (lambda: x[:, far], IndexError),
        (lambda: x[0, far], IndexError),
        (lambda: x[..., far], IndexError),
        (lambda: x.gather(1, far[None]), RuntimeError),
        (lambda: x.gather(1, low[None]), RuntimeError),
        (lambda: x.scatter(1, far[None], 1.0), RuntimeError),
        (lambda: x.scatter_add(1, far[None], x[:1, :1]), RuntimeError),
        (lambda: x.index_select(1, far), IndexError),
        (lambda: x.index_select(0, low), IndexError),
        (lambda: x.index_add(1, far, x[:, :1]), RuntimeError),
        (lambda: x.take(far + 9), IndexError),
        (lambda: x.__setitem__(far, 1.0), IndexError),
        (lambda: x[engine.tensor([True, False, True], device=device)], IndexError),
    ):
        with pytest.raises(error):
            mistake()


def test_an_index_elsewhere_raises_or_is_brought(strict_cupy):
    """As in torch: between brackets an index may come from the CPU, elsewhere it must be beside the tensor."""
    here, there = engine.tensor([1, 0]), engine.arange(4.0, device="cuda").reshape(2, 2)
    assert there[here].tolist() == [[2.0, 3.0], [0.0, 1.0]]
    for mistake in (
        lambda: there.index_select(0, here),
        lambda: there.take(here),
        lambda: there.gather(0, here[None]),
        lambda: there.masked_select(here > 0),
        lambda: there.index_add(0, here, there),
        lambda: here[engine.tensor([0], device="cuda")],
    ):
        with pytest.raises(RuntimeError, match="device"):
            mistake()


@pytest.mark.parametrize("dtype", ["int64", "int32", "int8", "uint8", "complex64", "float16", "float32"])
def test_adding_at_repeated_places_for_every_type(device, dtype):
    """cupy itself adds only some of them."""
    x = engine.zeros(4, dtype=getattr(engine, dtype), device=device)
    index = engine.tensor([1, 3, 3], device=device)
    source = engine.tensor([2, 3, -1], device=device).to(x.dtype)
    for total in (x.scatter_add(0, index, source), x.index_add(0, index, source)):
        assert total.dtype is x.dtype and total.cpu().to(engine.float64).tolist() == [0, 2, 0, 2]


def test_adding_at_repeated_places_for_every_kind_of_index(device):
    """Every way into the flat addition on the CPU, against numpy's own."""
    generator = np.random.default_rng(0)
    for shape, index in (
        ((5, 3), (np.array([0, 4, 4, -1]),)),
        ((5, 3), (np.array([[0, 4], [4, 4]]), np.array([2, 0]))),
        ((5, 3), (slice(None), np.array([1, 1, 0]))),
        ((4, 5, 3), (Ellipsis, np.array([1, 1, 0]))),
        ((4, 5, 3), (np.array([1, 1]), slice(1, None), np.array([2, 2]))),
        ((4, 5, 3), (np.array([1, 1]), None, np.array([2, 2]))),
        ((4, 5, 3), (2, np.array([1, 1, 0]))),
    ):
        values = generator.standard_normal(np.zeros(shape)[index].shape)
        expected = np.zeros(shape)
        np.add.at(expected, index, values)
        tensor_index = tuple(
            engine.tensor(each, device=device) if isinstance(each, np.ndarray) else each for each in index
        )
        x = engine.zeros(*shape, dtype=engine.float64, device=device).requires_grad_()
        picked = x[tensor_index]
        weights = engine.tensor(values, device=device).reshape(tuple(picked.shape))
        (picked * weights).sum().backward()
        np.testing.assert_allclose(x.grad.cpu().numpy(), expected)


@pytest.mark.parametrize("line", ["a.long()", "a.int() + 1", "(a > 0).long()", "a.bool()", "a.long().double() * a"])
def test_integers_and_bools_need_no_gradient(line):
    check_line(line)


@pytest.mark.parametrize(
    "line",
    ["x[index]", "x[:, index]", "x[mask]", "x.index_select(0, index)", "x.take(index)", "x.masked_select(mask)",
     "(x * 0).index_add(0, index, x[:2])", "(x * 0).index_put((index,), x[:2])", "(x * 0).masked_scatter(mask, x)"],
)  # fmt: skip
def test_an_index_changed_in_place_afterwards_does_not_reach_backward(line):
    """torch refuses to go back then; the engine has kept the index as it was."""
    gradients = []
    for is_changed in (False, True):
        x = engine.arange(9.0).reshape(3, 3).requires_grad_()
        index, mask = engine.tensor([0, 2]), engine.tensor([True, False, True])
        result = eval(line, {"x": x, "index": index, "mask": mask})
        if is_changed:
            index[0] = 1
            mask[...] = engine.tensor([False, True, True])
        (result * result).sum().backward()
        gradients.append(x.grad.tolist())
    assert gradients[0] == gradients[1]
