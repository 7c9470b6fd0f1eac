"""Uses a function `pad_collate`: makes a batch of pairs, (sequence, label), whose sequences differ in length."""

import numpy as np

import engine as torch


def probe(answer, values, lengths, labels):
    """(sequences, mask, labels) as arrays.

    values: (total, ...), the steps of all sequences, one sequence after the other; lengths: (n,); labels: (n,). What
    comes back may be tensors or arrays.
    """
    parts = np.split(values, np.cumsum(lengths)[:-1])
    samples = [(torch.tensor(part), label) for part, label in zip(parts, labels.tolist())]
    batch = answer(samples)
    return tuple(map(_array, batch)) if isinstance(batch, (tuple, list)) else batch


def _array(part):
    return part.detach().numpy() if isinstance(part, torch.Tensor) else part
