"""torch.einsum: sums of products written with a letter for each dimension.

The operands are brought together one after the other. A letter that no later operand and not the result has is
summed over, by a matrix product where two operands share it; so everything is composed of shapes, sums and products.
"""

import math
import string

from engine.autograd.graph import TensorBase
from engine.functions.arguments import INT, autocasts
from engine.functions.linear import diagonal_of_first_two, matmul
from engine.functions.shape import expand, permute, reshape
from engine.ops import elementwise

__all__ = ["einsum"]

LETTERS = string.ascii_uppercase + string.ascii_lowercase
ELLIPSIS = "..."


@autocasts
def einsum(*args):
    """einsum("ij,jk->ik", a, b): the sum of products over every letter that is not in the result.

    A letter twice in an operand takes its diagonal. "..." stands for dimensions that broadcast. Without "->" the
    result has "..." and then, in alphabetical order, the letters that occur once. Also takes
    einsum(a, [0, 1], b, [1, 2], [0, 2]) with numbers below 52 (and Ellipsis) in the letters' place.
    RuntimeError: an equation that does not fit the operands; ValueError: no operands.
    """
    inputs, result, operands = _read(args)
    _check_operands(inputs, operands)
    labels = [_labels(letters, operand, position) for position, (letters, operand) in enumerate(zip(inputs, operands))]
    result = _result_labels(inputs, result, labels)
    sizes = _sizes(labels, operands)
    tensor, has = _diagonals(operands[0], labels[0], 0)
    for position in range(1, len(operands)):
        wanted = set(result).union(*labels[position + 1 :])
        other = _diagonals(operands[position], labels[position], position)
        tensor, has = _pair((tensor, has), other, wanted, sizes)
    tensor, has = _sum_out(tensor, has, set(result))
    return _ordered(tensor, has, result)


# ---- reading the equation ----------------------------------------------------------------------------------


