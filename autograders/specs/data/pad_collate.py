"""pad_collate(samples): sequences of different lengths as one batch, with a mask that says what is real."""

import itertools
import sys

import numpy as np

import engine as torch
from autograders.spec import EDGE, Case, Misconception, Spec, Use
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal


def pad_collate_cases(rng):
    """Sequences of numbers and of vectors, some of whose values are 0."""
    numbers, vectors = "sequences of numbers", "sequences of vectors"
    for lengths, features, dtype, group in [
        ((2, 1), (), SINGLE, numbers),
        ((1, 3, 2), (), DOUBLE, numbers),
        ((1, 2), (2,), SINGLE, vectors),
        ((3, 1, 4, 2), (3,), DOUBLE, vectors),
        ((4, 2, 3), (), DOUBLE, "the longest comes first"),
        ((1, 3, 5), (2,), DOUBLE, "the longest comes last"),
    ]:
        yield _case(rng, lengths, features, dtype, group)
    yield _case(rng, (3,), (2,), SINGLE, "a single sequence", EDGE)
    yield _case(rng, (2, 2, 2), (), SINGLE, "all of one length", EDGE)
    yield _case(rng, (0, 2), (), SINGLE, "an empty sequence", EDGE)
    yield _case(rng, (2, 3), (2, 2), SINGLE, "sequences of pictures", EDGE)
    words = rng.integers(0, 9, 6)
    yield Case((words, np.array([1, 3, 2]), np.array([1, 0, 1])), "sequences of word numbers, which are integers", EDGE)


def _case(rng, lengths, features, dtype, *where):
    values = normal(rng, (sum(lengths), *features), dtype)
    ends = np.cumsum(lengths)
    values[ends - 1] = 0  # a last step that looks like padding, and a first one
    values[(ends - lengths)[np.array(lengths) > 2]] = 0
    labels = rng.integers(1, 9, len(lengths))
    return Case((values, np.array(lengths), labels), *where)


def pad_collate_rounding(values, lengths, labels):
    """Numbers are copied; one that went through a narrower dtype is off by eps / 2 of itself, granted twice."""
    steps, largest = max(lengths), np.abs(values).max(initial=0)
    shape = (len(lengths), steps)
    return np.full((*shape, *values.shape[1:]), float(largest)), np.zeros(shape), np.zeros(len(lengths))


def pad_by_rows(samples):
    """Zeros, then each sequence in its row. Some answers below are this one, changed."""
    sequences, labels = zip(*samples)
    lengths = [len(each) for each in sequences]
    batch = torch.zeros(len(sequences), max(lengths), *sequences[0].shape[1:], dtype=sequences[0].dtype)
    mask = torch.zeros(len(sequences), max(lengths), dtype=torch.bool)
    for row, (sequence, length) in enumerate(zip(sequences, lengths)):
        batch[row, :length] = sequence
        mask[row, :length] = True
    return batch, mask, torch.tensor(labels)


def _in_front(samples):
    batch, mask, labels = pad_by_rows(samples)
    batch, mask = torch.zeros_like(batch), torch.zeros_like(mask)
    for row, (sequence, _) in enumerate(samples):
        start = batch.shape[1] - len(sequence)
        batch[row, start:] = sequence
        mask[row, start:] = True
    return batch, mask, labels


def _cut(samples):
    shortest = min(len(sequence) for sequence, _ in samples)
    return pad_by_rows([(sequence[:shortest], label) for sequence, label in samples])


def _mask_of_padding(samples):
    batch, mask, labels = pad_by_rows(samples)
    return batch, ~mask, labels


def _mask_from_zeros(samples):
    batch, _, labels = pad_by_rows(samples)
    return batch, batch.reshape(*batch.shape[:2], -1).abs().sum(-1) != 0, labels


def _mask_one_short(samples):
    batch, mask, labels = pad_by_rows(samples)
    for row, (sequence, _) in enumerate(samples):
        mask[row, len(sequence) - 1 :] = False
    return batch, mask, labels


def _fixed_length(samples):
    batch, mask, labels = pad_by_rows(samples)
    more = 8 - batch.shape[1]
    padding = torch.zeros(len(batch), more, *batch.shape[2:], dtype=batch.dtype)
    return torch.cat([batch, padding], 1), torch.cat([mask, torch.zeros(len(mask), more, dtype=torch.bool)], 1), labels


def _lengths_in_place_of_a_mask(samples):
    batch, _, labels = pad_by_rows(samples)
    return batch, torch.tensor([len(sequence) for sequence, _ in samples]), labels


def _last_value_repeated(samples):
    batch, mask, labels = pad_by_rows(samples)
    for row, (sequence, _) in enumerate(samples):
        if len(sequence):
            batch[row, len(sequence) :] = sequence[0]
    return batch, mask, labels


def _sorted_by_length(samples):
    batch, mask, _ = pad_by_rows(sorted(samples, key=lambda sample: -len(sample[0])))
    return batch, mask, torch.tensor([label for _, label in samples])


