"""Wrong arguments are answered in torch's kind of exception and in words about what was given, never in numpy's.

A sample of each function's arguments, PyTorch's own, is spoilt in one place after the other.
"""

import re

import numpy as np
import opinfo
import opinfo_known
import pytest

import engine

# What numpy or Python say about their own inner doings; a reader who gave wrong arguments must not see it.
NOT_FOR_READERS = re.compile(
    r"ufunc|numpy|object array|operands could not be broadcast|is out of bounds for array|setting an array element|<lambda>"
    r"|truth value of an array|cannot reshape array|zero-size array|all the input array|scalar arrays|not understood"
)

# What a spoilt argument becomes: values of which torch says for each function and place whether they are wrong there.
SPOILT = {
    "a str": lambda library, given: "abc",
    "None": lambda library, given: None,
    "a float": lambda library, given: 3.7,
    "a large int": lambda library, given: 99,
    "a negative int": lambda library, given: -99,
    "an empty list": lambda library, given: [],
    "a list of str": lambda library, given: ["a", "b"],
    "a dict": lambda library, given: {},
    "a tensor of another shape": lambda library, given: library.ones(7, 5, 3, dtype=library.float64),
    "a bool tensor": lambda library, given: library.ones(2, 2, dtype=library.bool),
    "an empty tensor": lambda library, given: library.ones(0, dtype=library.float64),
    "an array": lambda library, given: np.ones(3),
}


def spoilt_calls(name):
    """(description, way, sample, function of the library that gives arguments and keywords) for one sample of each operator."""
    import torch

    for info in opinfo.database().get(name, ()):
        samples = (
            []
            if torch.float64 not in info.supported_dtypes("cpu")
            else opinfo._drawn(lambda: info.sample_inputs("cpu", torch.float64, requires_grad=False), 40)
        )
        if not samples:
            continue
        sample = max(samples, key=lambda each: len(each.args) + len(each.kwargs))
        for way in opinfo.ways(name, info):
            if way.label in ("function", "method"):
                yield info, way, sample


def outcomes(name):
    """(description of the call, our result and error, torch's) for every spoilt call of this name."""
    import torch

    for info, way, sample in spoilt_calls(name):
        given = [sample.input, *sample.args]
        try:
            ours = [opinfo.converted(each) for each in given]
            our_keywords = opinfo.converted(sample.kwargs)
        except opinfo.CannotConvert:
            continue
        calls = [("an unknown keyword", given, sample.kwargs | {"abacus": 1}, ours, our_keywords | {"abacus": 1})]
        first = 1 if way.label == "method" else 0
        for what, spoil in SPOILT.items():
            for place in range(first, len(given)):
                calls.append(
                    (
                        f"{what} in place {place}",
                        _with(given, place, spoil(torch, 0)),
                        sample.kwargs,
                        _with(ours, place, spoil(engine, 0)),
                        our_keywords,
                    )
                )
            for key in sample.kwargs:
                calls.append(
                    (
                        f"{what} as {key}",
                        given,
                        sample.kwargs | {key: spoil(torch, 0)},
                        ours,
                        our_keywords | {key: spoil(engine, 0)},
                    )
                )
        if len(given) > 1:
            calls.append(("an argument missing", given[:-1], sample.kwargs, ours[:-1], our_keywords))
        calls.append(
            ("an argument too many", [*given, 1, 2, 3, 4, 5, 6], sample.kwargs, [*ours, 1, 2, 3, 4, 5, 6], our_keywords)
        )
        for what, their_arguments, their_keywords, our_arguments, own_keywords in calls:
            theirs = opinfo.answer(way, way.theirs, their_arguments, their_keywords)
            mine = opinfo.answer(way, way.ours, our_arguments, own_keywords)
            yield f"[{way.label}, wrong] {opinfo.written(name, info, sample)} with {what}", mine, theirs


def _with(values, place, value):
    return [*values[:place], value, *values[place + 1 :]]


def different_outcome(mine, theirs):
    """None if the two agree: both raise the same kind of error, in words, or both answer."""
    error, their_error = mine[1], theirs[1]
    if error is not None and (type(error).__module__ != "builtins" or NOT_FOR_READERS.search(str(error))):
        return f"numpy's or Python's own words: {type(error).__name__}: {str(error)[:150]}"
    if error is None and their_error is None:
        return None
    return opinfo.different_errors(error, their_error)
