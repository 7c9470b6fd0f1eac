"""PyTorch's own test inputs give the same answers here: values, types, gradients, kinds of error, on both backends."""

import pathlib

import opinfo
import opinfo_known
import pytest

pytestmark = pytest.mark.slow
PAGE = pathlib.Path(__file__).parents[2] / "docs" / "parity.md"


@pytest.fixture(scope="module")
def database():
    """PyTorch's database, loaded when a test of this file is really run."""
    pytest.importorskip("torch", reason="torch is the oracle here: pip install 'chainrule[parity]'")
    pytest.importorskip("expecttest", reason="PyTorch's test inputs need it: pip install 'chainrule[parity]'")
    return opinfo.database()


@pytest.mark.parametrize("name", opinfo.public_names())
def test_the_answers_agree(name, database, strict_cupy):
    """Every sample of this name, in every way to call it; but for the differences in opinfo_known.py."""
    if name not in database:
        pytest.skip("PyTorch keeps no test inputs for these names; docs/parity.md lists them")
    if name == "bfloat16" and not opinfo.HAS_BFLOAT16:
        pytest.skip("numpy has no bfloat16 without the package ml_dtypes: pip install ml_dtypes")
    report = opinfo.compare(name)
    assert report.calls
    left = opinfo_known.unknown(report)
    assert not left, f"{len(left)} of {report.calls} calls differ from torch:\n" + "\n".join(left[:20])
    idle = [known for known in opinfo_known.unnecessary(report) if opinfo.HAS_BFLOAT16 or "bfloat16" not in known.when]
    assert not idle, f"no difference needs these entries of opinfo_known.py any more: {idle}"


def test_bfloat16_is_among_the_types(database, strict_cupy):
    """Left out where ml_dtypes is missing: this test is skipped then, and says so."""
    pytest.importorskip("ml_dtypes", reason="numpy has no bfloat16 without it: pip install ml_dtypes")
    assert "bfloat16" in opinfo.compare("add").dtypes


def test_every_known_difference_is_of_a_name_that_exists():
    """Otherwise nothing would ever tell that an entry has become unnecessary."""
    listed = {name for known in opinfo_known.KNOWN for name in known.names.split()}
    assert listed <= set(opinfo.public_names())


def test_the_page_lists_what_is_compared(database):
    """docs/parity.md is made by docs/make_parity.py; its names and reasons must be today's."""
    page = PAGE.read_text("utf-8")
    compared = [name for name in opinfo.public_names() if name in database]
    absent = [name for name in compared if f"| `{name}` |" not in page]
    assert not absent, f"docs/parity.md is out of date (run python docs/make_parity.py): {absent}"
    assert all(known.reason in page for known in opinfo_known.KNOWN)


class Wrong:
    """A sample as PyTorch's database hands it out, for the tests of the comparison itself."""

    def __init__(self, input, *args, **kwargs):
        self.input, self.args, self.kwargs = input, args, kwargs


@pytest.mark.parametrize(
    "ours, what",
    [
        (lambda a: a * 1.001, "values"),
        (lambda a: a.float(), "dtype"),
        (lambda a: a[None], "shape"),
        (lambda a: a.detach(), "requires_grad"),
        (lambda a: a.detach() + a * 0, "gradient"),
        (lambda a: (a, a), "2 values"),
        (lambda a: a.reshape(99), "only the engine raises RuntimeError"),
        (lambda a: a.detach().fill_(7) * 0 + a.clone(), "values|argument was changed"),
    ],
)
def test_the_comparison_sees_what_is_wrong(ours, what, database):
    """Each kind of difference is noticed when the engine's side is spoilt."""
    import re

    import torch

    leaf = torch.arange(1.0, 4, dtype=torch.float64).requires_grad_()
    way = opinfo.Way("function", ours, lambda a: a * 1)
    found = opinfo.difference(way, "clone", Wrong(leaf), True, opinfo.Report("clone"))
    assert found and re.search(what, found), found
    way = opinfo.Way("function", lambda a: a * 1, lambda a: a * 1)
    assert opinfo.difference(way, "clone", Wrong(leaf), True, opinfo.Report("clone")) is None