def _of_numbers_alone(samples):
    batch = torch.zeros(len(samples), max(len(sequence) for sequence, _ in samples), dtype=samples[0][0].dtype)
    mask = batch.bool()
    for row, (sequence, _) in enumerate(samples):
        for step, value in enumerate(sequence):
            batch[row, step] = float(value)
            mask[row, step] = True
    return batch, mask, torch.tensor([label for _, label in samples])


def _mask_of_every_number(samples):
    batch, _, labels = pad_by_rows(samples)
    return batch, batch != 0, labels


def _as_long_as_the_first(samples):
    first = samples[0][0]
    batch = torch.zeros(len(samples), *first.shape, dtype=first.dtype)
    for row, (sequence, _) in enumerate(samples):
        batch[row, : len(sequence)] = sequence
    return pad_by_rows(samples)


def _rows_of_numbers(samples):
    batch = torch.zeros(len(samples), max(len(sequence) for sequence, _ in samples), dtype=samples[0][0].dtype)
    for row, (sequence, _) in enumerate(samples):
        batch[row, : len(sequence)] = sequence
    return pad_by_rows(samples)


def pad_by_stacking(samples):
    """Pads each sequence to the longest, then stacks."""
    longest = max(len(sequence) for sequence, _ in samples)
    padded = [
        torch.cat([each, torch.zeros(longest - len(each), *each.shape[1:], dtype=each.dtype)]) for each, _ in samples
    ]
    mask = torch.stack([torch.arange(longest) < len(sequence) for sequence, _ in samples])
    return torch.stack(padded), mask, torch.tensor([label for _, label in samples])


def pad_with_numpy(samples):
    """All in numpy, the mask by comparing lengths with positions; only the end makes tensors."""
    arrays = [sequence.numpy() for sequence, _ in samples]
    lengths = np.array([len(array) for array in arrays])
    mask = np.arange(lengths.max()) < lengths[:, None]
    batch = np.zeros((*mask.shape, *arrays[0].shape[1:]), arrays[0].dtype)
    batch[mask] = np.concatenate(arrays)
    return torch.from_numpy(batch), torch.from_numpy(mask), torch.tensor([label for _, label in samples])


def pad_to_arrays(samples):
    """Gives plain arrays in a list, and says on stderr what it pads."""
    sequences, labels = [sequence.numpy() for sequence, _ in samples], [label for _, label in samples]
    print("padding to", max(map(len, sequences)), file=sys.stderr)
    longest = max(map(len, sequences))
    widths = [[(0, longest - len(each))] + [(0, 0)] * (each.ndim - 1) for each in sequences]
    batch = np.stack([np.pad(each, width) for each, width in zip(sequences, widths)])
    mask = np.stack([np.pad(np.ones(len(each), bool), (0, longest - len(each))) for each in sequences])
    return [batch, mask, np.array(labels)]


def pad_step_by_step(samples):
    """Loops over rows and steps, and over nothing else."""
    longest = max(len(sequence) for sequence, _ in samples)
    first = samples[0][0]
    batch = torch.zeros(len(samples), longest, *first.shape[1:], dtype=first.dtype)
    mask = torch.ones(len(samples), longest).bool()
    for row, (sequence, _) in enumerate(samples):
        for step in range(longest):
            if step < len(sequence):
                batch[row, step] = sequence[step]
            else:
                mask[row, step] = False
    return batch, mask, torch.tensor([label for _, label in samples])


def pad_by_transposing(samples):
    """Goes through all sequences at once, step by step, with itertools' zip_longest."""
    first = samples[0][0]
    nothing = torch.zeros(tuple(first.shape[1:]), dtype=first.dtype)
    steps = list(itertools.zip_longest(*(sequence for sequence, _ in samples)))
    batch = torch.stack([torch.stack([nothing if each is None else each for each in step]) for step in steps], dim=1)
    mask = torch.tensor([[each is not None for each in step] for step in steps]).T
    return batch, mask, torch.tensor([label for _, label in samples])


def pad_by_taking(samples):
    """One long tensor with a row of zeros at its end; each place of the batch says which row it takes."""
    sequences, labels = zip(*samples)
    zero = torch.zeros(1, *sequences[0].shape[1:], dtype=sequences[0].dtype)
    rows = torch.cat([*sequences, zero])
    lengths = torch.tensor([len(each) for each in sequences])
    begins = torch.cumsum(lengths, 0) - lengths
    steps = torch.arange(max(len(each) for each in sequences)).unsqueeze(0)
    mask = steps < lengths.unsqueeze(1)
    return rows[torch.where(mask, begins.unsqueeze(1) + steps, len(rows) - 1)], mask, torch.tensor(labels)


