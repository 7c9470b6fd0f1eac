"""Takes weight from a document that is kept in a notebook's file: the numbers of tensors, the least needed first."""

import json

LIMIT = 1_000_000  # bytes of JSON, about, that a document may have before something is left out of it

# In this order, until it is light enough: what tensors lose, at edges or at nodes.
STEPS = [("edges", "slice"), ("edges", "histogram"), ("nodes", "slice"), ("nodes", "histogram")]
SMALL = 4  # a slice of at most so many numbers is always kept: it is what a lesson shows

# Bytes of JSON, on average over a transformer's graph; to write all of it only to know its length would take too long.
PART, TENSOR, HISTOGRAM, NUMBER = 320, 170, 120, 11


def lightened(document, most=LIMIT):
    """The document, or if its JSON would have more than about `most` bytes, a copy without some slices and histograms.

    Edges lose theirs before nodes do, slices go before histograms, and no more is left out than is needed; a note says
    so. A document of very many nodes can have more than `most` bytes even so.
    """
    lighter, lost, bytes_ = document, [], weight(document)
    for where, key in STEPS:
        if bytes_ <= most:
            break
        lighter = {**lighter, where: [_without(each, key) for each in lighter[where]]}
        lost.append(f"{key}s of the tensors at {where}")
        bytes_ = weight(lighter)
    if not lost:
        return document
    note = f"To keep this output small, it leaves out the {', the '.join(lost)}; .widget() and .save() have them all."
    return {**lighter, "notes": [*document["notes"], note]}


def weight(document):
    """About how many bytes of JSON the nodes and edges of a document have."""
    parts = [*document["nodes"], *document["edges"]]
    matches = [part["match"] for part in document["nodes"] if part["match"]]
    tensors = [value for part in [*parts, *matches] for value in part.values() if _is_tensor(value)]
    numbers = sum(_count(tensor["slice"]) for tensor in tensors)
    histograms = sum(tensor["histogram"] is not None for tensor in tensors)
    return PART * len(parts) + TENSOR * len(tensors) + HISTOGRAM * histograms + NUMBER * numbers


def as_json(document):
    """The document as JSON, in ASCII and without spaces: the same document gives the same text.

    Raises ValueError for a number that JSON cannot hold.
    """
    return json.dumps(document, separators=(",", ":"), allow_nan=False)


def _without(part, key):
    """A node, an edge or a comparison's match, whose tensors have lost their slice or histogram."""
    lighter = {name: _lighter(value, key) if _is_tensor(value) else value for name, value in part.items()}
    return lighter | {"match": _without(part["match"], key)} if part.get("match") else lighter


def _is_tensor(value):
    return isinstance(value, dict) and "histogram" in value


def _lighter(tensor, key):
    if key == "slice" and _count(tensor["slice"]) <= SMALL:
        return tensor
    return {**tensor, key: None}


def _count(slice_):
    """How many numbers are in a slice; 0 for none."""
    return 0 if slice_ is None else sum(map(len, slice_["rows"]))
