"""Convolution on the CPU, fast: in memory with the batch last, tile by tile, as matrix products that BLAS likes.

The general way (`convolution`) copies every window of the input, KH · KW times the input, before it multiplies. Here
only the KW horizontal shifts are copied. The memory of a batch is (C, H, W, N), the picture's number innermost, so that
a shift by one place moves whole stretches of N numbers; a tile takes some places (w, n) as its columns:

    the tile of windows, for KW = 3:                     the window of output row h, nothing copied again:

      row 0   shift 0: C rows of columns                   row h     ┐
              shift 1: C rows                              row h + 1 │ KH · KW · C rows: one matrix
              shift 2: C rows                              row h + 2 ┘
      row 1   shift 0: C rows ...                          (row h + 1 begins the window of output row h + 1)

Windows of neighbouring rows overlap in memory, so each row of the output is one product, weight (out, KH · KW · C)
times window (KH · KW · C, columns). A tile stays in the cache from the copies to the last addition; tiles are shared out
among threads (`engine.threads`), in which numpy and BLAS compute at the same time. Results are handed out as ordinary
arrays (N, C, H, W) with such memory, and numpy's elementwise functions keep the order of memory, so it lasts from one
convolution to the next; `TensorBase.settle` ends it before anybody can see it.

The gradient to the input is the same with the kernel turned around; with a step of s between windows it is s · s such
convolutions, one for each place that an element can have within a step. The gradient to the weights multiplies the same
windows with the output's gradient, tile by tile, and adds up.
"""

import functools
import itertools
import math
import threading
from typing import NamedTuple

import numpy as np

from engine import backend, order, threads, unpacked
from engine.unpacked import divisor

TILE = 2**21  # bytes: what a thread does between two looks at Python has to be long, for others wait at each
COLUMNS = 128  # a tile has at least so many where there are as many: narrower products are slow
LONG = 512  # for the gradient to the weights, whose products add up along the columns
APART = 16  # elements between rows of windows: the cache has few places for addresses whose distance is a power of 2
MANY = 128  # rows, for which it costs little to pack the windows, and less than to read them in pieces
WORTH_A_THREAD = 5 * 10**6  # multiplications: handing work over takes about 70 µs


class Axis(NamedTuple):
    """How windows lie along one dimension: the place of the first element (negative within padding), the step from
    window to window, the elements of a window, and the number of windows."""

    first: int
    step: int
    span: int
    places: int


class Part(NamedTuple):
    """A convolution to be computed from a tile of windows: `out` (O, H', W', N) = matrix (O, K) · windows of `rows`."""

    rows: Axis
    matrix: np.ndarray
    out: np.ndarray


def suits(a, weight, how):
    """Whether this way serves: floats of BLAS on the CPU, one or two dimensions, kernels without gaps or groups."""
    return (
        how.groups == 1 and len(how.stride) <= 2 and max(how.dilation) == 1 and backend.is_on_cpu(a)
        and a.dtype in (np.float32, np.float64) and a.dtype == weight.dtype and 0 not in a.shape
        and 0 not in weight.shape)


# ---- memory ---------------------------------------------------------------------------------------------


def batch_last(a):
    """(N, C, *size) as an array (C, H, W, N) whose rows lie in one piece; a view if the memory is in that order."""
    moved = np.ascontiguousarray(a.transpose(*range(1, a.ndim), 0))
    return moved if a.ndim == 4 else moved[:, None]


_PATTERN = np.moveaxis(np.empty((2, 2, 2, 2)), -1, 0)


def empty(shape, dtype):
    """New memory for pictures (N, C, H, W) with the batch last; row-major for others, whose order would be seen."""
    if len(shape) != 4 or shape[0] == 1 or math.prod(shape[1:]) == 1:  # or for which both are one
        return np.empty(shape, dtype)
    return np.empty_like(_PATTERN, dtype, shape=shape)


