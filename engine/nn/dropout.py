"""Dropout: in training mode some of what passes is zeroed and the rest is scaled up (Srivastava et al., 2014)."""

from engine.nn.layer import FunctionLayer

__all__ = ["Dropout", "Dropout1d", "Dropout2d"]


class Dropout(FunctionLayer):
    """Each element is zeroed with probability p, the others divided by 1 − p; the identity in evaluation mode."""

    _function = "dropout"

    def __init__(self, p=0.5, inplace=False):
        if not isinstance(p, (int, float)):
            raise TypeError(f"dropout probability p must be a number, not {type(p).__name__}")
        if not 0 <= p <= 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        super().__init__(p=p, inplace=inplace)
        self._options = ("p", "inplace", "training")

    def extra_repr(self):
        """The probability."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout1d(Dropout):
    """As Dropout, of whole channels of (N, C, L) or (C, L)."""

    _function = "dropout1d"


class Dropout2d(Dropout):
    """As Dropout, of whole channels of (N, C, H, W)."""

    _function = "dropout2d"
