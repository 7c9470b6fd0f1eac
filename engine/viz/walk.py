"""Walking a graph back from its outputs, and what can be read there without having watched it being made.

Read of a node: `name()`, `next_functions`, `variable` of a leaf's AccumulateGrad and, of the engine's own, what it
saved for backward. A "source" is what an operation's input comes from: another operation's node, or a leaf's tensor.
"""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from .snapshot import Snapshot


@dataclass
class Fact:
    """What is known of one recorded operation beside what its node tells; None where it is not known.

    value: Snapshot of the result. constants: {input's number: a tensor without gradient, an array, or a number}.
    values: {input's number: Snapshot}. keywords: {name: value}, those its derivatives use. place: (file, line number).
    calls: the module calls it happened in, outermost first. seconds: of the forward computation. changed: what was
    changed in place since, "value" or "saved".
    """

    value: Snapshot | None = None
    constants: dict = field(default_factory=dict)
    values: dict = field(default_factory=dict)
    keywords: dict = field(default_factory=dict)
    place: tuple | None = None
    calls: tuple = ()
    seconds: float | None = None
    saved_bytes: int | None = None
    changed: str | None = None


def inputs_of(operation):
    """(slot, source) of each input that has a gradient."""
    for slot, (node, _) in enumerate(operation.next_functions):
        if node is not None:
            yield slot, node.variable if node.name() == "AccumulateGrad" else node


def is_operation(source):
    return hasattr(source, "next_functions")


def forward_order(roots):
    """All operations behind the nodes `roots`, each after all that it uses."""
    uses = {}  # id -> how often it is used by others
    found = {id(root): root for root in roots}
    waiting = list(found.values())
    for operation in waiting:  # the list grows while it is walked
        for _, source in inputs_of(operation):
            if is_operation(source):
                uses[id(source)] = uses.get(id(source), 0) + 1
                if id(source) not in found:
                    found[id(source)] = source
                    waiting.append(source)
    ends = {id(root): root for root in roots if id(root) not in uses}
    backwards, ready = [], deque(ends.values())
    while ready:
        operation = ready.popleft()
        backwards.append(operation)
        for _, source in reversed(list(inputs_of(operation))):
            if is_operation(source):
                uses[id(source)] -= 1
                if not uses[id(source)]:
                    ready.append(source)
    return backwards[::-1]


def facts_from_saved(operations, tensors, with_values=True):
    """{id of a node: Fact} from what operations saved for backward and from `tensors` that somebody still holds.

    with_values: copy what is saved; False for a picture that shows no numbers.
    """
    copied = Snapshot if with_values else lambda array: None
    facts = {id(operation): Fact() for operation in operations}
    for tensor in tensors:
        fact = facts.get(id(tensor.grad_fn))
        if fact is not None and fact.value is None and hasattr(tensor, "array"):
            fact.value = copied(tensor.array)
    for operation in operations:
        _read_saved(operation, facts, copied)
    return facts


def _read_saved(operation, facts, copied):
    """Put what one operation saved where it belongs: its own result, the results it used, what has no gradient."""
    fact = facts[id(operation)]
    note_saved(operation, fact)
    saved, plan = getattr(operation, "saved", None), getattr(operation, "plan", None)
    if type(saved) is not tuple or plan is None:
        return
    if has_changed(operation):
        fact.changed = "saved"
        return
    for (kind, which), value in zip(plan.sources, saved):
        if kind == "result" and fact.value is None:
            fact.value = copied(value)
        elif kind == "input":
            _read_input(operation, which, value, facts, copied)


def _read_input(operation, slot, value, facts, copied):
    fact, node = facts[id(operation)], operation.next_functions[slot][0]
    if node is None:
        fact.constants[slot] = value
    if not hasattr(value, "strides"):
        return
    copy = copied(value)
    if copy is None:
        return
    fact.values[slot] = copy
    made_by = facts.get(id(node))
    if made_by is not None and made_by.value is None and node.shape == value.shape and node.numpy_dtype == value.dtype:
        made_by.value = copy


def note_saved(operation, fact):
    """What a node's saved values tell of it: how many bytes they are, and its keywords."""
    saved, plan = getattr(operation, "saved", None), getattr(operation, "plan", None)
    if type(saved) is not tuple:  # freed, or kept elsewhere by somebody's hooks
        return
    arrays = {id(each): each for each in saved if hasattr(each, "strides") and not isinstance(each, np.generic)}
    fact.saved_bytes = sum(each.size * each.dtype.itemsize for each in arrays.values())
    if plan is not None:  # it is an entry of the table, not a Function of the caller's own
        fact.keywords = {which: value for (kind, which), value in zip(plan.sources, saved) if kind == "metadata"}


def has_changed(operation):
    """Whether something that the operation saved was changed in place since."""
    pairs = iter(operation.versions)
    return any(storage.version != version for storage, version in zip(pairs, pairs))
