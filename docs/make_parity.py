"""Writes docs/parity.md: what was compared with PyTorch on PyTorch's own test inputs, and what differs.

python docs/make_parity.py        (needs `pip install 'chainrule[parity]' ml_dtypes`; takes a minute)
"""

import collections
import pathlib
import sys

ROOT = pathlib.Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "engine")]

import modinfo  # noqa: E402
import opinfo  # noqa: E402
import opinfo_known  # noqa: E402
import strict_cupy  # noqa: E402

INTRODUCTION = """\
# Compared with PyTorch

Made by `python docs/make_parity.py`; do not edit. PyTorch {version} keeps, for each of its operations, arguments that it
tests itself with. Every name that the engine shares with that collection is called here with the same arguments on both
sides, in every way in which both offer it: as a function, as a method, in place, as an operator, and once more on the
stand-in for cupy. Compared are structure, dtype, shape, values (to {float64} in float64, {float32} in float32, relative and
absolute), `requires_grad`, for {with_gradients} the gradients of every input under the same random gradient of
the result, and for wrong arguments the kind of exception. Of each operation's samples at most so many are drawn, spread
evenly: {samples}; and at most {mistakes} wrong calls.

**{names} names, {total_samples} samples, {calls} calls, {gradients} backward passes, {total_mistakes} wrong calls.
{differences} calls differ, for {reasons} known reasons.**
"""


def main():
    if not opinfo.HAS_BFLOAT16:
        sys.exit("not written: it needs ml_dtypes (pip install ml_dtypes), for bfloat16")
    sys.modules.update({"cupy": strict_cupy.as_module(), **strict_cupy.as_cupyx()})
    names = opinfo.public_names()
    reports = [opinfo.compare(name) for name in names if name in opinfo.database()]
    of_modules = [modinfo.compare(name) for name in modinfo.public_names() if name in modinfo.database()]
    left = [each for report in reports for each in opinfo_known.unknown(report)]
    left += [each for report in of_modules for each in modinfo.unknown(report)]
    if left:
        sys.exit("not written: these differences are not in tests/engine/*_known.py or modinfo.py\n" + "\n".join(left))
    without = [name for name in names if name not in opinfo.database() and not is_a_way_of_another(name, reports)]
    parts = [introduction(reports), known_differences(reports), compared(reports), modules(of_modules)]
    page = "\n".join([*parts, the_rest(reports, without)])
    (ROOT / "docs" / "parity.md").write_text(page, encoding="utf-8")


def is_a_way_of_another(name, reports):
    """Whether the name was called under that of its function: `add_` in place, `__add__` and `__iadd__` as operators."""
    ways = {report.name: report.ways for report in reports}
    bare = name.strip("_")
    in_place = name.endswith("_") and not name.startswith("_") and "in place" in ways.get(bare, ())
    operator = name.startswith("__") and "operator" in ways.get(OPERATORS.get(bare, bare), ())
    return in_place or operator or name.startswith("__i") and "operator in place" in ways.get(bare[1:], ())


# Operators that have another name than their function.
OPERATORS = {"truediv": "div", "floordiv": "floor_divide", "mod": "remainder"}


def introduction(reports):
    import torch

    return INTRODUCTION.format(
        version=torch.__version__.split("+")[0],
        float64="1e-8",
        float32=opinfo.TOLERANCE["float32"],
        with_gradients=" and ".join(sorted(opinfo.WITH_GRADIENTS, reverse=True)),
        samples=", ".join(f"{count} in {dtype}" for dtype, count in opinfo.SAMPLES.items()),
        mistakes=opinfo.MISTAKES,
        names=len(reports),
        total_samples=sum(report.samples for report in reports),
        calls=sum(report.calls for report in reports),
        gradients=sum(report.gradients for report in reports),
        total_mistakes=sum(report.mistakes for report in reports),
        differences=sum(len(report.differences) for report in reports),
        reasons=len(opinfo_known.KNOWN),
    )


def known_differences(reports):
    lines = ["## What differs, and why", "", "| names | calls | reason |", "|---|---|---|"]
    for known in opinfo_known.KNOWN:
        calls = sum(known.covers(report.name, each) for report in reports for each in report.differences)
        lines.append(f"| {' '.join(f'`{name}`' for name in known.names.split())} | {calls} | {known.reason} |")
    return "\n".join([*lines, ""])


def compared(reports):
    lines = [
        "## What was compared",
        "",
        "| name | called as | dtypes | samples | gradients | wrong calls |",
        "|---|---|---|---|---|---|",
    ]
    for report in reports:
        ways = ", ".join(sorted(report.ways - {"on the stand-in for cupy"}))
        dtypes = ", ".join(dtype for dtype in opinfo.SAMPLES if dtype in report.dtypes)
        lines.append(
            f"| `{report.name}` | {ways} | {dtypes} | {report.samples} | {report.gradients} | {report.mistakes} |"
        )
    return "\n".join([*lines, ""])


def modules(reports):
    """What tests/engine/modinfo.py compared."""
    but_for = f", but for {len(modinfo.KNOWN)} known differences" if modinfo.KNOWN else ""
    lines = [
        "## Modules",
        "",
        "PyTorch keeps inputs for its modules too. Each is built on both sides and ours is given PyTorch's state;",
        "compared are the text, the keys, shapes and values of the state before and after, the outputs, the gradients of",
        "inputs and parameters, and kinds of error, in training and evaluation mode, and once more on the stand-in for cupy.",
        "",
        f"**All of {len(reports)} modules hold{but_for}.**",
        "",
        "| module | samples | calls | gradients | wrong calls |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{report.name}` | {report.samples} | {report.calls} | {report.gradients} | {report.mistakes} |"
        for report in reports
    ]
    lines += ["", *(f"- {known.names}: {known.reason}" for known in modinfo.KNOWN)]
    return "\n".join([*lines, ""])


def the_rest(reports, without):
    left_out = collections.Counter()
    for report in reports:
        left_out.update(report.left_out)
    lines = ["## What was not compared here", ""]
    lines += [f"- {count} calls: {reason}" for reason, count in sorted(left_out.items())]
    lines += [
        f"- only shapes and dtypes, since the values are random or not defined: {quoted(opinfo.UNDETERMINED)}",
        f"- PyTorch keeps no test inputs for these names: {quoted(without)}",
    ]
    return "\n".join([*lines, ""])


def quoted(names):
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    main()
