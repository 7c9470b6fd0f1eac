"""Digits: the 1,797 handwritten digits of 8 x 8 that come with scikit-learn. Needs no connection."""

import numpy as np

from engine.tensor import Tensor
from engine.vision.datasets.vision import LabelledPictures

__all__ = ["Digits"]

TRAINING = 1437  # the first four fifths


class Digits(LabelledPictures):
    """Handwritten digits of 8 x 8: the first 1,437 for training, the last 360 for testing (Alpaydin & Kaynak 1998).

    root and download are taken, as by other datasets, and not needed: scikit-learn brings the pictures. `data`: a uint8
    tensor (N, 8, 8) with scikit-learn's 0 to 16 spread over 0 to 255, `targets`: an int64 tensor (N,). `dataset[i]` is
    (a PIL picture, or what `transform` makes of it; an int). ImportError without scikit-learn.
    """

    classes = [str(digit) for digit in range(10)]

    def _load(self):
        try:
            from sklearn.datasets import load_digits
        except ImportError:
            raise ImportError(
                "Digits come with scikit-learn: pip install 'chainrule[course]', or pip install scikit-learn") from None
        digits = load_digits()
        part = slice(TRAINING) if self.train else slice(TRAINING, None)
        pictures = np.rint(digits.images[part] * (255 / 16)).astype(np.uint8)
        return Tensor(pictures), Tensor(digits.target[part].astype(np.int64))

    def _pixels(self, index):
        return self.data[index].numpy()
