"""Names and signatures are PyTorch's: what is public here is public there, with the same arguments and methods.

PyTorch's compiled functions have no signature to inspect; the type stubs that come with torch list every overload.
"""

import ast
import functools
import inspect
import pathlib

import opinfo
import pytest

import engine

pytestmark = pytest.mark.slow

torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install 'chainrule[parity]'")

# Keywords that every engine function may leave out: they choose memory, layouts, named dimensions, or write into `out`.
# Passing one raises TypeError, as any unknown keyword does (test_errors.py).
NOT_OFFERED = {"out", "layout", "pin_memory", "memory_format", "names", "dimname"}

# Public here and not in torch, with the reason.
OUR_OWN = {
    "viz": "pictures of computation graphs",
    "use": "runs the engine on parts of the learner's own",
    "used": "which parts those are",
    "autograd.unbroadcast": "chapter 3 builds it, and compares with this one",
}

GPU_ALONE = "the product of halves in another type is there on GPUs alone; PyTorch refuses it on the CPU"
STUB_ERRS = "the stub errs: PyTorch itself refuses these arguments"
ANY_OPERAND = "taken by position; PyTorch gives the two operands other names where they are numbers"
COMPILER_S = "a mark that PyTorch's compiler sets on the broadcasts that it inserts"

# Overloads that are not taken, as "name(parameters)", with the reason.
OVERLOADS_NOT_TAKEN = {
    "addmm(input, mat1, mat2, out_dtype, *, beta=1, alpha=1, out=None)": GPU_ALONE,
    "baddbmm(input, batch1, batch2, out_dtype, *, beta=1, alpha=1, out=None)": GPU_ALONE,
    "bmm(input, mat2, out_dtype, *, out=None)": GPU_ALONE,
    "mm(input, mat2, out_dtype, *, out=None)": GPU_ALONE,
    "result_type(scalar, tensor)": ANY_OPERAND,
    "result_type(scalar1, scalar2)": ANY_OPERAND,
    "tensor(data, dtype=None, device=None, requires_grad=False, pin_memory=False)": STUB_ERRS,
    "where(condition, self, other)": STUB_ERRS,
    "Tensor.expand(self, size, *, implicit=False)": COMPILER_S,
    "Tensor.expand(self, *size, implicit=False)": COMPILER_S,
    "Tensor.requires_grad_(self, mode=True)": STUB_ERRS,
    "Tensor.to(self, other, non_blocking=False, copy=False, *, memory_format=None)": STUB_ERRS + " by keyword",
}

BOTH_FORMS = "None means True; it tells `unbiased` left out from `unbiased` given beside `correction`, which raises"

# Parameters with a default other than torch's, with the reason.
OTHER_DEFAULTS = dict.fromkeys(
    ("std(unbiased)", "std_mean(unbiased)", "var(unbiased)", "var_mean(unbiased)"), BOTH_FORMS
)


@functools.cache
def overloads(kind):
    """name -> the overloads in torch's stubs, as ast.arguments. kind: "functions" or "methods"."""
    folder = pathlib.Path(torch.__file__).parent / "_C"
    tree = ast.parse(
        (folder / ("_VariableFunctions.pyi" if kind == "functions" else "__init__.pyi")).read_text("utf-8")
    )
    body = tree.body if kind == "functions" else next(_class(tree, name) for name in ("TensorBase",)).body
    found = {}
    for node in body:
        if isinstance(node, ast.FunctionDef):
            found.setdefault(node.name, []).append(node.args)
    return found


def _class(tree, name):
    return next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)


def parameters(arguments):
    """(positional names, the name after a star or None, keyword-only names), less the keywords that are not offered."""
    positional = [each.arg for each in (*arguments.posonlyargs, *arguments.args)]
    keywords = [each.arg for each in arguments.kwonlyargs]
    return (
        [name for name in positional if name not in NOT_OFFERED],
        arguments.vararg and arguments.vararg.arg,
        [name for name in keywords if name not in NOT_OFFERED],
    )


