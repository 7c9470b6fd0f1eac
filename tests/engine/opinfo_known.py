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
        "abs",
        "in place, complex64",
        "abs_ of a complex tensor writes the sizes, real numbers of the tensor's own type; torch refuses",
    ),
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
        "bernoulli normal",
        "requires_grad False, torch's True",
        "a draw has no history here; torch gives it one whose gradients are all 0",
    ),
    Known(
        "bfloat16",
        "needs the package ml_dtypes",
        "numpy has no bfloat16: without the optional package ml_dtypes the name is missing and says so",
    ),
    Known(
        "linalg.eigvalsh",
        "gradient 0: values",
        "the gradient is of the triangle that is read; torch's is of a symmetric matrix, half in each triangle",
    ),
    Known(
        "linalg.norm",
        "subgradients_at_zero.*gradient 0: values",
        "the gradient of a norm by singular values is NaN where these are equal; torch's depends on the basis found",
    ),
    Known(
        "linalg.svd",
        "full_matrices=True.*result 2: values",
        "the rows of Vh beyond the singular values may be any that complete the basis",
    ),
    Known(
        "logaddexp",
        "not implemented for torch.complex64",
        "neither numpy nor cupy has it for complex numbers; NotImplementedError says so",
    ),
    Known(
        "nn.functional.batch_norm",
        "expected an input of at least 2 dimensions",
        "an input without channels is refused; torch lets one through that has no elements",
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
        "torch has deprecated it and gives it no gradient; NotImplementedError says that it is not supported",
    ),
    Known(
        "topk",
        r"(int\d+|uint8|bool|float16|bfloat16)\[.*result 1: values",
        "which of equal elements come first: here those with the lowest indices, torch's depends on its algorithm",
    ),
]

# Of wrong arguments (test_errors.py).
KNOWN_ERRORS = []


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