def empty_as(array, shape):
    """Memory for a result (N, C, H, W): with the batch last where the array's is, else row-major."""
    if order.is_batch_last(array):
        return empty(shape, array.dtype)
    return backend.module_of(array).empty(shape, dtype=array.dtype)


def laid_as(array, like):
    """The array with the batch last if `like`, of its shape, has it so; itself, if its memory is in that order."""
    if not order.is_batch_last(like) or order.is_batch_last(array):
        return array
    laid = np.empty_like(like, dtype=array.dtype)
    laid[...] = array
    return laid


def _as_planes(output):
    """A view (C, H, W, N) of an array that `empty` has made."""
    moved = output.transpose(*range(1, output.ndim), 0)
    return moved if output.ndim == 4 else moved[:, None]


_kept = threading.local()


def _scratch(count, dtype):
    """Memory for that many elements, until this thread's next tile takes it again: what is in the cache already."""
    if getattr(_kept, "memory", None) is None or _kept.memory.nbytes < count * dtype.itemsize:
        _kept.memory = np.empty(count * dtype.itemsize, np.uint8)
    return _kept.memory[: count * dtype.itemsize].view(dtype)


# ---- tiles ----------------------------------------------------------------------------------------------


def _pieces(count, most, even=False):
    """Slices of range(count) of about the same length, at most `most`; an even number of them where asked."""
    number = -(-count // most)
    number = min(number + (even and number % 2), count)
    edges = [count * each // number for each in range(number + 1)]
    return [slice(*each) for each in itertools.pairwise(edges)]


@functools.lru_cache(1024)
def _tiles(rows, columns, batch, bytes_each, least=COLUMNS):
    """(rows, columns, samples) to be handled at once: as many as a tile may hold, so many that two threads have alike."""
    cells = max(TILE // bytes_each, 1)
    together = -(-batch // -(-batch // 256))  # samples
    least = min(-(-least // together), columns)
    is_odd = rows * columns % 2 == 1 and rows * columns * batch * bytes_each > TILE
    height = min(rows if not is_odd else -(-rows // 2), max(cells // (least * together), 4))
    width = max(least, cells // (height * together))
    return list(itertools.product(
        _pieces(rows, height, even=is_odd), _pieces(columns, width, even=True), _pieces(batch, together)))


def _in_halves(tasks, work):
    """The tasks in an order in which the first half is about as much work as the second."""
    tasks = sorted(tasks, key=work, reverse=True)
    return [task for start in (0, 3, 1, 2) for task in tasks[start::4]]


def _windows(source, rows, columns, tile, memory):
    """The windows of a tile as a stack of matrices (rows, span · span · C, columns), views into `memory`.

    source: (C, H, W, N); memory: at least `_room` elements.
    """
    channels, height, width, _ = source.shape
    down, across, samples = tile
    wide, deep = across.stop - across.start, samples.stop - samples.start
    first, count = rows.first + down.start * rows.step, (down.stop - down.start - 1) * rows.step + rows.span
    each, long = columns.span * channels, wide * deep + APART
    flat = memory[: count * each * long].reshape(count * each, long)[:, : wide * deep]
    shifts = flat.reshape(count, columns.span, channels, wide, deep)
    low, high = _between(-first, height - first, count)
    if low or high < count:
        shifts[:low] = shifts[high:] = 0
    source = source[:, first + low : first + high, :, samples].swapaxes(0, 1)
    for number in range(columns.span):
        shift, start = shifts[low:high, number], columns.first + number + across.start * columns.step
        left, right = _between(-(start // columns.step), -((start - width) // columns.step), wide)
        if left or right < wide:
            shift[:, :, :left] = shift[:, :, right:] = 0
        begin = start + left * columns.step
        shift[:, :, left:right] = source[:, :, begin : begin + (right - left) * columns.step : columns.step]
    shape, (down, along) = ((count - rows.span) // rows.step + 1, rows.span * each, wide * deep), flat.strides
    return np.ndarray(shape, flat.dtype, memory, 0, (rows.step * each * down, down, along))


def _cells(tile):
    return math.prod(each.stop - each.start for each in tile)


def _room(source, rows, columns, tile):
    """How many elements the windows of a tile take."""
    down, across, samples = tile
    count = (down.stop - down.start - 1) * rows.step + rows.span
    wide = (across.stop - across.start) * (samples.stop - samples.start)
    return count * columns.span * len(source) * (wide + APART)


def _between(low, high, count):
    """Both brought into range(count + 1), the first not behind the second."""
    low = min(max(low, 0), count)
    return low, min(max(high, low), count)


def _multiply(left, right, out):
    """out = left @ right, stacks of matrices, cut into pieces where packing costs more than to read the windows so."""
    if left.shape[-2] >= MANY:
        np.matmul(left, right, out=out)
    else:
        unpacked.multiply(left, right, out=out)


def _add_products(left, right):
    """The sum of left @ rightᵀ over stacks (n, rows, common) and (n, columns, common), cut in the same way."""
    (number, rows, common), columns = left.shape, right.shape[1]
    height, width, length = divisor(rows, 31), divisor(columns, 64), divisor(common, 512)
    if height * width * length >= unpacked.most() or height < min(rows, 9) or width < min(columns, 9) or length < 100:
        return np.matmul(left, right.swapaxes(1, 2)).sum(0)
    left = left.reshape(number, rows // height, 1, height, common // length, length).swapaxes(3, 4)
    right = right.reshape(number, 1, columns // width, width, common // length, length).transpose(0, 1, 2, 4, 5, 3)
    return np.matmul(left, right).sum((0, 3)).swapaxes(1, 2).reshape(rows, columns)


# ---- the three operations --------------------------------------------------------------------------------


def _correlate(source, jobs, bias):
    """Fill the outputs of all parts; jobs: for each `columns` axis the parts that look at the source through it."""
    work, tasks = 0, []
    for columns, parts in jobs:
        height = max(part.rows.places for part in parts)
        out = parts[0].matrix.shape[0]
        tiles = _tiles(height, columns.places, source.shape[3], (columns.span * len(source) + out) * source.itemsize)
        tasks += [(columns, parts, tile) for tile in tiles]
        work += sum(part.matrix.size * part.out[0].size for part in parts)
    tasks = _in_halves(tasks, lambda task: _cells(task[2]) * sum(part.matrix.size for part in task[1]))

    def compute(tasks):
        for columns, parts, tile in tasks:
            _correlate_tile(source, columns, parts, tile, bias)

    threads.share(compute, tasks, work >= WORTH_A_THREAD)


def _correlate_tile(source, columns, parts, tile, bias):
    down, across, samples = tile
    first = min(part.rows.first for part in parts)
    span = max(part.rows.first + part.rows.span for part in parts) - first
    rows = parts[0].rows._replace(first=first, span=span)
    wide, tall = (across.stop - across.start) * (samples.stop - samples.start), down.stop - down.start
    out = parts[0].matrix.shape[0]
    cells = _room(source, rows, columns, tile)
    memory = _scratch(cells + tall * out * wide, source.dtype)
    windows = _windows(source, rows, columns, tile, memory)
    for part in parts:
        start = (part.rows.first - first) * columns.span * len(source)
        here = part.out[:, down, across, samples].swapaxes(0, 1)
        tall = min(here.shape[0], tall)
        seen = windows[:tall, start : start + part.matrix.shape[1]]
        if here.strides[2:] == (here.shape[3] * here.itemsize, here.itemsize):  # the columns lie in one piece
            _multiply(part.matrix, seen, here.reshape(tall, out, wide))
        else:
            product = memory[cells : cells + tall * out * wide].reshape(tall, out, wide)
            _multiply(part.matrix, seen, product)
            here[...] = product.reshape(here.shape)
        if bias is not None:
            here += bias[:, None, None]


def _axes(size, kernel, how):
    """How the windows of a convolution lie along the rows and the columns; a single dimension is one of columns."""
    axes = [
        Axis(-more, step, each, (large + 2 * more - each) // step + 1)
        for large, each, step, more in zip(size, kernel, how.stride, how.padding)]
    return axes if len(axes) == 2 else [Axis(0, 1, 1, 1), *axes]


def _flat(weight):
    """(O, C, KH, KW) as a matrix (O, KH · KW · C)."""
    return weight.transpose(0, 2, 3, 1).reshape(weight.shape[0], -1)


def _in_two_dims(weight):
    return weight if weight.ndim == 4 else weight[:, :, None]


def convolution(a, weight, bias, how):
    """As convolution's own: (N, C, *size) and (O, C, *kernel) -> (N, O, *places)."""
    rows, columns = _axes(a.shape[2:], weight.shape[2:], how)
    output = empty((a.shape[0], weight.shape[0], *(rows.places, columns.places)[4 - a.ndim :]), a.dtype)
    part = Part(rows, _flat(_in_two_dims(weight)), _as_planes(output))
    _correlate(batch_last(a), [(columns, [part])], bias)
    return output


def _phases(size, kernel, step, more):
    """(which elements of the kernel reach it, the windows over the output's gradient) for each place within a step."""
    for place in range(min(step, size)):
        last = kernel - 1 - (kernel - 1 - place - more) % step
        taken = slice(last, None, -step) if last >= 0 else slice(0, 0)
        first = (place + more - last) // step
        yield place, taken, Axis(first, 1, len(range(kernel)[taken]), -(-(size - place) // step))


def convolution_transposed(output, weight, bias, size, how):
    """As convolution_transposed's own: (N, O, *places) and (O, C, *kernel) -> (N, C, *size)."""
    a = empty((output.shape[0], weight.shape[1], *size), output.dtype)
    planes, weight = _as_planes(a), _in_two_dims(weight).swapaxes(0, 1)
    (row_step, column_step), (row_more, column_more) = [
        each if len(each) == 2 else (default, *each) for each, default in ((how.stride, 1), (how.padding, 0))]
    jobs = []
    for across, these, columns in _phases(planes.shape[2], weight.shape[3], column_step, column_more):
        parts = []
        for down, those, rows in _phases(planes.shape[1], weight.shape[2], row_step, row_more):
            out = planes[:, down::row_step, across::column_step]
            if columns.span and rows.span:
                parts.append(Part(rows, _flat(weight[:, :, those, these]), out))
            else:  # no window reaches this place
                out[...] = 0 if bias is None else bias[:, None, None, None]
        jobs += [(columns, parts)] if parts else []
    _correlate(batch_last(output), jobs, bias)
    return a


def convolution_weight(a, output, kernel, how):
    """As convolution_weight's own: (N, C, *size) and (N, O, *places) -> (O, C, *kernel)."""
    source, g = batch_last(a), batch_last(output)
    out, channels = len(g), len(source)
    rows, columns = [
        axis._replace(places=count)
        for axis, count in zip(_axes(a.shape[2:], kernel, how), g.shape[1:3])]
    each = (columns.span * channels + out) * a.itemsize
    size = rows.span * columns.span * channels

    def compute(tiles):
        total = np.zeros((size, out), a.dtype)
        for tile in tiles:
            down, across, samples = tile
            windows = _windows(source, rows, columns, tile, _scratch(_room(source, rows, columns, tile), a.dtype))
            here = g[:, down, across, samples].swapaxes(0, 1)
            total += _add_products(windows, here.reshape(*here.shape[:2], -1))
        return total

    tiles = _in_halves(_tiles(rows.places, columns.places, a.shape[0], each, least=LONG), _cells)
    total = sum(threads.share(compute, tiles, size * g.size >= WORTH_A_THREAD))
    total = total.reshape(rows.span, columns.span, channels, out).transpose(3, 2, 0, 1)
    return np.ascontiguousarray(total).reshape(out, channels, *kernel)
