"""What the caller calls a tensor: found by identity among variables, modules and lists."""

import sys
from itertools import islice

LONGEST_CONTAINER = 1000  # entries of a list or dict that are looked at; beyond it is data, not parameters


def find_names(wanted, namespaces):
    """{id: name} for those ids in `wanted` (of tensors, and of the nodes that computed tensors) that have a name.

    namespaces: mappings {name: anything}; an earlier one wins, and in one mapping the plain variable
    wins over `model.weight` and `weights[0]`. Names with a leading underscore are nobody's choice
    (IPython's `_`, `_12`) and are passed over.
    """
    names = {}
    for namespace in namespaces:
        for name, value in entries(namespace):
            if id(value) in wanted:
                names.setdefault(id(value), name)
            elif is_tensor(value) and id(value.grad_fn) in wanted:
                names.setdefault(id(value.grad_fn), name)
    return names


def names_of_arrays(wanted, namespaces):
    """{id: name} of the arrays in `wanted` (ids) that a variable's tensor holds."""
    names = {}
    for namespace in namespaces:
        for name, value in entries(namespace):
            if is_tensor(value) and id(getattr(value, "array", None)) in wanted:
                names.setdefault(id(value.array), name)
    return names


def tensors_in(namespaces):
    """The tensors that variables hold."""
    return [value for namespace in namespaces for _, value in entries(namespace) if is_tensor(value)]


def is_tensor(value):
    return hasattr(type(value), "grad_fn") or "grad_fn" in getattr(value, "__dict__", ())


def notebook_shell():
    """IPython's shell, whose variables are the notebook's; None where there is no IPython."""
    return sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None


def module_names(namespaces):
    """{id of a module: name} of the modules that variables hold."""
    found = {}
    for namespace in namespaces:
        for name, value in list(namespace.items()):
            if not name.startswith("_") and callable(getattr(type(value), "named_modules", None)):
                found.setdefault(id(value), name)
    return found


def entries(namespace):
    """(name, value) of the variables first, then of what they hold one level down."""
    variables = [(name, value) for name, value in list(namespace.items()) if not name.startswith("_")]
    yield from variables
    for name, value in variables:
        if callable(getattr(type(value), "named_parameters", None)):
            for inner, parameter in value.named_parameters():
                yield f"{name}.{inner}", parameter
        elif isinstance(value, (list, tuple)):
            for index, item in enumerate(islice(value, LONGEST_CONTAINER)):
                yield f"{name}[{index}]", item
        elif isinstance(value, dict):
            for key, item in islice(list(value.items()), LONGEST_CONTAINER):
                if isinstance(key, (str, int)):
                    yield f"{name}[{key!r}]", item
