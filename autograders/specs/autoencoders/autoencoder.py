"""Autoencoder(pixels, hidden, code): an encoder that squeezes, a decoder that draws, and both in a row."""

import sys
from collections import OrderedDict

import numpy as np

import engine as torch
from autograders.probes.autoencoder import hidden_of, shapes_of
from autograders.spec import EDGE, Case, Misconception, Spec, Use
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS
from engine import nn

LEAST = 0.02  # how far what a ReLU gets is from 0, where rounding would turn a unit on or off


def autoencoder(images, codes, weights, gradient):
    """Codes, images drawn again, what is drawn from `codes`, and the gradient of the images, by the chain rule."""
    layers = _layers(weights, images.shape[1], codes.shape[1])
    encoded, hidden = _two_layers(images, layers[:2])
    again, drawing = _two_layers(encoded, layers[2:])
    again, drawn = _sigmoid(again), _sigmoid(_two_layers(codes, layers[2:])[0])
    into = gradient * again * (1 - again) @ layers[3][0] * (drawing > 0) @ layers[2][0]
    return encoded, again, drawn, into @ layers[1][0] * (hidden > 0) @ layers[0][0]


def _layers(weights, pixels, code):
    """The vector cut into four pairs (weight, bias)."""
    parts, begin = [], 0
    for shape in shapes_of(pixels, hidden_of(weights, pixels, code), code):
        parts.append(weights[begin : begin + np.prod(shape)].reshape(shape))
        begin += np.prod(shape)
    return list(zip(parts[::2], parts[1::2]))


def _two_layers(x, layers):
    """(output, what the ReLU between the two layers gets)."""
    (first, bias), (second, other) = layers
    hidden = x @ first.T + bias
    return np.maximum(hidden, 0) @ second.T + other, hidden


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def autoencoder_rounding(images, codes, weights, gradient):
    """How much rounding may show, in units of eps, carried from layer to layer.

    A linear layer takes over its input's error times |weight|, and adds eps / 2 for each of n + 1 steps to the sizes
    of its terms. ReLU passes an error on. A sigmoid has at most the slope s (1 - s), and takes a few steps by itself.
    On the way back each product takes over the errors of both factors; that of s (1 - s) is at most that of s. Counting
    eps for eps / 2 doubles the bounds.
    """
    layers = _layers(weights, images.shape[1], codes.shape[1])
    encoded, _ = _two_layers(images, layers[:2])
    of_encoded = _layers_rounding(images, 0, layers[:2])
    of_again, of_drawn = _layers_rounding(encoded, of_encoded, layers[2:]), _layers_rounding(codes, 0, layers[2:])
    again = _sigmoid(_two_layers(encoded, layers[2:])[0])
    drawn = _sigmoid(_two_layers(codes, layers[2:])[0])
    of_again, of_drawn = again * (1 - again) * of_again + 4 * again, drawn * (1 - drawn) * of_drawn + 4 * drawn
    size = np.abs(gradient) * again * (1 - again)
    off = np.abs(gradient) * (of_again + 4 * again * (1 - again))
    for weight, _ in reversed(layers):
        off, size = (off + (len(weight) + 1) * size) @ np.abs(weight), size @ np.abs(weight)
    return of_encoded, of_again, of_drawn, off


def _layers_rounding(x, off, layers):
    """The errors of two layers' outputs, for inputs x with these errors."""
    (first, bias), (second, other) = layers
    hidden = np.abs(x @ first.T + bias)
    off = off @ np.abs(first).T if np.ndim(off) else 0
    off = off + (x.shape[1] + 2) * (np.abs(x) @ np.abs(first).T + np.abs(bias))
    return off @ np.abs(second).T + (hidden.shape[1] + 2) * (hidden @ np.abs(second).T + np.abs(other))


def autoencoder_cases(rng):
    """Few pixels and units, so that all can be printed; in every half some units are on and some off."""
    one, batch, wide = "one image", "a batch", "a code as wide as the image"
    for rows, drawn, pixels, hidden, code, dtype, group in [
        (1, 1, 3, 4, 2, SINGLE, one),
        (1, 2, 4, 5, 2, DOUBLE, one),
        (3, 2, 4, 5, 2, SINGLE, batch),
        (4, 3, 6, 7, 3, DOUBLE, batch),
        (2, 2, 3, 4, 3, SINGLE, wide),
        (3, 2, 4, 6, 4, DOUBLE, wide),
    ]:
        yield _case(rng, rows, drawn, pixels, hidden, code, dtype, group)
    yield _case(rng, 3, 2, 4, 5, 1, SINGLE, "a code of one number", EDGE)
    yield _case(rng, 2, 5, 3, 4, 2, SINGLE, "more codes to draw from than images", EDGE)


