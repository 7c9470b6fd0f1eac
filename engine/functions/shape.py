"""torch's functions that move, repeat, cut or join elements. What torch calls a view shares memory here too."""

import warnings

import numpy as np

from engine import backend, dtypes
from engine.autograd.graph import TensorBase, setting
from engine.functions.arguments import ANY, DIMS, INT, INTS, TENSORS, Kind, as_int
from engine.functions.arguments import as_shape, check_dim, check_dims, check_tensor, method, one_or_several
from engine.functions.arguments import quick_method, reads
from engine.ops import shape
from engine.ops.elementwise import clone
from engine.ops.indexing import getitem
from engine.size import Size

__all__ = [
    "broadcast_shapes", "broadcast_tensors", "broadcast_to", "cat", "chunk", "concat", "concatenate", "diag",
    "diag_embed", "diagonal", "dstack", "flatten", "flip", "hstack", "meshgrid", "moveaxis", "movedim", "narrow",
    "permute", "ravel", "repeat_interleave", "reshape", "roll", "select", "split", "squeeze", "stack", "swapaxes",
    "swapdims", "t", "tensor_split", "tile", "transpose", "tril", "triu", "unbind", "unflatten", "unsqueeze", "vstack"]

# ---- another shape ----------------------------------------------------------------------------------


@quick_method
def reshape(input, *sizes, shape=None):
    """The same elements in the given shape, a view where possible; one size may be -1."""
    check_tensor(input, "reshape")
    return _reshape(input, as_shape(sizes, shape))


def _reshape(input, sizes):
    unknown = sizes.count(-1)
    if unknown > 1:
        raise RuntimeError("only one dimension can be inferred")
    if sizes and min(sizes) < -1:
        raise RuntimeError(f"invalid shape dimension {min(sizes)} in shape {list(sizes)}")
    if unknown and not input.numel() and 0 in sizes:
        raise RuntimeError(
            f"cannot reshape tensor of 0 elements into shape {list(sizes)}: the size -1 could be any value")
    return shape.reshape(input, shape=sizes)


@method
def reshape_as(input, other):
    """reshape(other.shape)."""
    return reshape(input, other.shape)


@quick_method
def view(input, *sizes, size=None, dtype=None):
    """reshape that never copies: RuntimeError where the memory's order does not allow a view.

    view(dtype): the same bytes read as another type, without a gradient.
    """
    if len(sizes) == 1 and isinstance(sizes[0], dtypes.dtype):
        sizes, dtype = (), sizes[0]
    if dtype is not None:
        return _view_as_type(input, dtype)
    result = _reshape(input, as_shape(sizes, size))
    if input.numel() and not backend.share_memory(result.array, input.array):
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride. Use .reshape(...) instead.")
    return result


def _view_as_type(input, dtype):
    if input.requires_grad:
        raise RuntimeError("view(dtype) has no gradient; detach() first")
    try:
        return setting.tensor_class(input.settle().array.view(dtypes.check_dtype(dtype).numpy), input.storage)
    except ValueError as error:
        raise RuntimeError(f"view(): a {input.dtype} tensor cannot be read as {dtype}: {error}") from error


@method
def view_as(input, other):
    """view(other.shape)."""
    return view(input, other.shape)


@method
def flatten(input, start_dim=0, end_dim=-1):
    """The dimensions from `start_dim` to `end_dim` (included) made into one."""
    start, end = check_dim(start_dim, input.ndim), check_dim(end_dim, input.ndim)
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    size = int(np.prod(input.shape[start : end + 1]))
    return shape.reshape(input, shape=(*input.shape[:start], size, *input.shape[end + 1 :]))


@method
def ravel(input):
    """As one dimension."""
    return flatten(input)


