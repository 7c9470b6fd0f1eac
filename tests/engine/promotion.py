"""The recipe of promotion.json: what torch makes of every pair of types. Run it where torch 2.13 is installed.

    python tests/engine/promotion.py

Rows and columns are types; a row's operand is a tensor with dimensions or (as its heading says) without, a column's one
with dimensions, without, or a Python number. torch.complex32, which numpy has not, is written as complex64.
"""

import json
from pathlib import Path

PLACE = Path(__file__).with_name("promotion.json")
TYPES = "float16 bfloat16 float32 float64 int8 int16 int32 int64 uint8 bool complex64 complex128".split()
NUMBERS = {"number True": True, "number 1": 1, "number 1.0": 1.0, "number 1j": 1j}


def table(torch, types):
    """{heading: {first: {second: type}}} by this library's own promote_types, result_type and arithmetic."""
    kinds = {name: getattr(torch, name) for name in types}
    wide = {name: torch.ones(1, dtype=kind) for name, kind in kinds.items()}
    single = {name: torch.ones((), dtype=kind) for name, kind in kinds.items()}
    return {
        "promote_types": _rows(torch.promote_types, kinds, kinds),
        "can_cast": _rows(torch.can_cast, kinds, kinds),
        "1-d with 1-d": _rows(torch.result_type, wide, wide),
        "1-d with 0-d": _rows(torch.result_type, wide, single),
        "0-d with 0-d": _rows(torch.result_type, single, single),
        "1-d with a number": _rows(torch.result_type, wide, NUMBERS),
        "0-d with a number": _rows(torch.result_type, single, NUMBERS),
        "1-d + 1-d": _rows(lambda a, b: (a + b).dtype, wide, wide),
        "1-d / 1-d": _rows(lambda a, b: (a / b).dtype, wide, wide),
    }


def _rows(function, firsts, seconds):
    return {first: {second: _name(function(firsts[first], seconds[second])) for second in seconds} for first in firsts}


def _name(answer):
    return answer if isinstance(answer, bool) else str(answer).removeprefix("torch.").replace("complex32", "complex64")


def as_text(found):
    """JSON with a line for each row."""
    parts = []
    for heading, rows in found.items():
        lines = ",\n".join(f"  {json.dumps(first)}: {json.dumps(row)}" for first, row in rows.items())
        parts.append(f"{json.dumps(heading)}: {{\n{lines}\n}}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    import torch

    PLACE.write_text(as_text(table(torch, TYPES)), encoding="utf-8")
