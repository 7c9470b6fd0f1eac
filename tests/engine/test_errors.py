"""Wrong arguments are answered in torch's kind of exception and in words about what was given, never in numpy's.

A sample of each function's arguments, PyTorch's own, is spoilt in one place after the other; what PyTorch then says is
the measure. `opinfo_known.py` lists where we know that we differ.
"""

import re

import numpy as np
import opinfo
import opinfo_known
import pytest

import engine

pytestmark = pytest.mark.slow

# What numpy says about its own inner doings; a reader who gave wrong arguments must not see it.
NUMPY_S_WORDS = re.compile(
    r"ufunc|numpy\.|object array|operands could not|out of bounds for array|setting an array element|<lambda>"
    r"|truth value of an array|cannot reshape array|zero-size array|all the input array|scalar arrays|not understood"
)

# What an argument becomes. For each function and place torch decides whether that is wrong there.
SPOILT = {
    "a str": lambda library: "abc",
    "None": lambda library: None,
    "a float": lambda library: 3.7,
    "a large int": lambda library: 99,
    "a negative int": lambda library: -99,
    "an empty list": lambda library: [],
    "a list of str": lambda library: ["a", "b"],
    "a dict": lambda library: {},
    "a tensor of another shape": lambda library: library.ones(7, 5, 3, dtype=library.float64),
    "a bool tensor": lambda library: library.ones(2, 2, dtype=library.bool),
    "an empty tensor": lambda library: library.ones(0, dtype=library.float64),
    "an array": lambda library: np.ones(3),
}


@pytest.mark.parametrize("name", opinfo.public_names())
def test_wrong_arguments_are_refused_in_torch_s_kind(name):
    """Each spoilt call raises on both sides or on neither, the same kind, and in our words."""
    pytest.importorskip("torch", reason="torch is the oracle here: pip install 'chainrule[parity]'")
    pytest.importorskip("expecttest", reason="PyTorch's test inputs need it: pip install 'chainrule[parity]'")
    if name not in opinfo.database():
        pytest.skip("PyTorch keeps no test inputs for these names; docs/parity.md lists them")
    report = opinfo.Report(name)
    for call, ours, theirs in outcomes(name):
        problem = different_outcome(ours, theirs)
        if problem:
            report.differences.append(f"{call}: {problem}")
    left = opinfo_known.unknown(report, opinfo_known.KNOWN_ERRORS)
    assert not left, f"{len(left)} spoilt calls are answered otherwise than by torch:\n" + "\n".join(left[:20])
    idle = opinfo_known.unnecessary(report, opinfo_known.KNOWN_ERRORS)
    assert not idle, f"no difference needs these entries of opinfo_known.py any more: {idle}"


def outcomes(name):
    """(the call in words, our (result, error), torch's) for every spoilt call of this name."""
    import torch

    for info in opinfo.database()[name]:
        sample = fullest_sample(info)
        if sample is None:
            continue
        for way in opinfo.ways(name, info):
            if way.label not in ("function", "method"):
                continue
            theirs = ([sample.input, *sample.args], dict(sample.kwargs))
            ours = (opinfo.converted(theirs[0]), opinfo.converted(theirs[1]))
            pairs = zip(spoilt(*ours, engine, way), spoilt(*theirs, torch, way))
            for (what, arguments, keywords), (_, their_arguments, their_keywords) in pairs:
                call = f"[{way.label}, {what}] {opinfo.written(name, info, sample)}"
                yield (
                    call,
                    opinfo.answer(way, way.ours, arguments, keywords),
                    opinfo.answer(way, way.theirs, their_arguments, their_keywords),
                )


def fullest_sample(info):
    """The float64 sample with the most arguments; None if there is none that the engine can be given."""
    import torch

    if torch.float64 not in info.supported_dtypes("cpu"):
        return None
    samples = opinfo.drawn(lambda: info.sample_inputs("cpu", torch.float64, requires_grad=False), 40)
    for sample in sorted(samples, key=lambda each: -len(each.args) - len(each.kwargs)):
        try:
            opinfo.converted([sample.input, *sample.args, sample.kwargs])
        except opinfo.CannotConvert:
            continue
        return sample
    return None


def spoilt(arguments, keywords, library, way):
    """(in words, arguments, keywords) with one thing wrong at a time."""
    yield "an unknown keyword", arguments, keywords | {"abacus": 1}
    yield "too many arguments", [*arguments, 1, 2, 3, 4, 5, 6], keywords
    if len(arguments) > 1:
        yield "an argument missing", arguments[:-1], keywords
    for what, make in SPOILT.items():
        for place in range(1 if way.label == "method" else 0, len(arguments)):
            changed = [*arguments[:place], make(library), *arguments[place + 1 :]]
            yield f"{what} in place {place}", changed, keywords
        for key in keywords:
            yield f"{what} as {key}", arguments, keywords | {key: make(library)}


def different_outcome(ours, theirs):
    """None if both answer, or both raise the same kind; and ours not in numpy's words.

    Where torch itself stumbles over a wrong type with an AttributeError, a TypeError is as good.
    """
    error, their_error = ours[1], theirs[1]
    if error is not None and (type(error).__module__ != "builtins" or NUMPY_S_WORDS.search(str(error))):
        return f"numpy's words: {type(error).__name__}: {str(error)[:150]}"
    if isinstance(their_error, AttributeError) and isinstance(error, TypeError):
        return None
    return None if error is None and their_error is None else opinfo.different_errors(error, their_error)


@pytest.mark.parametrize("name", [name for name in opinfo.public_names() if not name.startswith("__")])
def test_nonsense_never_shows_numpy_s_words(name, tmp_path, monkeypatch):
    """Without torch to compare with: whatever a function says to nonsense, it says it itself."""
    monkeypatch.chdir(tmp_path)  # "abc" is a good name for a file, too
    function = opinfo.find(engine, name)
    is_method = isinstance(function, type) or not callable(function)
    function = opinfo.method_of(engine, name) if is_method else function
    for nonsense in ("abc", None, object(), [], {}, 3.7, engine.ones(2, 3), np.ones(3)):
        alone = () if is_method else ((nonsense,),)  # Python sees to it that a method's first argument is a tensor
        for arguments in (*alone, (engine.ones(3), nonsense), (engine.ones(2, 2), nonsense, nonsense)):
            _, error = opinfo.answer(opinfo.PLAIN, function, arguments, {})
            if error is not None:
                assert type(error).__module__ == "builtins", (arguments, error)
                assert not NUMPY_S_WORDS.search(str(error)), (arguments, error)