@method(sizes=INTS)
def unflatten(input, dim, sizes):
    """Dimension `dim` divided into `sizes`, one of which may be -1; a view."""
    dim = check_dim(dim, input.ndim)
    if not sizes:
        raise RuntimeError("unflatten: sizes must be non-empty")
    known = int(np.prod([size for size in sizes if size != -1]))
    if sizes.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    fits = known == input.shape[dim] if -1 not in sizes else known and input.shape[dim] % known == 0
    if not fits:
        raise RuntimeError(
            f"unflatten: sizes {list(sizes)} don't multiply up to the size of dim {dim} ({input.shape[dim]})")
    sizes = tuple(input.shape[dim] // known if size == -1 else size for size in sizes)
    return view(input, (*input.shape[:dim], *sizes, *input.shape[dim + 1 :]))


@method(dim=DIMS)
def squeeze(input, *dims, dim=None):
    """Without the dimensions of size 1 (all, or only those in `dim`); a view."""
    if dims or dim is not None:
        dim = DIMS.read(one_or_several(dims, dim), "squeeze", "dim")
        dims = check_dims(dim, input.ndim) or () if dim != () else ()
    else:
        dims = range(input.ndim)
    kept = tuple(size for d, size in enumerate(input.shape) if not (d in dims and size == 1))
    return shape.reshape(input, shape=kept)


@method
def unsqueeze(input, dim):
    """With a dimension of size 1 inserted at `dim`; a view."""
    dim = check_dim(dim, input.ndim + 1)
    return shape.reshape(input, shape=(*input.shape[:dim], 1, *input.shape[dim:]))


# ---- dimensions in another order --------------------------------------------------------------------


@quick_method
def permute(input, *order, dims=None):
    """The dimensions in the order `dims`; a view."""
    check_tensor(input, "permute")
    dims = as_shape(order, dims)
    order = tuple(check_dim(dim, input.ndim) for dim in dims) if len(dims) == input.ndim else ()
    if sorted(order) != list(range(input.ndim)):
        raise RuntimeError(
            f"permute(dims): dims {list(dims)} must name each of the tensor's {input.ndim} dimensions once")
    return shape.permute(input, dims=order)


@method
def transpose(input, dim0, dim1):
    """Dimensions dim0 and dim1 exchanged; a view."""
    dim0, dim1 = check_dim(dim0, input.ndim), check_dim(dim1, input.ndim)
    if not input.ndim:
        return shape.reshape(input, shape=())
    return shape.transpose(input, dim0=dim0, dim1=dim1)


@method
def swapaxes(input, axis0, axis1):
    """transpose under numpy's name."""
    return transpose(input, axis0, axis1)


@method
def swapdims(input, dim0, dim1):
    """transpose under another name."""
    return transpose(input, dim0, dim1)


@method
def t(input):
    """A matrix transposed; a vector as it is."""
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
    return transpose(input, 0, 1) if input.ndim == 2 else shape.reshape(input, shape=tuple(input.shape))


@method(source=DIMS)
def movedim(input, source, destination):
    """The dimensions `source` (one or several) put where `destination` says, the others in their order; a view."""
    given = [list(each) if isinstance(each, (tuple, list)) else [each] for each in (source, destination)]
    if isinstance(source, int) != isinstance(destination, int):
        raise TypeError("movedim(): 'source' and 'destination' must be two ints or two tuples of ints, not one of each")
    if len(given[0]) != len(given[1]):
        raise RuntimeError(
            f"movedim: source {given[0]} and destination {given[1]} should contain the same number of dims")
    sources, targets = [[check_dim(dim, input.ndim) for dim in dims] for dims in given]
    for name, dims in (("source", sources), ("destination", targets)):
        if len(set(dims)) != len(dims):
            raise RuntimeError(f"movedim: repeated dim in `{name}` ({dims})")
    order = [dim for dim in range(input.ndim) if dim not in sources]
    for target, its_source in sorted(zip(targets, sources)):
        order.insert(target, its_source)
    return shape.permute(input, dims=tuple(order[: input.ndim]))


@method(source=DIMS)
def moveaxis(input, source, destination):
    """movedim under numpy's name."""
    return movedim(input, source, destination)


# ---- stretching and repeating -----------------------------------------------------------------------


@quick_method
def expand(input, *sizes, size=None):
    """Dimensions of size 1 stretched to `sizes` (-1 leaves one as it is), new ones in front; a view."""
    check_tensor(input, "expand")
    sizes = as_shape(sizes, size)
    ahead = len(sizes) - input.ndim
    if ahead < 0:
        raise RuntimeError(
            f"expand({list(sizes)}): there must be at least as many sizes as the tensor's {input.ndim} dimensions")
    full = tuple(input.shape[d - ahead] if size == -1 and d >= ahead else size for d, size in enumerate(sizes))
    for d, size in enumerate(full):
        if size < 0:
            raise RuntimeError(
                f"The expanded size of the tensor ({size}) isn't allowed in a leading, non-existing dimension {d}")
    return shape.expand(input, shape=full)


@method
def expand_as(input, other):
    """expand(other.shape)."""
    return expand(input, other.shape)


@quick_method
def broadcast_to(input, *sizes, size=None):
    """The same as expand(*sizes)."""
    return expand(input, *sizes, size=size)


def broadcast_shapes(*shapes):
    """The shape to which tensors of these shapes broadcast."""
    for each in shapes:
        DIMS.read(each, "broadcast_shapes", "shapes")
    try:
        return Size(np.broadcast_shapes(*shapes))
    except ValueError as error:
        raise RuntimeError(
            f"Shape mismatch: objects cannot be broadcast to a single shape: {', '.join(map(str, shapes))}"
        ) from error


def broadcast_tensors(*tensors):
    """The tensors stretched to their common shape; views."""
    tensors = _several(_one_list(tensors, "broadcast_tensors"), "broadcast_tensors")
    common = broadcast_shapes(*[tuple(each.shape) for each in tensors])
    return tuple(expand(each, common) for each in tensors)


@quick_method
def repeat(input, *sizes, repeats=None):
    """The whole tensor repeated so many times along each dimension; further numbers in front make new dimensions."""
    repeats = as_shape(sizes, repeats)
    ahead = len(repeats) - input.ndim
    if ahead < 0:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    sizes = (1,) * ahead + tuple(input.shape)
    total = [times * size for times, size in zip(repeats, sizes)]
    if any(times < 0 for times in repeats):
        raise RuntimeError(f"Trying to create tensor with negative dimension: {total}")
    apart = shape.reshape(input, shape=tuple(size for each in sizes for size in (1, each)))
    stretched = shape.expand(apart, shape=tuple(size for pair in zip(repeats, sizes) for size in pair))
    return shape.reshape(clone(stretched), shape=tuple(total))  # a copy even where nothing is repeated


@method(dims=INTS)
def tile(input, *sizes, dims=None):
    """repeat, with ones put in front of `dims` where they are fewer than the dimensions."""
    dims = as_shape(sizes, dims)
    return repeat(input, (1,) * (input.ndim - len(dims)) + dims)


@method(repeats=Kind("Tensor or int", TensorBase, int, convert=as_int))
def repeat_interleave(input, repeats=None, dim=None, *, output_size=None):
    """Each slice along `dim` (None: each element of the flattened tensor) `repeats` times in a row.

    repeats: a number, or an integer tensor with a count for each slice; alone, it gives the positions that those
    counts ask for. output_size: the size that `dim` must get; RuntimeError if it is another.
    """
    if repeats is None:
        return _positions(input, output_size)
    if dim is None:
        input, dim = flatten(input), 0
    dim = check_dim(dim, input.ndim)
    size = input.shape[dim] if input.ndim else 1
    if not isinstance(repeats, TensorBase):
        repeats = setting.tensor_class(backend.as_array(np.full(size, repeats), like=input.array))
    elif repeats.numel() == 1:
        repeats = expand(flatten(repeats), size)
    if repeats.ndim != 1 or repeats.shape[0] != size:
        raise RuntimeError(
            f"repeats must have the size {size} of input along dim {dim}, but has the shape {list(repeats.shape)}")
    where = _positions(repeats, output_size).array
    return getitem(input, index=(slice(None),) * dim + (where,))


def _positions(repeats, output_size):
    """0 repeats[0] times, 1 repeats[1] times, and so on."""
    if repeats.ndim != 1 or repeats.dtype not in (dtypes.int64, dtypes.int32):
        raise RuntimeError("repeats has to be a 1-D tensor of type int64 or int32")
    if repeats.numel() and int(repeats.array.min()) < 0:
        raise RuntimeError("Repeats must be non-negative")
    total = int(repeats.array.sum())
    if output_size is not None and output_size != total:
        raise RuntimeError(f"allocated size does not match required size: {output_size}, not {total}")
    places = backend.module_of(repeats.array).arange(total)
    return setting.tensor_class(np.searchsorted(np.cumsum(repeats.array), places, side="right"))


@reads
def meshgrid(*tensors, indexing=None):
    """One tensor for each of the one-dimensional `tensors`, stretched over the grid that they span; views.

    indexing: "ij" (also without it, with a warning): the first tensor runs along dimension 0; "xy": along dimension 1.
    """
    tensors = _several(_one_list(tensors, "meshgrid"), "meshgrid")
    if indexing is None:
        warnings.warn("torch.meshgrid: pass indexing='ij' or indexing='xy'; 'ij' is assumed", stacklevel=2)
    elif indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    for each in tensors:
        if each.ndim > 1:
            raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {each.ndim}D")
        if each.dtype is not tensors[0].dtype:
            raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    swapped = indexing == "xy" and len(tensors) > 1
    if swapped:
        tensors[:2] = tensors[1::-1]
    sizes = tuple(each.numel() for each in tensors)
    grid = []
    for position, each in enumerate(tensors):
        alone = tuple(size if d == position else 1 for d, size in enumerate(sizes))
        grid.append(expand(reshape(each, alone), sizes))
    if swapped:
        grid[:2] = grid[1::-1]
    return tuple(grid)


# ---- cutting: every piece is a view -------------------------------------------------------------------


@method(start=ANY)
def narrow(input, dim, start, length):
    """`length` neighbours along `dim` from `start` on; a view."""
    if not input.ndim:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if isinstance(start, TensorBase) and (start.ndim or start.dtype.category != dtypes.INTEGER):
        raise RuntimeError("start must be an 0-dim integral Tensor.")
    dim, start = check_dim(dim, input.ndim), INT.read(start, "narrow", "start")
    size = input.shape[dim]
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if not -size <= start <= size:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-size}, {size}], but got {start})")
    start = start + size if start < 0 else start
    if start + length > size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return _stretch(input, dim, start, start + length)


