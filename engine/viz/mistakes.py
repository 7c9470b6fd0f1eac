"""Which operation an exception came from, and what it was given: read from the frames of its traceback."""

from dataclasses import dataclass

from engine.autograd.anomaly_mode import ENGINE
from engine.autograd.graph import TensorBase, record


@dataclass
class Failure:
    """An operation that raised.

    label, op: as of a node. inputs: [(name or None, tensor or number)], in the op's order. place: (file, line number)
    of the caller's code.
    """

    label: str
    op: str | None
    inputs: list
    place: tuple
    error: BaseException


def failed_operation(error, traceback):
    """The `Failure` behind an exception; None where it did not come from a function of the engine that got a tensor.

    The operation is the table's, if one was being recorded; otherwise the function of the engine that was called, which
    refused its arguments.
    """
    steps = []  # (frame, line number)
    while traceback is not None:
        steps.append((traceback.tb_frame, traceback.tb_lineno))
        traceback = traceback.tb_next
    calls = [(number, frame, line) for number, (frame, line) in enumerate(steps) if not _is_ours(frame)]
    if not calls or calls[-1][0] == len(steps) - 1:  # raised by the caller's own code
        return None
    number, frame, line = calls[-1]
    place = frame.f_code.co_filename, line
    inside = [frame for frame, _ in steps[number + 1 :]]
    for frame in inside:
        if frame.f_code is record.__code__:
            op, inputs = frame.f_locals["op"], frame.f_locals["inputs"]
            names = op.inputs
            if op.is_variadic:
                names = [f"{op.inputs[0].lstrip('*')}[{number}]" for number in range(len(inputs))]
            return Failure(op.label, op.name, list(zip(names, inputs)), place, error)
    for frame in inside:
        given = _tensors_given(frame)
        if given:
            return Failure(frame.f_code.co_name, None, given, place, error)
    return None


def _is_ours(frame):
    return frame.f_code.co_filename.startswith(ENGINE)


def _tensors_given(frame):
    """[(argument, tensor)] of a function of the engine; [] for wrappers, which have none by name, and for forward."""
    code = frame.f_code
    if code.co_name in ("forward", "__call__"):
        return []
    arguments = code.co_varnames[: code.co_argcount]
    values = [(name, frame.f_locals.get(name)) for name in arguments]
    return [(name, value) for name, value in values if isinstance(value, TensorBase)]
