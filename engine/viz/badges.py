"""What is wrong with a node, at a glance: NaN, infinite, all zero, exploding, vanishing, changed in place."""

from dataclasses import replace

EXPLODING = 1e4  # a gradient with an element larger than this
VANISHING = 1e-8  # a gradient all of whose elements are smaller, and not all of them 0


def marked(node, changed=None):
    """The node with its badges. changed: "value" or "saved" if that was changed in place since.

    A value that is all zero is marked only on an operation of several elements: parameters begin so, and 0 is a number
    like others.
    """
    found = []
    for of in ("value", "grad"):
        snapshot = getattr(node, of)
        if snapshot is not None and snapshot.size:
            found += [f"{of}: {what}" for what in _wrong_with(snapshot.summary(), node, of)]
    if changed is not None:
        found.append(f"{changed}: in place")
    return replace(node, badges=tuple(found)) if found else node


def _wrong_with(summary, node, of):
    if summary["nan"]:
        yield "nan"
    if summary["inf"]:
        yield "inf"
    if summary["zero"] == summary["size"] and (of == "grad" or (node.kind == "op" and summary["size"] > 1)):
        yield "zero"
    elif of == "grad" and summary["min"] is not None:
        largest = max(abs(summary["min"]), abs(summary["max"]))
        if largest > EXPLODING:
            yield "exploding"
        elif largest < VANISHING:
            yield "vanishing"
