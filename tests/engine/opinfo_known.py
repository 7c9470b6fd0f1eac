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
