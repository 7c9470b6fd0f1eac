"""How a tensor prints: as torch prints it."""

import math
from dataclasses import dataclass

import numpy as np

from engine import backend, dtypes
from engine.functions.arguments import reads

__all__ = ["set_printoptions"]


@dataclass
class Options:
    """What `set_printoptions` sets."""

    precision: int = 4  # digits after the point
    threshold: float = 1000  # with more elements than this, only the ends of each dimension are shown
    edgeitems: int = 3  # so many at either end
    linewidth: int = 80
    sci_mode: bool | None = None  # numbers with an exponent; None: where they differ too much without


options = Options()

PROFILES = {"default": Options(), "short": Options(precision=2, edgeitems=2), "full": Options(threshold=math.inf)}


@reads
def set_printoptions(precision=None, threshold=None, edgeitems=None, linewidth=None, profile=None, sci_mode=None):
    """Change how tensors print; what is None stays (but sci_mode, which None sets back to automatic).

    precision: digits after the point (4). threshold: more elements than this are summarised (1000). edgeitems: how many
    are then shown at either end of a dimension (3). linewidth: characters a line (80). profile: "default", "short" or
    "full", before the others. sci_mode: exponents always (True), never (False) or where needed (None).
    """
    if profile is not None and profile not in PROFILES:
        raise ValueError(f"set_printoptions(): profile must be one of {', '.join(PROFILES)}, got {profile!r}")
    chosen = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    for name, value in chosen.items():
        if value is None and profile is not None:
            value = getattr(PROFILES[profile], name)
        if value is not None:
            setattr(options, name, value)
    options.sci_mode = sci_mode


def tensor_text(tensor):
    """e.g. tensor([[1., 2.]], requires_grad=True)"""
    name = type(tensor).__name__
    prefix = "tensor(" if name in ("Tensor", "Parameter", "Buffer") else f"{name}("
    text = prefix + ("[]" if tensor.numel() == 0 else _elements(tensor.array, len(prefix)))
    last_line = len(text) - text.rfind("\n") + 1
    for fact in _facts(tensor):
        if last_line + len(fact) + 2 > options.linewidth:
            text += ",\n" + " " * len(prefix) + fact
            last_line = len(prefix) + len(fact)
        else:
            text += ", " + fact
            last_line += len(fact) + 2
    return text + ")"


def _facts(tensor):
    """What stands after the elements."""
    facts = []
    default = dtypes.get_default_dtype()
    understood = (default,)  # types that need no mention
    if tensor.is_cuda:
        facts.append(f"device='{tensor.device}'")
    if tensor.numel() == 0 and tensor.ndim != 1 or tensor.numel() and not options.edgeitems:
        facts.append(f"size={tuple(tensor.shape)}")
    if tensor.numel():
        complex_default = dtypes.complex128 if default is dtypes.float64 else dtypes.complex64
        understood = (default, complex_default, dtypes.int64, dtypes.bool)
    if tensor.dtype not in understood:
        facts.append(f"dtype={tensor.dtype}")
    if tensor.requires_grad:
        facts.append(_origin(tensor))
    return facts


def _origin(tensor):
    try:
        return "requires_grad=True" if tensor.grad_fn is None else f"grad_fn={tensor.grad_fn!r}"
    except RuntimeError:  # a view whose history was lost; reading it tells more
        return "grad_fn=<Invalid>"


# ---- the elements -----------------------------------------------------------------------------------


def _elements(array, indent):
    shown, is_cut = _summary(array)
    shown = backend.to_numpy(shown)
    if shown.dtype.kind == "V":  # bfloat16
        shown = shown.astype(np.float32)
    flat = shown.ravel()
    texts, width = _complex_texts(flat) if flat.dtype.kind == "c" else _texts(flat)
    nested = np.array(texts, dtype=object).reshape(shown.shape).tolist()
    return _bracketed(nested, is_cut, indent, max(1, (options.linewidth - indent - shown.ndim + 1) // (width + 2)))


def _summary(array):
    """The part of the array that is printed, and for each dimension whether its middle was left out."""
    edge = options.edgeitems
    is_cut = [array.size > options.threshold and size > 2 * edge for size in array.shape]
    for axis, cut in enumerate(is_cut):
        if cut:
            before = (slice(None),) * axis
            size = array.shape[axis]
            array = np.concatenate(
                [array[(*before, slice(0, edge))], array[(*before, slice(size - edge, size))]], axis=axis)
    return array, is_cut


def _texts(flat):
    """Each element as text, and the width of the widest; among floats 0, nan and inf do not count for that."""
    measured, spell = flat, str
    if flat.dtype.kind == "f":
        measured = flat[np.isfinite(flat) & (flat != 0)]
        spell = _float_spelling(measured)
    width = max((len(spell(value)) for value in measured.tolist()), default=1)
    return [spell(value).rjust(width) for value in flat.tolist()], width


def _float_spelling(measured):
    """One way for all: whole numbers as "1.", very large or small ones with an exponent, else four digits."""
    sizes = np.abs(measured.astype(np.float64))
    with_exponent = options.sci_mode
    if with_exponent is None or not sizes.size:
        with_exponent = sizes.size and (sizes.max() / sizes.min() > 1000 or sizes.max() > 1e8 or sizes.min() < 1e-4)
    if with_exponent:
        return f"{{:.{options.precision}e}}".format
    if (sizes == np.ceil(sizes)).all():
        return lambda value: f"{value:.0f}." if math.isfinite(value) else f"{value}"
    return f"{{:.{options.precision}f}}".format


def _complex_texts(flat):
    """Real and imaginary parts, each with a spelling and a width of its own."""
    reals, real_width = _texts(flat.real)
    imaginaries, imaginary_width = _texts(flat.imag)
    signed = [text.lstrip() if text.lstrip()[0] == "-" else f"+{text.lstrip()}" for text in imaginaries]
    return [f"{real}{imaginary}j" for real, imaginary in zip(reals, signed)], real_width + imaginary_width + 1


def _bracketed(nested, is_cut, indent, a_line):
    """The texts in brackets: rows broken into lines of `a_line` elements, "..." for what was left out."""
    if not is_cut:
        return nested
    items = nested
    if len(is_cut) > 1:
        items = [_bracketed(each, is_cut[1:], indent + 1, a_line) for each in nested]
    if is_cut[0]:
        edge = options.edgeitems
        items = [*items[:edge], "..." if len(is_cut) > 1 or not edge else " ...", *items[edge:]]
    if len(is_cut) > 1:
        return "[" + ("," + "\n" * (len(is_cut) - 1) + " " * (indent + 1)).join(items) + "]"
    lines = [", ".join(items[start : start + a_line]) for start in range(0, len(items), a_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
