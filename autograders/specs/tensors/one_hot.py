"""one_hot(labels, classes): a label as a row of zeros with a single one."""

import sys

import numpy as np

from autograders.spec import EDGE, Case, Misconception, Spec, exact
from autograders.specs.common import WEIGHTS


def one_hot(labels, classes):
    """The engine's own."""
    import engine

    return engine.nn.functional.one_hot(engine.tensor(labels.astype(np.int64)), classes).numpy()


def one_hot_cases(rng):
    """Integer labels of any shape."""
    for count, classes in [(2, 3), (4, 3), (6, 10)]:
        yield Case((rng.integers(classes, size=count), classes), "a row of labels")
    for shape, classes in [((2, 2), 3), ((2, 3), 4)]:
        yield Case((rng.integers(classes, size=shape), classes), "a table of labels")
    yield Case((rng.integers(2, size=4), 5), "more classes than the labels show")
    yield Case((rng.integers(2, size=(1, 3)), 4), "more classes than the labels show")
    yield Case((np.array(rng.integers(4)), 4), "a single label", EDGE)
    yield Case((np.zeros(0, np.int64), 3), "no labels", EDGE)
    yield Case((rng.integers(5, size=4).astype(np.uint8), 5), "labels that are small integers (uint8)", EDGE)


def _classes_from_the_labels(labels, classes):
    return one_hot_with_eye(labels, int(labels.max(initial=-1)) + 1)


def _classes_first(labels, classes):
    return np.moveaxis(one_hot_with_eye(labels, classes), -1, 0)


def _counts_from_one(labels, classes):
    return (labels[..., None] == np.arange(1, classes + 1)).astype(int)


def _zeros_and_ones_swapped(labels, classes):
    return (labels[..., None] != np.arange(classes)).astype(int)


def _counts_them_all(labels, classes):
    return one_hot_with_eye(labels.ravel(), classes).sum(axis=0)


def _label_as_the_value(labels, classes):
    return one_hot_with_eye(labels, classes) * np.arange(classes)


def _a_row_only(labels, classes):
    result = np.zeros((len(labels), classes), int)
    result[np.arange(len(labels)), labels] = 1
    return result


def _flattens_the_labels(labels, classes):
    return one_hot_with_eye(labels.ravel(), classes)


def _writes_whole_columns(labels, classes):
    result = np.zeros((*labels.shape, classes), int)
    result[..., labels] = 1
    return result


def one_hot_with_eye(labels, classes):
    """Rows of the identity matrix."""
    return np.eye(classes, dtype=int)[labels]


def one_hot_by_comparing(labels, classes):
    """A broadcast comparison."""
    return (np.expand_dims(labels, -1) == np.arange(classes)).astype(int)


def one_hot_by_writing(labels, classes):
    """Zeros, then a one in each row, in place."""
    result = np.zeros((labels.size, classes), dtype=int)
    result[np.arange(labels.size), labels.reshape(-1)] = 1
    return result.reshape(*labels.shape, classes)


def one_hot_with_loops(labels, classes):
    """The slow specification; talks on stderr."""
    print("labels of shape", labels.shape, file=sys.stderr)
    result = np.zeros(labels.shape + (classes,), int)
    for place in np.ndindex(labels.shape):
        for number in range(classes):
            result[place + (number,)] = 1 if labels[place] == number else 0
    return result


def one_hot_with_put(labels, classes):
    """Writes along the last axis."""
    result = np.zeros((*labels.shape, classes), "i8")
    np.put_along_axis(result, np.asarray(labels[..., None], dtype=np.intp), 1, axis=-1)
    return result


def one_hot_in_flat_memory(labels, classes):
    """Works out where in the memory each one belongs."""
    memory = np.zeros(labels.size * classes, int)
    memory[np.arange(labels.size) * classes + labels.ravel()] = 1
    return memory.reshape(labels.shape + (classes,))


def one_hot_with_a_ufunc(labels, classes):
    """Every label against every class, by an outer comparison."""
    return np.equal.outer(labels, np.arange(classes)).astype("int64")


EXERCISE = Spec(
    name="tensors/one_hot",
    function="one_hot",
    parameters=("labels", "classes"),
    returns=("result",),
    title="One-hot",
    why="Networks compute with numbers; a one-hot row lets a label take part without pretending that 8 is twice 4.",
    minutes=5,
    difficulty=1,
    weights=WEIGHTS,
    reference=one_hot,
    rounding=exact(one_hot),
    cases=one_hot_cases,
    misconceptions=(
        Misconception(
            "classes from the labels",
            "You count the classes in the labels. A batch need not show every class: the last axis has `classes` "
            "places, whatever the labels are.",
            _classes_from_the_labels,
        ),
        Misconception(
            "classes first",
            "The ones are right, but the axes are turned around: the axes of `labels` come first, the classes last.",
            _classes_first,
        ),
        Misconception(
            "counts from one",
            "Each one stands a place too far to the left: classes are counted from 0, so label 0 has its one in the "
            "first place.",
            _counts_from_one,
        ),
        Misconception(
            "zeros and ones swapped",
            "You have ones everywhere but at the label. It should be the other way round: `==`, not `!=`.",
            _zeros_and_ones_swapped,
        ),
        Misconception(
            "counts them all",
            "You count how often each class occurs. Each label is to get a row of its own.",
            _counts_them_all,
        ),
        Misconception(
            "the label as the value",
            "You write the label itself into its place. Only the place tells which label it is: write 1 there.",
            _label_as_the_value,
        ),
        Misconception(
            "a row of labels only",
            "Right for a plain row of labels. They may come in a table too, or in any shape: the result has the shape "
            "of `labels` and one axis more.",
            _a_row_only,
        ),
        Misconception(
            "flattens the labels",
            "The ones are right, but `labels` has lost its shape: the result has all the axes of `labels`, and the "
            "classes behind them.",
            _flattens_the_labels,
        ),
        Misconception(
            "writes whole columns",
            "`result[..., labels] = 1` writes every label into every row. A row has a single one, at its own label: "
            "compare `labels[..., None]` with `np.arange(classes)`.",
            _writes_whole_columns,
        ),
    ),
    half_right=(_a_row_only, _flattens_the_labels),
    honest=(
        one_hot_with_eye,
        one_hot_by_comparing,
        one_hot_by_writing,
        one_hot_with_loops,
        one_hot_with_put,
        one_hot_in_flat_memory,
        one_hot_with_a_ufunc,
    ),
    shortcuts=(
        "from engine.nn import functional as F\n\ndef one_hot(labels, classes):\n"
        "    return F.one_hot(labels, classes).numpy()",
    ),
    hints=(
        "Each label asks the same question of all classes: is it you? Which shapes have to meet, so that all answers "
        "come at once?",
        "`labels[..., None]` has an axis of size 1 at its end. Compare it with `np.arange(classes)`.",
        "`(labels[..., None] == np.arange(classes)).astype(int)`.",
    ),
)
