"""The differences from PyTorch that its own test inputs bring to light and that we know, each with its reason.

A difference that is not in this table fails `test_opinfo.py`; so does an entry that no difference needs any more.
"""

import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class Known:
    """Differences of these names whose description (see `opinfo.compare`) matches the regular expression."""

    names: str
    when: str
    reason: str

    def covers(self, name, difference):
        return name in self.names.split() and re.search(self.when, difference) is not None


# Of the samples and mistakes that PyTorch tests itself with (test_opinfo.py).
KNOWN = [
    Known(
        "addbmm",
        "in place.*output with shape",
        "addbmm_ of a tensor smaller than the result is refused, as addmm_ is in both; torch resizes the tensor",
    ),
    Known(
        "addbmm",
        "float16.*values",
        "the products of the batch are rounded to half precision in another order; the last bits differ",
    ),
    Known(
        "argsort sort",
        r"(bool|float16|uint8)\[8000\]\): .*values",
        "the order of equal elements in an unstable sort: always stable here, torch's depends on its algorithm",
    ),
    Known(
        "div",
        "bfloat16.*trunc'.*values",
        "a quotient of bfloat16 numbers is cut before it is rounded to 8 bits; torch rounds first, and cuts 18.0, not 17.98",
    ),
    Known(
        "linalg.svd",
        "full_matrices=True.*result 2: values",
        "the rows of Vh beyond the singular values may be any that complete the basis",
    ),
    Known(
        "nn.functional.batch_norm",
        "expected an input of at least 2 dimensions",
        "an input without channels is refused; torch lets one through that has no elements",
    ),
    Known(
        "nn.functional.binary_cross_entropy_with_logits",
        "bfloat16.*values",
        "computed in float32 and rounded once; torch rounds each of its steps, so that differences cancel more digits",
    ),
    Known(
        "nn.functional.conv_transpose2d",
        "float16.*values",
        "computed in float32 and rounded once; torch rounds each window before it adds them up",
    ),
    Known(
        "nn.functional.embedding",
        "scale_grad_by_freq=True and sparse=True are not supported",
        "gradients are neither sparse nor scaled by how often a row was looked up; NotImplementedError says so",
    ),
    Known(
        "nn.functional.interpolate",
        "got mode 'bicubic'|is not supported for torch.uint8",
        "no bicubic mode, and linear modes of floats alone; NotImplementedError says so",
    ),
    Known(
        "nn.functional.scaled_dot_product_attention",
        r"dropout_p=0\.5",
        "which weights are dropped is drawn at random",
    ),
    Known(
        "scatter",
        "multiply' is supported for a number, not for a tensor",
        "reduce='multiply' with a tensor is not supported and says so; torch has deprecated it and gives it no gradient",
    ),
    Known(
        "topk",
        r"(int\d+|uint8|bool|float16|bfloat16)\[.*result 1: values",
        "which of equal elements come first: here those with the lowest indices, torch's depends on its algorithm",
    ),
]

# Of wrong arguments (test_errors.py).
KNOWN_ERRORS = [
    Known(
        "__getitem__",
        "an array in place",
        "an array of floats names no places; torch cuts its numbers to integers, though it refuses a tensor of floats",
    ),
    Known(
        "__radd__ __rmatmul__ __rmod__ __rmul__ __rpow__ __rsub__",
        "only the engine raises TypeError",
        "called by hand with the wrong number of arguments; torch answers NotImplemented",
    ),
    Known(
        "addbmm baddbmm",
        r"must be a 3D tensor\), torch IndexError",
        "torch looks up the third dimension before it checks whether there is one",
    ),
    Known(
        "broadcast_to permute reshape squeeze tile",
        "a large int in place|a negative int in place|too many arguments",
        "sizes and dims may be given one by one to the functions too; torch takes that from the methods alone",
    ),
    Known(
        "einsum tensordot unflatten unique",
        "the engine raises (TypeError|RuntimeError)",
        "torch's own Python stumbles over what it was given (a truth value, an unpacking); here the argument is named",
    ),
    Known(
        "index_copy index_fill index_put",
        "an empty (tensor|list) in place",
        "of nothing torch finds an internal assertion or the size of its storage wrong; here index or source is named",
    ),
    Known(
        "linalg.vecdot",
        "int as dim.*only the engine raises IndexError",
        "torch does not look at `dim` where both are vectors",
    ),
    Known(
        "nn.functional.adaptive_max_pool1d nn.functional.adaptive_max_pool2d nn.functional.interpolate "
        "nn.functional.max_pool1d nn.functional.max_pool2d",
        "must be bool, not",
        "a flag is a bool here; torch's Python takes whatever has a truth value",
    ),
    Known(
        "nn.functional.batch_norm nn.functional.dropout nn.functional.dropout2d nn.functional.embedding "
        "nn.functional.group_norm nn.functional.hardtanh nn.functional.instance_norm",
        r"raises TypeError.*torch (RuntimeError \(Boolean value of Tensor|ValueError \(The truth value)",
        "torch's own Python stumbles over the truth value of a tensor or an array; here the argument is named",
    ),
    Known(
        "nn.functional.adaptive_avg_pool2d nn.functional.adaptive_max_pool2d nn.functional.unfold",
        "(a dict|tensor of another shape|an empty tensor) in place [1-4].*must be int or tuple of ints",
        "torch takes a dict or a tensor for a tuple, by its length",
    ),
    Known(
        "nn.functional.avg_pool2d nn.functional.bilinear nn.functional.scaled_dot_product_attention "
        "nn.functional.unfold",
        r"torch IndexError \(Dimension out of range",
        "torch looks up a dimension before it checks whether there is one",
    ),
    Known(
        "nn.functional.interpolate nn.functional.normalize",
        "raises TypeError.*must be (int or|float or|float,|str)",
        "what each argument is comes first, in a TypeError; torch compares size with scale_factor or passes p on",
    ),
    Known(
        "nn.functional.interpolate",
        "got mode 'bicubic'",
        "no bicubic mode; NotImplementedError says so, whatever else is wrong",
    ),
    Known(
        "nn.functional.embedding",
        "scale_grad_by_freq=True and sparse=True are not supported",
        "gradients are neither sparse nor scaled by how often a row was looked up; NotImplementedError says so",
    ),
    Known(
        "nn.functional.embedding",
        "numpy's words: TypeError: <lambda>",
        "the words are those of the lambda in PyTorch's test inputs that swaps the arguments",
    ),
    Known(
        "nn.functional.batch_norm",
        "expected an input of at least 2 dimensions",
        "an input without channels is refused; torch lets one through that has no elements",
    ),
    Known(
        "nn.functional.pad",
        "not implemented for 'Bool'",
        "bools can be padded in every mode; torch can in some",
    ),
]


def unknown(report, table=None):
    """The report's differences that no entry explains."""
    table = KNOWN if table is None else table
    return [each for each in report.differences if not any(known.covers(report.name, each) for known in table)]


def unnecessary(report, table=None):
    """The entries for this name that explain none of its differences."""
    return [
        known
        for known in (KNOWN if table is None else table)
        if report.name in known.names.split()
        and not any(known.covers(report.name, each) for each in report.differences)
    ]
