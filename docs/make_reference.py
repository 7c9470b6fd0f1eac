"""Writes docs/reference.md from the engine itself: its public names by section, and the op table.

    python docs/make_reference.py

tests/engine/test_reference.py holds the page current.
"""

import importlib
import inspect
import pathlib
import pkgutil
import re
import sys
import types

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import engine  # noqa: E402
from engine import dtypes  # noqa: E402
from engine.functions.arguments import METHODS  # noqa: E402
from engine.ops import TABLE  # noqa: E402

for each in pkgutil.walk_packages(engine.__path__, "engine."):  # also those that are loaded when first wanted
    importlib.import_module(each.name)

PAGE = ROOT / "docs" / "reference.md"
INTRODUCTION = """\
# Reference

Made by `python docs/make_reference.py` from the code; do not edit. Names, signatures and meanings are PyTorch's;
`docs/parity.md` says what was compared. `ᵐ` marks a function that is a method of Tensor too, `ᵢ` one that also exists in
place, with `_` after its name.
"""

# Modules that are the engine's own rooms; every other one answers to a dotted path of torch's.
ROOMS = (
    "backend creation devices dtypes exchange files functions inplace kernels names ops printing random return_types size tensor viz autograd.graph cuda.memory "
    "linalg.decompositions optim.adaptive optim.line_search safetensors "
    "nn.activation nn.attention nn.containers nn.convolution nn.dropout nn.layer nn.linear nn.loss nn.module "
    "nn.normalization nn.pooling nn.primitives nn.rnn nn.simple nn.transformer nn.vision utils.data.collate "
    "utils.data.dataloader utils.data.dataset utils.data.fetch utils.data.sampler utils.data.worker_info utils.data.workers "
    "vision.download vision.idx vision.pillow vision.datasets.cifar vision.datasets.digits vision.datasets.folder "
    "vision.datasets.mnist vision.datasets.shapes vision.datasets.vision vision.models.lenet vision.models.resnet "
    "vision.transforms.color vision.transforms.conversion vision.transforms.geometry vision.transforms.images "
    "vision.transforms.transforms".split()
)


def page():
    """The page's text."""
    parts = [INTRODUCTION, *function_sections(), tensor_section(), *module_sections(), dtype_section(), table_section()]
    return "\n".join(parts)


# ---- functions --------------------------------------------------------------------------------------


def function_sections():
    """One section for each file that functions of `engine` come from, in the order of import."""
    by_file = {}
    for name, value in vars(engine).items():
        if is_public(name, value) and (not isinstance(value, type) or name == "use"):  # a verb, though it is a class
            by_file.setdefault(value.__module__, []).append((name, value))
    return [
        section(module, members)
        for module, members in sorted(by_file.items(), key=lambda item: _reading_order(item[0]))
    ]


def _reading_order(module):
    order = ["engine.creation", "engine.random", "engine.functions.elementwise", "engine.functions.reduction"]
    order += ["engine.functions.shape", "engine.functions.indexing", "engine.functions.linear"]
    return (order.index(module) if module in order else len(order), module)


def module_sections():
    """One section for each module that answers to a dotted path of torch's, e.g. nn.functional."""
    return [
        section(module.__name__, members, module.__name__.removeprefix("engine.") + ".")
        for module in public_modules(engine)
        if (members := [(name, value) for name, value in vars(module).items() if _belongs(name, value, module)])
    ]


def public_modules(package):
    """The modules below the package at torch's dotted paths, the package itself left out."""
    found = []
    for name, value in sorted(vars(package).items()):
        if isinstance(value, types.ModuleType) and value.__name__ == f"{package.__name__}.{name}":
            path = value.__name__.removeprefix("engine.")
            if not name.startswith("_") and path not in ROOMS and not path.startswith("nn.functional."):
                found += [value, *public_modules(value)]
    return found


def _belongs(name, value, module):
    exported = getattr(module, "__all__", None)
    home = getattr(value, "__module__", None) or ""
    belongs = name in exported if exported else home == module.__name__ or home.startswith(module.__name__ + ".")
    return belongs and is_public(name, value)


def is_public(name, value):
    return callable(value) and not name.startswith("_") and not isinstance(value, types.ModuleType)


