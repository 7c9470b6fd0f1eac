"""Colour maps in which equal steps of a number look like equal steps of lightness, whoever looks.

Both are drawn in OKLab (Björn Ottosson, A perceptual color space for image processing, 2020), whose first number is
lightness as people see it. Lightness alone tells the values of `sequential` apart, and the distance from zero in
`diverging`; the two sides of zero are orange and purple, which every kind of colour vision tells apart.
"""

import numpy as np

# from OKLab to the cube roots of cone responses, and from these, cubed, to linear red, green and blue
_TO_ROOTS = np.array(
    [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.291485548]]
)
_TO_LINEAR = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)
_DARK, _GREEN, _LIGHT = (0.25, 0.02, -0.1), (0.61, -0.09, -0.005), (0.97, -0.03, 0.1)  # OKLab: lightness, a, b
_PURPLE, _WHITE, _ORANGE = (0.42, 0.06, -0.13), (0.97, 0.0, 0.0), (0.52, 0.075, 0.105)


def sequential(count: int) -> np.ndarray:
    """`count` colours from dark blue through green to light yellow, as uint8 (count, 3)."""
    along = np.linspace(0, 1, count)[:, None]
    dark, green, light = map(np.array, (_DARK, _GREEN, _LIGHT))
    bend = 2 * green - (dark + light) / 2  # the curve through all three
    lab = (1 - along) ** 2 * dark + 2 * along * (1 - along) * bend + along**2 * light
    lab[:, 0] = dark[0] + along[:, 0] * (light[0] - dark[0])
    return to_bytes(lab)


def diverging(count: int) -> np.ndarray:
    """`count` colours, an odd number: purple below zero, white at zero, orange above, as uint8 (count, 3)."""
    along = np.linspace(-1, 1, count)[:, None]
    purple, white, orange = map(np.array, (_PURPLE, _WHITE, _ORANGE))
    end = np.where(along < 0, purple, orange)
    return to_bytes(white + np.abs(along) * (end - white))


def to_bytes(lab: np.ndarray) -> np.ndarray:
    """OKLab (count, 3) as red, green and blue from 0 to 255; what a screen cannot show is cut off."""
    linear = (lab @ _TO_ROOTS.T) ** 3 @ _TO_LINEAR.T
    return np.rint(255 * _gamma(np.clip(linear, 0, 1))).astype(np.uint8)


def _gamma(linear: np.ndarray) -> np.ndarray:
    """sRGB's own encoding of light (IEC 61966-2-1)."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
