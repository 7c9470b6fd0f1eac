"""The types of results are those of the recorded table, promotion.json, which torch 2.13 made (promotion.py)."""

import importlib.util
import json

import promotion
import pytest

import engine

HAS_BFLOAT16 = importlib.util.find_spec("ml_dtypes") is not None
RECORDED = json.loads(promotion.PLACE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def ours():
    types = [name for name in promotion.TYPES if name != "bfloat16" or HAS_BFLOAT16]
    return promotion.table(engine, types)


@pytest.mark.parametrize("heading", RECORDED)
def test_every_pair_has_the_type_of_the_recorded_table(heading, ours):
    """Without ml_dtypes the rows and columns of bfloat16 are left out: there is no such type then."""
    rows = {
        first: {second: answer for second, answer in row.items() if HAS_BFLOAT16 or second != "bfloat16"}
        for first, row in RECORDED[heading].items()
        if HAS_BFLOAT16 or first != "bfloat16"
    }
    assert ours[heading] == rows


@pytest.mark.slow
def test_the_recorded_table_is_torch_s():
    torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install 'chainrule[parity]'")
    assert promotion.table(torch, promotion.TYPES) == RECORDED


def test_bfloat16_without_its_package_is_a_name_that_says_so(monkeypatch):
    monkeypatch.setattr(engine.dtypes, "loaded_bfloat16", [])
    monkeypatch.setitem(__import__("sys").modules, "ml_dtypes", None)
    with pytest.raises(AttributeError, match="ml_dtypes"):
        engine.bfloat16


def test_a_default_type_of_float64_makes_numbers_double():
    engine.set_default_dtype(engine.float64)
    try:
        assert engine.tensor(1.0).dtype is engine.float64 and engine.tensor(1j).dtype is engine.complex128
        assert (engine.arange(3) / 2).dtype is engine.float64
    finally:
        engine.set_default_dtype(engine.float32)