def is_old(arguments):
    """Overloads deprecated for years, with a number before a tensor (`add(self, alpha, other)`, `addmm(beta, self,
    ...)`); named dimensions."""
    names = [each.arg for each in (*arguments.posonlyargs, *arguments.args)]
    annotations = ast.dump(arguments)
    number_first = names[:1] == ["self"] and len(names) > 1 or names[:2] == ["beta", "self"]
    return number_first or "ellipsis" in annotations or "DimnameOrEllipsis" in annotations


def refusal(function, arguments, own=()):
    """Why the function cannot be called as this overload is, by position or by keyword; None if it can."""
    positional, star, keywords = parameters(arguments)
    signature = inspect.signature(function)
    for given, named in ((positional, keywords), ([] if star else positional[:1], [*positional[1:], *keywords])):
        values = [*own, *(object() for _ in given)]
        try:
            signature.bind(*values, *([1, 1] if star else []), **dict.fromkeys(named))
        except TypeError as error:
            return str(error)
    return None


def written(arguments):
    """The overload without types, e.g. "input, other, *, alpha=1"."""
    for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg):
        if each is not None:
            each.annotation = None
    return ast.unparse(arguments)


def check(refused, kind):
    """Nothing refused but what the table names, and nothing in the table that is not refused."""
    listed = {call for call in OVERLOADS_NOT_TAKEN if call.startswith("Tensor.") == (kind == "methods")}
    surprising = [f"{call}: {why}" for call, why in refused.items() if call not in listed]
    assert not surprising, "\n" + "\n".join(surprising)
    assert listed <= set(refused), f"these are taken now: {listed - set(refused)}"


def test_every_public_name_is_torch_s():
    """A name that torch has not would teach something that works nowhere else."""
    foreign = [
        name
        for name in opinfo.public_names()
        if not opinfo.find(torch, name) and not hasattr(torch.Tensor, name) and name not in OUR_OWN
    ]
    assert foreign == []


def test_every_overload_can_be_called():
    """By position and by keyword, with torch's names of the parameters in torch's order."""
    refused = {}
    for name, kinds in overloads("functions").items():
        function = getattr(engine, name, None)
        if function is None or isinstance(function, type) or not callable(function) or name.startswith("_"):
            continue
        for arguments in kinds:
            if is_old(arguments):
                continue
            why = refusal(function, arguments)
            if why:
                refused[f"{name}({written(arguments)})"] = why
    check(refused, "functions")


def test_every_overload_of_a_method_can_be_called():
    refused = {}
    for name, kinds in overloads("methods").items():
        method = getattr(engine.Tensor, name, None)
        if not callable(method) or name.startswith("__"):
            continue
        for arguments in kinds:
            why = refusal(method, arguments)
            if why:
                refused[f"Tensor.{name}({written(arguments)})"] = why
    check(refused, "methods")


def test_a_function_s_methods_exist_where_torch_has_them():
    """For `add`: Tensor.add and Tensor.add_."""
    absent = [
        method
        for name in opinfo.public_names()
        if "." not in name and callable(getattr(engine, name, None))
        for method in (name, name + "_")
        if hasattr(torch.Tensor, method) and not hasattr(engine.Tensor, method)
    ]
    assert sorted(absent) == []


def test_defaults_are_torch_s():
    """Where an overload gives a plain default for a parameter that ours has too."""
    different = {}
    for name, kinds in overloads("functions").items():
        function = getattr(engine, name, None)
        if not inspect.isfunction(function):
            continue
        ours = inspect.signature(function).parameters
        theirs = {}
        for arguments in kinds:
            pairs = [
                *zip(reversed([*arguments.posonlyargs, *arguments.args]), reversed(arguments.defaults)),
                *zip(arguments.kwonlyargs, arguments.kw_defaults),
            ]
            for parameter, default in pairs:
                if isinstance(default, ast.Constant) and default.value is not Ellipsis:
                    theirs.setdefault(parameter.arg, set()).add(default.value)
        for parameter, defaults in theirs.items():
            if parameter in ours and ours[parameter].default is not inspect.Parameter.empty:
                if ours[parameter].default not in defaults:
                    different[f"{name}({parameter})"] = (ours[parameter].default, defaults)
    assert {name: pair for name, pair in different.items() if name not in OTHER_DEFAULTS} == {}
    assert set(OTHER_DEFAULTS) <= set(different), "these are torch's now"