def _read(args):
    """(letters of each operand, letters of the result or None, operands), from either way of calling."""
    if len(args) < 2:
        raise ValueError(
            "einsum(): give an equation and at least one operand, or at least one operand and its subscripts list")
    if isinstance(args[0], str):
        equation, *operands = args
        if len(operands) == 1 and isinstance(operands[0], (tuple, list)):
            operands = list(operands[0])
        if not operands:
            raise ValueError("einsum(): must specify at least one operand beside the equation")
        left, arrow, right = equation.partition("->")
        start = len(left) + len(arrow)
        inputs, begin = [], 0
        for part in left.split(","):
            inputs.append(_letters(part, begin, f"operand {len(inputs)}"))
            begin += len(part) + 1
        return inputs, _letters(right, start, "the output") if arrow else None, operands
    operands, lists = list(args[0 : len(args) // 2 * 2 : 2]), list(args[1::2])
    result = _numbered(args[-1]) if len(args) % 2 else None
    return [_numbered(each) for each in lists], result, operands


def _letters(part, begin, where):
    """ "ij..." -> ["i", "j", "..."]; `begin`: where the part starts in the equation."""
    found, position = [], 0
    while position < len(part):
        character = part[position]
        if part.startswith(ELLIPSIS, position):
            if ELLIPSIS in found:
                raise RuntimeError(f"einsum(): found '.' for {where} for which an ellipsis was already found")
            found.append(ELLIPSIS)
            position += 2
        elif character == ".":
            raise RuntimeError(f"einsum(): found '.' for {where} that is not part of any ellipsis")
        elif character in LETTERS:
            found.append(character)
        elif character != " ":
            raise RuntimeError(
                f"einsum(): invalid subscript at index {begin + position} in the equation: must be in [a-zA-Z]")
        position += 1
    return found


def _numbered(numbers):
    """[0, Ellipsis, 1] -> ["A", "...", "B"]."""
    if not isinstance(numbers, (tuple, list)):
        raise TypeError(f"einsum(): a subscripts list must be a list of ints, not {type(numbers).__name__}")
    for number in numbers:
        if number is not Ellipsis and not 0 <= INT.read(number, "einsum", "subscripts") < len(LETTERS):
            raise ValueError("einsum(): subscript in subscript list is not within the valid range [0, 52)")
    return [ELLIPSIS if number is Ellipsis else LETTERS[number] for number in numbers]


def _check_operands(inputs, operands):
    for position, operand in enumerate(operands):
        if not isinstance(operand, TensorBase):
            raise TypeError(f"einsum(): operand {position} must be Tensor, not {type(operand).__name__}")
        if operand.dtype is not operands[0].dtype:
            raise RuntimeError(f"einsum(): expected {operands[0].dtype} as in operand 0, but found {operand.dtype}")
    if len(operands) != len(inputs):
        count = "fewer" if len(operands) < len(inputs) else "more"
        raise RuntimeError(f"einsum(): {count} operands were provided than specified in the equation")


def _labels(letters, operand, position):
    """A label for each dimension: a letter, or minus the place from the right in what the ellipsis stands for."""
    named = len(letters) - (ELLIPSIS in letters)
    if named > operand.ndim or (ELLIPSIS not in letters and named != operand.ndim):
        raise RuntimeError(
            f"einsum(): the number of subscripts in the equation ({named}) "
            + ("is more than" if ELLIPSIS in letters else "does not match")
            + f" the number of dimensions ({operand.ndim}) for operand {position}"
            + ("" if ELLIPSIS in letters else " and no ellipsis was given"))
    labels = []
    for letter in letters:
        labels += range(named - operand.ndim, 0) if letter == ELLIPSIS else [letter]
    return labels


def _result_labels(inputs, result, labels):
    broadcast = range(min([label for each in labels for label in each if isinstance(label, int)], default=0), 0)
    used = [letter for letters in inputs for letter in letters if letter != ELLIPSIS]
    if result is None:
        return [*broadcast, *sorted(letter for letter in used if used.count(letter) == 1)]
    for letter in result:
        if letter == ELLIPSIS:
            continue
        if result.count(letter) > 1:
            raise RuntimeError(f"einsum(): output subscript {letter} appears more than once in the output")
        if letter not in used:
            raise RuntimeError(
                f"einsum(): output subscript {letter} does not appear in the equation for any input operand")
    return [label for letter in result for label in (broadcast if letter == ELLIPSIS else [letter])]


def _sizes(labels, operands):
    """The size of each label; dimensions of size 1 broadcast."""
    sizes = {}
    for position, (each, operand) in enumerate(zip(labels, operands)):
        for label, size in zip(each, operand.shape):
            held = sizes.get(label, 1)
            if 1 not in (held, size) and held != size:
                if each.count(label) > 1:
                    raise RuntimeError(
                        f"einsum(): {label} is repeated in operand {position} but its sizes differ, {size} != {held}")
                raise RuntimeError(
                    f"einsum(): {label} has size {size} in operand {position} and {held} in one before")
            sizes[label] = size if held == 1 else held
    return sizes


# ---- bringing operands together -------------------------------------------------------------------------------


def _diagonals(tensor, labels, position):
    """The tensor with each label once, and its labels."""
    labels = list(labels)
    for label in sorted(set(labels), key=str):
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            if tensor.shape[first] != tensor.shape[second]:
                raise RuntimeError(
                    f"einsum(): subscript {label} is repeated for operand {position} but the sizes don't match, "
                    f"{tensor.shape[second]} != {tensor.shape[first]}")
            rest = [dim for dim in range(tensor.ndim) if dim not in (first, second)]
            tensor = diagonal_of_first_two(permute(tensor, (first, second, *rest)))
            labels = [label, *[labels[dim] for dim in rest]]
    return tensor, labels


def _sum_out(tensor, labels, wanted):
    """Without the labels that nobody wants."""
    dims = [dim for dim, label in enumerate(labels) if label not in wanted]
    return (tensor.sum(dims) if dims else tensor), [label for label in labels if label in wanted]


def _pair(first, second, wanted, sizes):
    """The sum of products of two labelled tensors over the labels that both have and nobody wants any more."""
    a, has_a = _sum_out(*first, wanted | set(second[1]))
    b, has_b = _sum_out(*second, wanted | set(first[1]))
    shared = [label for label in has_a if label in has_b]
    batch, summed = [x for x in shared if x in wanted], [x for x in shared if x not in wanted]
    only_a, only_b = [x for x in has_a if x not in shared], [x for x in has_b if x not in shared]
    a = _stretched(a, has_a, summed, sizes)
    b = _stretched(b, has_b, summed, sizes)
    left = _grouped(a, has_a, batch, only_a, summed)
    right = _grouped(b, has_b, batch, summed, only_b)
    product = matmul(left, right) if summed else elementwise.mul(left, right)
    labels = batch + only_a + only_b
    of_batch = list(product.shape[: len(batch)])
    kept = [a.shape[has_a.index(x)] for x in only_a] + [b.shape[has_b.index(x)] for x in only_b]
    return _shaped(product, of_batch + kept), labels


def _stretched(tensor, labels, summed, sizes):
    """With the dimensions that are summed at their full size."""
    shape = [sizes[label] if label in summed else size for label, size in zip(labels, tensor.shape)]
    return tensor if shape == list(tensor.shape) else expand(tensor, shape)


def _grouped(tensor, labels, batch, rows, columns):
    """The labels in the order batch, rows, columns, with all rows made one dimension and all columns one."""
    sizes = dict(zip(labels, tensor.shape))
    groups = [math.prod(sizes[label] for label in group) for group in (rows, columns)]
    return _shaped(_ordered(tensor, labels, [*batch, *rows, *columns]), [sizes[label] for label in batch] + groups)


def _ordered(tensor, labels, wanted):
    return tensor if labels == wanted else permute(tensor, [labels.index(label) for label in wanted])


def _shaped(tensor, shape):
    return tensor if list(tensor.shape) == shape else reshape(tensor, shape)