def _case(rng, rows, drawn, pixels, hidden, code, dtype, *where):
    """Weights are drawn until the two ReLUs let some numbers pass, block others, and are near 0 for none."""
    count = sum(int(np.prod(shape)) for shape in shapes_of(pixels, hidden, code))
    while True:
        images, codes = rng.uniform(0, 1, (rows, pixels)), rng.uniform(-2, 2, (drawn, code))
        arrays = images, codes, rng.standard_normal(count), rng.standard_normal((rows, pixels))
        arrays = tuple(np.asarray(each, dtype) for each in arrays)
        layers = _layers(arrays[2], pixels, code)
        encoded, first = _two_layers(arrays[0], layers[:2])
        middles = first, _two_layers(encoded, layers[2:])[1], _two_layers(arrays[1], layers[2:])[1]
        is_mixed = all(each.min() < 0 < each.max() and np.abs(each).min() > LEAST for each in middles)
        if is_mixed and encoded.min() < -LEAST and encoded.max() > LEAST and np.abs(encoded).max() < 8:
            return Case(arrays, *where)


def two_layers(inputs, hidden, outputs):
    """Linear, ReLU, Linear."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


class AutoencoderInTwoParts(nn.Module):
    """Squeezes images to a code, and draws them again."""

    def __init__(self, pixels, hidden, code):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(pixels, hidden), nn.ReLU(), nn.Linear(hidden, code))
        self.decoder = nn.Sequential(nn.Linear(code, hidden), nn.ReLU(), nn.Linear(hidden, pixels), nn.Sigmoid())

    def forward(self, images):
        return self.decoder(self.encoder(images))


class _ReluOnTheCode(AutoencoderInTwoParts):
    def __init__(self, pixels, hidden, code):
        super().__init__(pixels, hidden, code)
        self.encoder = nn.Sequential(two_layers(pixels, hidden, code), nn.ReLU())


class _SigmoidOnTheCode(AutoencoderInTwoParts):
    def __init__(self, pixels, hidden, code):
        super().__init__(pixels, hidden, code)
        self.encoder = nn.Sequential(two_layers(pixels, hidden, code), nn.Sigmoid())


class _TanhOnTheCode(AutoencoderInTwoParts):
    def __init__(self, pixels, hidden, code):
        super().__init__(pixels, hidden, code)
        self.encoder = nn.Sequential(two_layers(pixels, hidden, code), nn.Tanh())


class _WithoutBends(AutoencoderInTwoParts):
    def __init__(self, pixels, hidden, code):
        super().__init__(pixels, hidden, code)
        self.encoder = nn.Sequential(nn.Linear(pixels, hidden), nn.Linear(hidden, code))
        self.decoder = nn.Sequential(nn.Linear(code, hidden), nn.Linear(hidden, pixels), nn.Sigmoid())


class _BendsInTheEncoderAlone(AutoencoderInTwoParts):
    def __init__(self, pixels, hidden, code):
        super().__init__(pixels, hidden, code)
        self.decoder = nn.Sequential(nn.Linear(code, hidden), nn.Linear(hidden, pixels), nn.Sigmoid())


class _WithoutTheSigmoid(AutoencoderInTwoParts):
    def __init__(self, pixels, hidden, code):
        super().__init__(pixels, hidden, code)
        self.decoder = two_layers(code, hidden, pixels)


class _ReluAtTheEnd(AutoencoderInTwoParts):
    def __init__(self, pixels, hidden, code):
        super().__init__(pixels, hidden, code)
        self.decoder = nn.Sequential(two_layers(code, hidden, pixels), nn.ReLU())


class _TanhAtTheEnd(AutoencoderInTwoParts):
    def __init__(self, pixels, hidden, code):
        super().__init__(pixels, hidden, code)
        self.decoder = nn.Sequential(two_layers(code, hidden, pixels), nn.Tanh())


class _SigmoidInForward(AutoencoderInTwoParts):
    def __init__(self, pixels, hidden, code):
        super().__init__(pixels, hidden, code)
        self.decoder = two_layers(code, hidden, pixels)

    def forward(self, images):
        return self.decoder(self.encoder(images)).sigmoid()


class _SigmoidTwice(AutoencoderInTwoParts):
    def forward(self, images):
        return self.decoder(self.encoder(images)).sigmoid()


class _CodeOutsideTheGraph(AutoencoderInTwoParts):
    def forward(self, images):
        return self.decoder(self.encoder(images).detach())


class _ReturnsTheCode(AutoencoderInTwoParts):
    def forward(self, images):
        return self.encoder(images)


class _ReturnsBoth(AutoencoderInTwoParts):
    def forward(self, images):
        code = self.encoder(images)
        return code, self.decoder(code)


class _TanhForReLU(AutoencoderInTwoParts):
    def __init__(self, pixels, hidden, code):
        super().__init__(pixels, hidden, code)
        self.encoder[1] = nn.Tanh()
        self.decoder[1] = nn.Tanh()


class _SoftmaxAtTheEnd(AutoencoderInTwoParts):
    def __init__(self, pixels, hidden, code):
        super().__init__(pixels, hidden, code)
        self.decoder = two_layers(code, hidden, pixels)

    def forward(self, images):
        return self.decoder(self.encoder(images)).softmax(1)


class _SizesNotReversed(AutoencoderInTwoParts):
    def __init__(self, pixels, hidden, code):
        super().__init__(pixels, hidden, code)
        self.decoder = nn.Sequential(nn.Linear(hidden, code), nn.ReLU(), nn.Linear(code, pixels), nn.Sigmoid())


class _OneLayerEach(AutoencoderInTwoParts):
    def __init__(self, pixels, hidden, code):
        super().__init__(pixels, hidden, code)
        self.encoder = nn.Sequential(nn.Linear(pixels, code), nn.ReLU())
        self.decoder = nn.Sequential(nn.Linear(code, pixels), nn.Sigmoid())


class _SizesOfTheDigits(AutoencoderInTwoParts):
    def __init__(self, pixels, hidden, code):
        super().__init__(64, 128, 2)


class _BendsInTheDecoderAlone(AutoencoderInTwoParts):
    def __init__(self, pixels, hidden, code):
        super().__init__(pixels, hidden, code)
        self.encoder = nn.Sequential(nn.Linear(pixels, hidden), nn.Linear(hidden, code))


class _SigmoidForReLU(AutoencoderInTwoParts):
    def __init__(self, pixels, hidden, code):
        super().__init__(pixels, hidden, code)
        self.encoder[1] = nn.Sigmoid()
        self.decoder[1] = nn.Sigmoid()


class _ReluBeforeTheSigmoid(AutoencoderInTwoParts):
    def __init__(self, pixels, hidden, code):
        super().__init__(pixels, hidden, code)
        self.decoder = nn.Sequential(two_layers(code, hidden, pixels), nn.ReLU(), nn.Sigmoid())


class _ClampsInk(AutoencoderInTwoParts):
    def __init__(self, pixels, hidden, code):
        super().__init__(pixels, hidden, code)
        self.decoder = two_layers(code, hidden, pixels)

    def forward(self, images):
        return self.decoder(self.encoder(images)).clamp(0, 1)


class _AddsTheImages(AutoencoderInTwoParts):
    def forward(self, images):
        return images + self.decoder(self.encoder(images))


class _OutBeforeIn(AutoencoderInTwoParts):
    def __init__(self, pixels, hidden, code):
        super().__init__(pixels, hidden, code)
        self.encoder = nn.Sequential(nn.Linear(hidden, pixels), nn.ReLU(), nn.Linear(code, hidden))
        self.decoder = nn.Sequential(nn.Linear(hidden, code), nn.ReLU(), nn.Linear(pixels, hidden), nn.Sigmoid())


class AutoencoderLayerByLayer(nn.Module):
    """Two halves that are modules of their own, in which nothing is in a row."""

    class Half(nn.Module):
        """Linear, ReLU, Linear, and what comes last."""

        def __init__(self, inputs, hidden, outputs, last):
            super().__init__()
            self.into, self.out, self.last = nn.Linear(inputs, hidden), nn.Linear(hidden, outputs), last

        def forward(self, x):
            return self.last(self.out(torch.relu(self.into(x))))

    def __init__(self, pixels, hidden, code):
        super().__init__()
        self.encoder = self.Half(pixels, hidden, code, lambda x: x)
        self.decoder = self.Half(code, hidden, pixels, torch.sigmoid)

    def forward(self, images):
        code = self.encoder(images)
        return self.decoder(code)


class AutoencoderWithNames(nn.Module):
    """Layers with names; says on stderr what it does."""

    def __init__(self, pixels, hidden, code):
        super().__init__()
        print("squeezes", pixels, "to", code, file=sys.stderr)
        self.encoder = nn.Sequential(OrderedDict(
            wide=nn.Linear(pixels, hidden), bend=nn.ReLU(inplace=True), narrow=nn.Linear(hidden, code)))
        self.decoder = nn.Sequential(OrderedDict(
            wide=nn.Linear(code, hidden), bend=nn.ReLU(), draw=nn.Linear(hidden, pixels), ink=nn.Sigmoid()))

    def forward(self, images):
        for half in (self.encoder, self.decoder):
            images = half(images)
        return images


class AutoencoderFromAList(nn.Module):
    """Halves made from the sizes in a row."""

    def __init__(self, pixels, hidden, code):
        super().__init__()
        sizes = [pixels, hidden, code]
        self.encoder, self.decoder = self.half(sizes), self.half(sizes[::-1])
        self.decoder.append(nn.Sigmoid())

    def half(self, sizes):
        """A linear layer from each size to the next, a ReLU between two of them."""
        layers = []
        for inputs, outputs in zip(sizes, sizes[1:]):
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        return nn.Sequential(*layers[:-1])

    def forward(self, images):
        return nn.Sequential(self.encoder, self.decoder)(images)


EXERCISE = Spec(
    name="autoencoders/autoencoder",
    function="Autoencoder",
    use=Use("class", probe="autoencoder"),
    parameters=("pixels", "hidden", "code"),
    inputs=("images", "codes", "weights", "gradient"),
    returns=("code", "drawn_again", "drawn_from_codes", "grad_images"),
    title="Squeeze and draw again",
    why="Whoever has to say an image in two numbers, and is understood, has found out what it consists of.",
    minutes=15,
    difficulty=2,
    weights=WEIGHTS,
    reference=autoencoder,
    ours=AutoencoderInTwoParts,
    rounding=autoencoder_rounding,
    cases=autoencoder_cases,
    picture="none",
    packages=("numpy", "engine"),
    withheld=(),
    misconceptions=(
        Misconception(
            "ReLU on the code",
            "Your encoder ends with a ReLU, so no code is ever negative, and three quarters of the plane stay empty. A "
            "code is read, not activated: end with the linear layer.",
            _ReluOnTheCode,
        ),
        Misconception(
            "sigmoid on the code",
            "Your encoder ends with a sigmoid, so all codes crowd between 0 and 1. End with the linear layer.",
            _SigmoidOnTheCode,
        ),
        Misconception(
            "tanh on the code",
            "Your encoder ends with a tanh, so all codes crowd between -1 and 1. End with the linear layer.",
            _TanhOnTheCode,
        ),
        Misconception(
            "without bends",
            "There is no ReLU between your linear layers. Two linear layers in a row are one, and an autoencoder of "
            "those finds no more than principal components do.",
            _WithoutBends,
        ),
        Misconception(
            "bends in the encoder alone",
            "The encoder is right. The decoder needs a ReLU between its two linear layers as well.",
            _BendsInTheEncoderAlone,
        ),
        Misconception(
            "without the sigmoid",
            "Your decoder draws pixels below 0 and above 1. Ink is a share: end with `nn.Sigmoid()`.",
            _WithoutTheSigmoid,
        ),
        Misconception(
            "ReLU at the end",
            "Your decoder ends with a ReLU, so a pixel may be larger than 1, and one that has become 0 learns no more. "
            "End with `nn.Sigmoid()`.",
            _ReluAtTheEnd,
        ),
        Misconception(
            "tanh at the end",
            "Your decoder ends with a tanh, which gives pixels from -1 to 1. Ink is a share from 0 to 1: "
            "`nn.Sigmoid()`.",
            _TanhAtTheEnd,
        ),
        Misconception(
            "sigmoid in forward",
            "The sigmoid stands in `forward`. It belongs to the decoder, which is to draw from codes by itself, too.",
            _SigmoidInForward,
        ),
        Misconception(
            "sigmoid twice",
            "`forward` takes a sigmoid of what the decoder has brought between 0 and 1 already.",
            _SigmoidTwice,
        ),
        Misconception(
            "code outside the graph",
            "All numbers are right, but no gradient gets from the decoder to the encoder, which so learns nothing: no "
            "`detach` between them.",
            _CodeOutsideTheGraph,
        ),
        Misconception(
            "returns the code",
            "`forward` returns the code. Send it through the decoder too: what comes back is as large as the images.",
            _ReturnsTheCode,
        ),
        Misconception(
            "returns both",
            "`forward` returns code and images. Return the images alone, which the loss compares with what came in; "
            "who wants the code calls `encoder`.",
            _ReturnsBoth,
        ),
        Misconception(
            "tanh for ReLU",
            "Between your linear layers stands a tanh. That would learn, too; asked for is `nn.ReLU()`, and numbers "
            "are compared.",
            _TanhForReLU,
        ),
        Misconception(
            "softmax at the end",
            "Your pixels are a softmax: they share one drop of ink among them. Each pixel has a share of its own, "
            "from 0 to 1: end the decoder with `nn.Sigmoid()`.",
            _SoftmaxAtTheEnd,
        ),
        Misconception(
            "sizes not in reverse",
            "Your decoder begins at `hidden`, but what it gets is a code. It goes the encoder's way back: from `code` "
            "to `hidden` to `pixels`.",
            _SizesNotReversed,
        ),
        Misconception(
            "one layer each",
            "Each of your halves has one linear layer. It takes two with a ReLU between them to bend a sheet: by way "
            "of `hidden`.",
            _OneLayerEach,
        ),
        Misconception(
            "sizes of the digits",
            "You wrote in the sizes of one network, 64, 128 and 2. The arguments say how large it is to be: `pixels`, "
            "`hidden`, `code`.",
            _SizesOfTheDigits,
        ),
        Misconception(
            "bends in the decoder alone",
            "The encoder has no ReLU between its two linear layers, so they are one: its codes are a flat view of the "
            "images, as those of principal components are.",
            _BendsInTheDecoderAlone,
        ),
        Misconception(
            "sigmoid for ReLU",
            "Between your linear layers stands a sigmoid. It belongs to the decoder's end, where ink is a share; in "
            "between asked for is `nn.ReLU()`.",
            _SigmoidForReLU,
        ),
        Misconception(
            "ReLU before the sigmoid",
            "A ReLU before the sigmoid lets nothing below 0 through, so no pixel can be lighter than 0.5. The last "
            "linear layer goes straight into the sigmoid.",
            _ReluBeforeTheSigmoid,
        ),
        Misconception(
            "clamps the ink",
            "Cutting off at 0 and 1 gives ink, but a pixel that was cut off gets no gradient. A sigmoid bends towards "
            "both, and belongs into the decoder.",
            _ClampsInk,
        ),
        Misconception(
            "adds the images",
            "You add the images to what is drawn. Then nothing has to go through the code: what the decoder draws is "
            "the whole answer.",
            _AddsTheImages,
        ),
        Misconception(
            "out before in",
            "`nn.Linear(inputs, outputs)`: first what comes in, then what goes out. Yours are the other way round.",
            _OutBeforeIn,
        ),
    ),
    half_right=(_SigmoidTwice,),
    honest=(AutoencoderInTwoParts, AutoencoderLayerByLayer, AutoencoderWithNames, AutoencoderFromAList),
    hints=(
        "Both halves are a linear layer, a ReLU and a linear layer, the second with its sizes in reverse; what the "
        "decoder draws has to lie between 0 and 1 besides.",
        "`self.encoder = nn.Sequential(nn.Linear(pixels, hidden), nn.ReLU(), nn.Linear(hidden, code))`, and nothing "
        "after it.",
        "The decoder is `nn.Sequential(nn.Linear(code, hidden), nn.ReLU(), nn.Linear(hidden, pixels), nn.Sigmoid())`, and "
        "`forward` returns `self.decoder(self.encoder(images))`.",
    ),
)
