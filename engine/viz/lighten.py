"""Takes weight from a document whose picture is kept in a notebook's file: the numbers of tensors, the least needed first."""

import json

LIMIT = 1_000_000  # bytes of JSON that a document may have before something is left out of it

# In this order, until it is light enough: (of edges or of nodes, what each of their tensors loses).
STEPS = [("edges", ("slice",)), ("edges", ("histogram",)), ("nodes", ("slice",)), ("nodes", ("histogram",))]
SMALL = 4  # a slice of at most so many numbers is always kept: it is what a lesson shows


def lightened(document, most=LIMIT):
    """The document, or if its JSON has more than `most` bytes, a copy with slices and histograms left out.

    Edges lose theirs before nodes do, slices go before histograms, and no more is left out than is needed; a note says
    so. A document of very many nodes can have more than `most` bytes even so.
    """
    lighter, lost = document, []
    for where, keys in STEPS:
        if len(as_json(lighter)) <= most:
            break
        lighter = {**lighter, where: [_without(each, keys) for each in lighter[where]]}
        lost += [f"{key}s of the tensors at {where}" for key in keys]
    if not lost:
        return document
    note = f"To keep this output small, it leaves out the {', '.join(lost)}; .widget() and .save() have them all."
    return {**lighter, "notes": [*document["notes"], note]}


def as_json(document):
    """The document as JSON, in ASCII and without spaces: the same document gives the same text.

    Raises ValueError for a number that JSON cannot hold.
    """
    return json.dumps(document, separators=(",", ":"), allow_nan=False)


def _without(part, keys):
    return {name: _lighter(value, keys) if _is_tensor(value) else value for name, value in part.items()}


def _is_tensor(value):
    return isinstance(value, dict) and "histogram" in value


def _lighter(tensor, keys):
    return {name: None if name in keys and not _is_small(value) else value for name, value in tensor.items()}


def _is_small(value):
    return value is not None and "rows" in value and sum(map(len, value["rows"])) <= SMALL