def _stretch(input, dim, start, stop):
    return getitem(input, index=(slice(None),) * dim + (slice(start, stop),))


@method(index=INT)
def select(input, dim, index):
    """The slice at `index` along `dim`, without that dimension; a view."""
    if not input.ndim:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim = check_dim(dim, input.ndim)
    if not -input.shape[dim] <= index < input.shape[dim]:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(input.shape)} at dimension {dim}")
    return getitem(input, index=(slice(None),) * dim + (index, Ellipsis))


@method
def unbind(input, dim=0):
    """All slices along `dim`, as a tuple of views."""
    if not input.ndim:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    dim = check_dim(dim, input.ndim)
    return _pieces("Unbind", [select(input, dim, index) for index in range(input.shape[dim])])


@method(split_size_or_sections=DIMS)
def split(tensor, split_size_or_sections=None, dim=0, *, split_size=None):
    """Pieces of `split_size` along `dim` (the last may be smaller), or of the sizes in a list; a tuple of views."""
    if (split_size is None) == (split_size_or_sections is None):
        raise TypeError("split() takes either 'split_size_or_sections' or 'split_size'")
    if split_size_or_sections is None:
        split_size_or_sections = split_size
    if not tensor.ndim:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    dim = check_dim(dim, tensor.ndim)
    size = tensor.shape[dim]
    if several_sizes := isinstance(split_size_or_sections, (tuple, list)):
        sizes = list(split_size_or_sections)
        if sum(sizes) != size or any(each < 0 for each in sizes):
            raise RuntimeError(
                f"split_with_sizes expects sizes that sum to {size}, the size of dimension {dim}, but got {sizes}")
    else:
        sizes = _even_pieces(size, split_size_or_sections)
    stops = [sum(sizes[: place + 1]) for place in range(len(sizes))]
    views = [_stretch(tensor, dim, stop - its_size, stop) for its_size, stop in zip(sizes, stops)]
    return _pieces("SplitWithSizes" if several_sizes else "Split", views)


