"""torch.nn.utils.rnn: sequences of different lengths side by side, filled up to the longest.

There are no packed sequences: pad, and pick each sequence's own last step from the output by its length.
"""

from engine.autograd.graph import TensorBase
from engine.functions import stack
from engine.names import MissingName
from engine.nn import functional

__all__ = ["pad_sequence", "unpad_sequence"]


def pad_sequence(sequences, batch_first=False, padding_value=0.0, padding_side="right"):
    """Tensors (T_i, ...) as one: (T, B, ...), or (B, T, ...) with batch_first, T being the length of the longest.

    padding_value: what fills the others up, at their end or, with padding_side="left", before their beginning.
    """
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"padding_side should be either 'right' or 'left', got '{padding_side}'")
    if isinstance(sequences, TensorBase):
        sequences = sequences.unbind(0)
    sequences = list(sequences)
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    longest = max(len(each) for each in sequences)
    padded = []
    for each in sequences:
        if each.shape[1:] != sequences[0].shape[1:]:
            raise RuntimeError(
                f"pad_sequence: only first sizes may differ, got {list(sequences[0].shape)} and {list(each.shape)}")
        missing = (longest - len(each), 0) if padding_side == "left" else (0, longest - len(each))
        padded.append(functional.pad(each, (*[0, 0] * (each.ndim - 1), *missing), value=padding_value))
    return stack(padded, 0 if batch_first else 1)


def unpad_sequence(padded_sequences, lengths, batch_first=False):
    """The sequences in a tensor (T, B, ...), or (B, T, ...) with batch_first, as a list: the first lengths[i] steps."""
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [row[:int(length)] for row, length in zip(rows, lengths)]


def __getattr__(name):
    if "pack" in name.lower():
        raise AttributeError(
            f"'engine.nn.utils.rnn' has no attribute {name!r}: packed sequences are not supported; pad_sequence, and "
            "pick each sequence's own last step from the output by its length", name=name)
    raise MissingName("engine.nn.utils.rnn", name, lambda: list(globals()))
