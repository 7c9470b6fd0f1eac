"""The chain rule on one edge as an equation: in names, in real shapes and, where all are single numbers, in numbers.

    ∂loss/∂W = xᵀ @ g        (32, 64)ᵀ @ (32, 10) → (64, 10)        3 × 0.5 = 1.5
"""

import re

import numpy as np

from .rules import rule, summed
from .snapshot import Snapshot

FUNCTIONS = "abs conj cos cosh exp floor inv log sigmoid sign sin sinh solve sqrt tanh trunc".split()
G = re.compile(r"(?<![A-Za-z_])g(?![A-Za-z_])")  # the letter, not in a word


def equation(operation, slot, source, target, fact, names, of, arrived, sent, accumulates):
    """What `Edge` says of the way back from an operation to its input number `slot`, as a dict.

    source, target: the two nodes, as dicts. fact: the operation's Fact. names: {input's number: name}. of: what is
    differentiated. arrived, sent: Snapshots of the gradients at the operation and on the edge, None if unknown.
    """
    op = getattr(operation, "op", None)
    known = {"cast": _cast(source, target)}
    if not hasattr(op, "vjps"):  # a Function of the caller's own: its backward is its rule
        return known
    keywords = {name: str(value) for name, value in fact.keywords.items()}
    label = source["name"] if source["kind"] == "op" else source["label"]
    sent_to = f"∂{of}/∂{label or _own_name(op, slot)} {'+=' if accumulates else '='}"
    yours = getattr(operation.plan, "yours", None)  # see engine.use
    if yours is not None:
        shapes = f"{_shape_text(target['shape'])} → {_shape_text(source['shape'])}"
        return known | {"rule": f"your {yours}", "text": f"{sent_to} your {yours}", "shapes": shapes}
    text = rule(op, slot, _by_input(op, {**names, "out": target.get("name")}, keywords))
    if text is None:
        return known
    stretched = summed(op, source["shape"], target["shape"])
    is_formula = _is_formula(op, slot, keywords)
    known.update(
        rule=text, summed=stretched,
        text=f"{sent_to} {text}",
        shapes=_in_shapes(operation, slot, source, target, fact, keywords, is_formula),
        numbers=_in_numbers(op, slot, fact, keywords, arrived, sent) if is_formula and not stretched else None)
    return known


def as_number(value):
    """The text of a Python number or of an array's only element for a formula, "(−2)"; None for anything else."""
    if isinstance(value, Snapshot):
        value = value.number
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        return None
    text = f"{value:.4g}".replace("-", "−")
    return f"({text})" if text.startswith("−") else text


def _cast(source, target):
    is_cast = source["dtype"] != target["dtype"]
    return (target["dtype"], source["dtype"]) if is_cast else None


def _own_name(op, slot):
    return op.inputs[0].lstrip("*") if op.is_variadic else op.inputs[slot]


def _by_input(op, names, keywords):
    """The names for `rule`: by the op's own names of its inputs in place of their numbers."""
    inputs = {} if op.is_variadic else {name: names.get(slot) for slot, name in enumerate(op.inputs)}
    named = {**keywords, **inputs, "out": names.get("out"), "g": names.get("g")}
    return {name: text for name, text in named.items() if text is not None}


def _is_formula(op, slot, keywords):
    """Whether the rule is a formula of names and functions, not words."""
    words = re.findall(r"[^\W\d_]{2,}", rule(op, slot, keywords).replace("ᵀ", ""))
    return set(words) <= {*FUNCTIONS, *op.inputs, "out"}


def _in_shapes(operation, slot, source, target, fact, keywords, is_formula):
    g, back = _shape_text(target["shape"]), _shape_text(source["shape"])
    op = operation.op
    if not is_formula:
        return f"{g} → {back}"
    shapes = {number: as_number(value) for number, value in fact.constants.items()}
    for number, value in [*fact.constants.items(), *fact.values.items()]:
        if hasattr(value, "shape"):
            shapes[number] = _shape_text(value.shape)
    shapes[slot] = back
    for number, (node, _) in enumerate(operation.next_functions):
        if node is not None:
            shapes[number] = _shape_text(node.shape)
    text = rule(op, slot, _by_input(op, {**shapes, "out": g}, keywords))
    if re.search(r"[^\W\d_]", _without(text, [*FUNCTIONS, "scalar", "g"])):  # of something the shape is not known
        return f"{g} → {back}"
    return f"{G.sub(g, text)} → {back}"


def _in_numbers(op, slot, fact, keywords, arrived, sent):
    numbers = {number: as_number(snapshot) for number, snapshot in fact.values.items()}
    numbers.update((number, as_number(value)) for number, value in fact.constants.items() if number not in numbers)
    g, result, out = as_number(arrived), as_number(sent), as_number(fact.value)
    if g is None or result is None:
        return None
    text = rule(op, slot, _by_input(op, {**numbers, "out": out}, keywords))
    if re.search(r"[^\W\d_]", _without(text, [*FUNCTIONS, "g"])):
        return None
    return f"{G.sub(g, text)} = {result.strip('()')}"


def _without(text, words):
    return re.sub(rf"(?<![A-Za-z_])({'|'.join(words)})(?![A-Za-z_])", "", text).replace("ᵀ", "")


def _shape_text(shape):
    return str(tuple(shape)) if len(shape) else "scalar"