def section(module, members, prefix=""):
    """A heading, the file's first line, and a row for each member."""
    title = prefix.rstrip(".") or module.removeprefix("engine.").removeprefix("functions.").capitalize()
    rows = [
        f"| `{prefix}{name}{signature(value)}`{marks(name, value)} | {summary(value)} |"
        for name, value in sorted(members)
    ]
    return "\n".join(
        [f"## {title}", "", cell(first_line(sys.modules[module])), "", "| name | |", "|---|---|", *rows, ""]
    )


def signature(value):
    """(a, dim=None): as Python writes it; a default that only stands for "not given" as …"""
    try:
        return cell(re.sub(r"=<[^>]*>", "=…", str(inspect.signature(value))))
    except (TypeError, ValueError):
        return "(…)"


def marks(name, value):
    methods = "ᵐ" if value in METHODS else ""
    return methods + ("ᵢ" if callable(getattr(engine.Tensor, f"{name}_", None)) and methods else "")


def summary(value):
    return cell(first_line(value))


def first_line(value):
    lines = (inspect.getdoc(value) or "").splitlines()
    return lines[0] if lines else ""


def cell(text):
    return text.replace("|", "\\|")


# ---- Tensor -----------------------------------------------------------------------------------------


def tensor_section():
    """What only a tensor has: the methods and properties that are no functions of `engine`."""
    functions = {function.__name__ for function in METHODS}
    rows, in_place = [], []
    for name, value in sorted(members_of(engine.Tensor).items()):
        if name.startswith("_") or name in functions:
            continue
        if name.endswith("_") and name[:-1] in functions:
            in_place.append(f"`{name}`")
        elif isinstance(value, property):
            rows.append(f"| `.{name}` | {summary(value)} |")
        elif callable(value):
            rows.append(f"| `.{name}{signature(value)}` | {summary(value)} |")
    heading = ["## Tensor", "", cell(first_line(engine.Tensor)), "", "| name | |", "|---|---|", *rows, ""]
    return "\n".join([*heading, f"In place: {', '.join(in_place)}.", ""])


def members_of(kind):
    """The class's own and inherited attributes, without object's."""
    found = {}
    for each in reversed(kind.__mro__[:-1]):
        found.update(vars(each))
    return {name: value for name, value in found.items() if not isinstance(value, types.MemberDescriptorType)}


# ---- dtypes and the table ---------------------------------------------------------------------------


def dtype_section():
    names = {}
    for name, value in vars(engine).items():
        if isinstance(value, dtypes.dtype):
            names.setdefault(value, []).append(name)
    rows = [
        f"| {', '.join(f'`{name}`' for name in sorted(names[each], key=lambda n: n != each.name))} | {each.itemsize} |"
        for each in dtypes.ALL
        if each in names  # not bfloat16, which is there once it was asked for
    ]
    return "\n".join(["## Types of elements", "", "| dtype | bytes |", "|---|---|", *rows, ""])


def table_section():
    """The op table: what an entry is called in pictures, what it takes, which inputs it differentiates, what it saves."""
    rows = []
    for name, op in TABLE.items():
        columns = [f"`{name}`", cell(op.label), " ".join(op.inputs), differentiated(op), saved(op)]
        rows.append(f"| {' | '.join(columns)} | {'view' if op.is_view else ''} |")
    differentiable = sum(bool(op.vjps) for op in TABLE.values())
    return "\n".join(
        [
            "## The op table",
            "",
            f"{len(TABLE)} entries, {differentiable} of them differentiable. What is saved is what the derivatives name.",
            "",
            "| op | label | inputs | derivative of | saved for it | result |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def differentiated(op):
    if not op.vjps:
        return "—"
    if op.is_variadic:
        return "each"
    named = [name for name, vjp in zip(op.inputs, op.vjps) if vjp is not None]
    return "each" if len(named) == len(op.inputs) > 1 else " ".join(named)


def saved(op):
    """The names that its VJPs take besides the gradient, in order of appearance."""
    names = []
    for vjp in op.vjps:
        names += [name for name in list(inspect.signature(vjp).parameters)[1:] if name not in names] if vjp else []
    return " ".join(names) or ("nothing" if op.vjps else "")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