def pad_in_double(samples):
    """Goes through Python's own numbers, which are float64, and back to the dtype at the end."""
    sequences = [sequence.tolist() for sequence, _ in samples]
    longest = max(len(each) for each in sequences)
    zero = torch.zeros(tuple(samples[0][0].shape[1:])).tolist()
    batch = [each + [zero] * (longest - len(each)) for each in sequences]
    mask = [[True] * len(each) + [False] * (longest - len(each)) for each in sequences]
    return torch.tensor(batch, dtype=samples[0][0].dtype), torch.tensor(mask), torch.tensor([y for _, y in samples])


EXERCISE = Spec(
    name="data/pad_collate",
    function="pad_collate",
    use=Use(probe="pad_collate"),
    parameters=("samples",),
    inputs=("values", "lengths", "labels"),
    returns=("sequences", "mask", "labels"),
    title="One batch of unequal sequences",
    why="Words, sounds and measurements come in all lengths, and arrays in one: who pads has to say what is padding.",
    minutes=12,
    difficulty=2,
    weights=WEIGHTS,
    ours=pad_by_rows,
    rounding=pad_collate_rounding,
    cases=pad_collate_cases,
    packages=("numpy", "engine"),
    withheld=("engine.nn.utils.rnn.pad_sequence",),
    shortcuts=(
        "import engine as torch\ndef pad_collate(samples):\n    sequences, labels = zip(*samples)\n"
        "    batch = torch.nn.utils.rnn.pad_sequence(sequences, batch_first=True)\n"
        "    return batch, batch != 0, torch.tensor(labels)\n",
        "from engine.nn.utils.rnn import pad_sequence\ndef pad_collate(samples):\n"
        "    return pad_sequence([sequence for sequence, _ in samples], True), None, None\n",
        "from torch.nn.utils.rnn import pad_sequence\ndef pad_collate(samples):\n"
        "    return pad_sequence([sequence for sequence, _ in samples], True), None, None\n",
    ),
    misconceptions=(
        Misconception(
            "padding in front",
            "The padding stands in front of each sequence. Put it behind: step 0 of every sequence is then column 0.",
            _in_front,
        ),
        Misconception(
            "cut",
            "You cut all sequences to the shortest, and throw away what was measured. Pad them to the longest.",
            _cut,
        ),
        Misconception(
            "mask the other way round",
            "Your mask is True on the padding. Here it should be True on what is real.",
            _mask_of_padding,
        ),
        Misconception(
            "mask from zeros",
            "You take every zero for padding, but a zero may well have been measured. Make the mask from the lengths.",
            _mask_from_zeros,
        ),
        Misconception(
            "mask one short",
            "The mask leaves out the last real step of each sequence: of a sequence of length n, steps 0 to n - 1 are "
            "real.",
            _mask_one_short,
        ),
        Misconception(
            "a fixed length",
            "You pad to a length of your own. The longest sequence of this batch is enough, and longer ones would not "
            "fit.",
            _fixed_length,
        ),
        Misconception(
            "lengths in place of a mask",
            "You return the lengths. They say the same, but asked for is a mask, shaped (sequences, steps).",
            _lengths_in_place_of_a_mask,
        ),
        Misconception(
            "padded with a value of its own",
            "You pad with a sequence's own first step. Pad with zeros.",
            _last_value_repeated,
        ),
        Misconception(
            "sorted",
            "You sorted the sequences by length, and the labels stayed behind: now each belongs to another. Keep the "
            "order of the samples.",
            _sorted_by_length,
        ),
        Misconception(
            "mask of every number",
            "You ask each number whether it is 0, but a real one may be 0 too, and the mask has one place for each "
            "step. Only the lengths know: `mask[row, :len(sequence)] = True`.",
            _mask_of_every_number,
        ),
        Misconception(
            "as long as the first",
            "Your rows are as long as the first sequence, and a later one may be longer: take the longest, "
            "`max(len(sequence) for sequence, _ in samples)`.",
            _as_long_as_the_first,
        ),
        Misconception(
            "rows of numbers",
            "Right for sequences of single numbers. A step may be a vector, or more: `torch.zeros(n, longest, "
            "*sequence.shape[1:])`.",
            _rows_of_numbers,
        ),
    ),
    half_right=(_of_numbers_alone,),
    honest=(
        pad_by_rows,
        pad_by_stacking,
        pad_with_numpy,
        pad_to_arrays,
        pad_step_by_step,
        pad_by_transposing,
        pad_by_taking,
        pad_in_double,
    ),
    hints=(
        "`sequences, labels = zip(*samples)` takes the pairs apart. How long is the longest sequence? Then the batch "
        "has the shape (sequences, longest, what else a step has).",
        "Begin with `torch.zeros(len(sequences), longest, *sequences[0].shape[1:], dtype=sequences[0].dtype)`, and a "
        "mask `torch.zeros(len(sequences), longest, dtype=torch.bool)`.",
        "For each row: `batch[row, :len(sequence)] = sequence` and `mask[row, :len(sequence)] = True`. Return `batch, "
        "mask, torch.tensor(labels)`.",
    ),
)