def _pieces(name, views):
    """Views that one call made; such ones may not be changed in place where that would be recorded."""
    for position, view in enumerate(views):
        if view.view_of is not None:  # but in inference mode
            view.view_of.piece = f"Output {position} of {name}"
    return tuple(views)


def _even_pieces(size, piece):
    """As many pieces as fit, and what is left; one empty piece of nothing."""
    if piece < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={piece}")
    if not piece and size:
        raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {size}")
    return [min(piece, size - start) for start in range(0, size, piece or 1)] or [0]


@method
def chunk(input, chunks, dim=0):
    """At most `chunks` pieces along `dim`, all of one size but for the last; a tuple of views."""
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    size = input.shape[check_dim(dim, input.ndim)] if input.ndim else 0
    return split(input, [0] * chunks if not size else -(-size // chunks), dim)


@method(indices=ANY)
def tensor_split(
        input, indices_or_sections=None, dim=0, *, indices=None, sections=None, tensor_indices_or_sections=None):
    """Exactly so many pieces along `dim`, the first ones larger by one; or pieces cut at the given indices. Views."""
    if not input.ndim:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    given = [each for each in (indices_or_sections, indices, sections, tensor_indices_or_sections) if each is not None]
    if len(given) != 1:
        raise TypeError("tensor_split() takes either 'indices' or 'sections'")
    if isinstance(given[0], TensorBase) and given[0].dtype is not dtypes.int64:
        raise RuntimeError(f"tensor_split expected tensor_indices_or_sections of dtype int64, got {given[0].dtype}")
    cuts = DIMS.read(given[0].tolist() if isinstance(given[0], TensorBase) else given[0], "tensor_split", "indices")
    dim = check_dim(dim, input.ndim)
    size = input.shape[dim]
    if not isinstance(cuts, (tuple, list)):
        if cuts <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {cuts}")
        cuts = [place * (size // cuts) + min(place, size % cuts) for place in range(1, cuts)]
    starts, stops = [0, *cuts], [*cuts, size]
    return tuple(_stretch(input, dim, start, stop) for start, stop in zip(starts, stops))


@method(size=INT)
def unfold(input, dimension, size, step):
    """All stretches of `size` neighbours along `dimension`, `step` apart, along a new last dimension; a view."""
    dim = check_dim(dimension, input.ndim)
    whole = input if input.ndim else shape.reshape(input, shape=(1,))
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if size > whole.shape[dim]:
        raise RuntimeError(f"maximum size for tensor at dimension {dim} is {whole.shape[dim]} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    result = shape.unfold(whole, dim=dim, size=size, step=step)
    return result if input.ndim else select(result, 0, 0)


# ---- diagonals and triangles ------------------------------------------------------------------------


@method(offset=INT)
def diagonal(input, offset=0, dim1=0, dim2=1):
    """The diagonal between two dimensions, `offset` above it (below if negative), as the last dimension; a view."""
    dim1, dim2 = check_dim(dim1, input.ndim), check_dim(dim2, input.ndim)
    if dim1 == dim2:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return shape.diagonal(input, offset=offset, dim1=dim1, dim2=dim2)


@method(offset=INT)
def diag_embed(input, offset=0, dim1=-2, dim2=-1):
    """Zeros with `input`'s last dimension on the diagonal between the result's dimensions dim1 and dim2."""
    ndim = input.ndim + 1
    dim1, dim2 = check_dim(dim1, ndim), check_dim(dim2, ndim)
    if dim1 == dim2:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    sizes = list(input.shape[:-1])
    for dim in sorted((dim1, dim2)):
        sizes.insert(dim, input.shape[-1] + abs(offset))
    return shape.diagonal_put(input, shape=tuple(sizes), offset=offset, dim1=dim1, dim2=dim2)


@method
def diag(input, diagonal=0):
    """The diagonal of a matrix (a copy), or the matrix with a vector on its diagonal."""
    if input.ndim not in (1, 2):
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    if input.ndim == 1:
        return diag_embed(input, diagonal)
    return clone(shape.diagonal(input, offset=diagonal, dim1=0, dim2=1))


@method
def tril(input, diagonal=0):
    """0 above the diagonal (`diagonal` above the main one) of each matrix."""
    return _triangle(shape.tril, input, diagonal)


@method
def triu(input, diagonal=0):
    """0 below the diagonal (`diagonal` above the main one) of each matrix."""
    return _triangle(shape.triu, input, diagonal)


def _triangle(op, input, diagonal):
    if input.ndim < 2:
        raise RuntimeError(f"{op.name}: input tensor must have at least 2 dimensions")
    return op(input, diagonal=diagonal)


# ---- elements in another order ----------------------------------------------------------------------


@method(dims=INTS)
def flip(input, *order, dims=None):
    """The elements in reverse along `dims`; a copy."""
    dims = check_dims(as_shape(order, dims), input.ndim)
    return shape.flip(input, dims=dims) if dims else clone(input)


@method
def roll(input, shifts, dims=None):
    """The elements moved on by `shifts` along `dims` (None: of the flattened tensor), those at the end to the front."""
    shifts = as_shape((shifts,))
    if not shifts:
        raise RuntimeError("`shifts` required")
    if not input.numel():
        return clone(input)
    if dims is None:
        if len(shifts) != 1:
            raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:0")
        return shape.reshape(roll(flatten(input), shifts, 0), shape=tuple(input.shape))
    dims = as_shape((dims,))
    if len(shifts) != len(dims):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}")
    if dims and not input.ndim:
        raise IndexError(f"Dimension specified as {dims[0]} but tensor has no dimensions")
    dims = tuple(check_dim(dim, input.ndim) for dim in dims)
    return shape.roll(input, shifts=shifts, dims=dims) if dims else clone(input)


# ---- joining ----------------------------------------------------------------------------------------


@reads
def cat(tensors, dim=0):
    """The tensors joined along the existing dimension `dim`; one-dimensional tensors of size 0 are passed over."""
    tensors = _several(tensors, "cat", ValueError)
    for position, each in enumerate(tensors):
        if not each.ndim:
            raise RuntimeError(f"zero-dimensional tensor (at position {position}) cannot be concatenated")
    full = [each for each in tensors if tuple(each.shape) != (0,)]
    if full and len(full) < len(tensors) and full[0].ndim == 1:
        full = tensors
    joined = full or tensors
    for each in joined:
        if each.ndim != joined[0].ndim:
            raise RuntimeError(f"Tensors must have same number of dimensions: got {joined[0].ndim} and {each.ndim}")
    result = shape.cat(*joined, dim=check_dim(dim, joined[0].ndim))
    return result if joined is tensors else result.to(dtypes.result_type(*[each.array for each in tensors]))


concat = concatenate = cat


@reads
def stack(tensors, dim=0):
    """The tensors, all of one shape, joined along a new dimension `dim`."""
    tensors = _several(tensors, "stack")
    for position, each in enumerate(tensors):
        if each.shape != tensors[0].shape:
            sizes = f"{list(tensors[0].shape)} at entry 0 and {list(each.shape)} at entry {position}"
            raise RuntimeError(f"stack expects each tensor to be equal size, but got {sizes}")
    dim = check_dim(dim, tensors[0].ndim + 1)
    return shape.cat(*[unsqueeze(each, dim) for each in tensors], dim=dim)


@reads
def hstack(tensors):
    """Joined side by side: along dimension 1, or 0 for vectors."""
    tensors = [_at_least(each, 1) for each in _several(tensors, "hstack")]
    return cat(tensors, 0 if tensors[0].ndim == 1 else 1)


@reads
def vstack(tensors):
    """Joined one below the other: along dimension 0; vectors are rows."""
    return cat([_at_least(each, 2) for each in _several(tensors, "vstack")], 0)


@reads
def dstack(tensors):
    """Joined in depth: along dimension 2; matrices get one."""
    return cat([_at_least(each, 3) for each in _several(tensors, "dstack")], 2)


def _at_least(tensor, ndim):
    """With dimensions of size 1 where some are missing: first in front, the third at the end."""
    while tensor.ndim < ndim:
        tensor = unsqueeze(tensor, 2 if tensor.ndim == 2 else 0)
    return tensor


def _one_list(tensors, function):
    """f(a, b) and f([a, b]) are the same."""
    one = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    return TENSORS.read(one, function, "tensors")


def _several(tensors, function, error=RuntimeError):
    if not tensors:
        raise error(f"{function}(): expected a non-empty list of Tensors")
    return list(tensors)
