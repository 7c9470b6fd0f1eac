"""ResidualBlock(inputs, outputs): x + f(x), with two convolutions in f."""

import sys

import numpy as np

import engine as torch
from autograders.session import probe
from autograders.spec import EDGE, Case, Misconception, Spec, Use
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal
from engine import nn
from engine.nn import functional as F

USE = Use("class", probe="residual_block")
AWAY = 1e-3  # from 0: what goes into a ReLU, so that rounding does not switch it


def residual_block_cases(rng):
    """Images, the parameters of a block, and what comes from above; as many channels as before, or more, or fewer."""
    same, more = "as many channels", "more channels"
    for shape, outputs, dtype, group in [
        ((1, 1, 2, 2), 1, SINGLE, same),
        ((2, 2, 3, 2), 2, DOUBLE, same),
        ((1, 2, 3, 3), 2, SINGLE, same),
        ((1, 1, 2, 2), 2, SINGLE, more),
        ((2, 2, 2, 3), 3, DOUBLE, more),
        ((1, 2, 3, 3), 4, SINGLE, more),
    ]:
        yield _case(rng, shape, outputs, group, dtype)
    yield _case(rng, (1, 3, 2, 2), 2, "fewer channels", SINGLE, EDGE)
    yield _case(rng, (3, 2, 1, 2), 2, "images of two pixels", SINGLE, EDGE)
    yield _case(rng, (1, 2, 4, 5), 1, "one output channel", SINGLE, EDGE)


def _case(rng, shape, outputs, group, dtype, *stage):
    """Drawn again until no ReLU is near its bend, and each one of them is open somewhere and closed somewhere."""
    while True:
        arguments = _arguments(rng, shape, outputs, dtype)
        before = _before_relus(*arguments)
        if all(np.abs(each).min() > AWAY and (each > 0).any() and (each < 0).any() for each in before):
            return Case(arguments, group, *stage)


def _arguments(rng, shape, outputs, dtype):
    n, inputs, *size = shape
    scales = [np.asarray(rng.uniform(0.5, 1.5, outputs), dtype) for _ in range(2)]
    shifts = [normal(rng, (outputs,), dtype) for _ in range(2)]
    first, second = normal(rng, (outputs, inputs, 3, 3), dtype), normal(rng, (outputs, outputs, 3, 3), dtype) / dtype(2)
    shortcut = None if inputs == outputs else normal(rng, (outputs, inputs, 1, 1), dtype)
    gradient = normal(rng, (n, outputs, *size), dtype)
    return (normal(rng, shape, dtype), first, scales[0], shifts[0], second, scales[1], shifts[1], shortcut, gradient)


def _before_relus(x, first, scale1, shift1, second, scale2, shift2, shortcut, gradient):
    """What goes into the first ReLU, and into the last."""
    x, first, scale1, shift1, second, scale2, shift2 = (
        torch.tensor(each) for each in (x, first, scale1, shift1, second, scale2, shift2))

    def normed(images, scale, shift):
        return images * scale.reshape(-1, 1, 1) + shift.reshape(-1, 1, 1)

    inner = normed(F.conv2d(x, first, padding=1), scale1, shift1)
    outer = normed(F.conv2d(inner.relu(), second, padding=1), scale2, shift2)
    across = x if shortcut is None else F.conv2d(x, torch.tensor(shortcut))
    return inner.numpy(), (outer + across).numpy()


def residual_block_rounding(*arguments):
    """How much rounding output and gradients may show, in units of eps.

    With BatchNorm in evaluation mode all is a polynomial of the arguments, as long as no ReLU switches (see AWAY). Each
    of its terms is off by at most eps / 2 of its size for every operation that it goes through: the products and sums
    of two convolutions and a shortcut, forward and back, at most as many as there are terms, and four operations for
    each BatchNorm and direction. Ones in place of the numbers count the terms; absolute values add up their sizes,
    as every ReLU is open then. Counting eps for eps / 2 doubles the bound.
    """
    def filled(change):
        return [None if each is None else change(each) for each in arguments]

    counts, sizes = (probe(USE)(ResidualBlock, *filled(change)) for change in (np.ones_like, np.abs))
    return tuple((count + 24) * size for count, size in zip(counts, sizes))


class Layers(nn.Module):
    """The layers that the exercise gives, and a shortcut."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1, bias=False)

    def inner(self, x):
        """f(x): two convolutions with a ReLU between them."""
        return self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))


class ResidualBlock(Layers):
    def forward(self, x):
        return F.relu(self.inner(x) + self.shortcut(x))


class _NoShortcut(Layers):
    def forward(self, x):
        return F.relu(self.inner(x))


class _NoLastReLU(Layers):
    def forward(self, x):
        return self.inner(x) + self.shortcut(x)


class _ReLUBeforeTheSum(Layers):
    def forward(self, x):
        return F.relu(self.inner(x)) + self.shortcut(x)


class _ReLUOnBoth(Layers):
    def forward(self, x):
        return F.relu(self.inner(x)) + F.relu(self.shortcut(x))


class _NoReLUBetween(Layers):
    def forward(self, x):
        return F.relu(self.bn2(self.conv2(self.bn1(self.conv1(x)))) + self.shortcut(x))


class _ReLUBeforeTheNorm(Layers):
    def forward(self, x):
        return F.relu(self.bn2(self.conv2(self.bn1(F.relu(self.conv1(x))))) + self.shortcut(x))


class _OneNormTwice(Layers):
    def forward(self, x):
        out = self.bn1(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(out + self.shortcut(x) + 0 * self.bn2.weight.sum())


class _NoNorm(Layers):
    def forward(self, x):
        return F.relu(self.conv2(F.relu(self.conv1(x))) + self.shortcut(x))


class _FromTheMiddle(Layers):
    def forward(self, x):
        middle = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(middle)) + middle)


class _Detached(Layers):
    def forward(self, x):
        return F.relu(self.inner(x) + self.shortcut(x.detach()))


class _Multiplied(Layers):
    def forward(self, x):
        return F.relu(self.inner(x) * self.shortcut(x))


class _Averaged(Layers):
    def forward(self, x):
        return F.relu((self.inner(x) + self.shortcut(x)) / 2)


class _Subtracted(Layers):
    def forward(self, x):
        return F.relu(self.inner(x) - self.shortcut(x))


class _AlwaysIdentity(Layers):
    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.shortcut = nn.Identity()

    def forward(self, x):
        return F.relu(self.inner(x) + self.shortcut(x))


class _AlwaysConvolution(Layers):
    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x):
        return F.relu(self.inner(x) + self.shortcut(x))


class _WiderKernel(Layers):
    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        if inputs != outputs:
            self.shortcut = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)

    def forward(self, x):
        return F.relu(self.inner(x) + self.shortcut(x))


class _ShortcutWithBias(Layers):
    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        if inputs != outputs:
            self.shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x):
        return F.relu(self.inner(x) + self.shortcut(x))


class _AddsX(Layers):
    def forward(self, x):
        return F.relu(self.inner(x) + x)


class _NoSecondNorm(Layers):
    def forward(self, x):
        return F.relu(self.conv2(F.relu(self.bn1(self.conv1(x)))) + self.shortcut(x))


class _NormAfterTheSum(Layers):
    def forward(self, x):
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))) + self.shortcut(x)))


class _NormFirst(Layers):
    def forward(self, x):
        out = self.conv1(F.relu(self.bn1(x)))
        return self.conv2(F.relu(self.bn2(out))) + self.shortcut(x)


class _SideBySide(Layers):
    def forward(self, x):
        return F.relu(torch.cat([self.inner(x), self.shortcut(x)], 1))


class _ShortcutOfTheResult(Layers):
    def forward(self, x):
        x = self.inner(x)
        return F.relu(x + self.shortcut(x))


class _InPlace(Layers):
    def forward(self, x):
        out = self.inner(x)
        x += out
        return F.relu(x)


class _OneConvolutionTwice(Layers):
    def forward(self, x):
        out = self.bn2(self.conv1(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(out + self.shortcut(x))


class _PaddedShortcut(Layers):
    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        if inputs != outputs:
            self.shortcut = nn.Conv2d(inputs, outputs, 1, padding=1, bias=False)

    def forward(self, x):
        return F.relu(self.inner(x) + self.shortcut(x))


class _ShortcutWithNorm(Layers):
    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        if inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return F.relu(self.inner(x) + self.shortcut(x))


class _ShortcutTurnedAround(Layers):
    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        if inputs != outputs:
            self.shortcut = nn.Conv2d(outputs, inputs, 1, bias=False)

    def forward(self, x):
        return F.relu(self.inner(x) + self.shortcut(x))


class _ConditionTurnedAround(Layers):
    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False) if inputs == outputs else nn.Identity()

    def forward(self, x):
        return F.relu(self.inner(x) + self.shortcut(x))


class _OnlyForMore(Layers):
    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False) if inputs < outputs else nn.Identity()

    def forward(self, x):
        return F.relu(self.inner(x) + self.shortcut(x))


class BlockStepByStep(Layers):
    """A line for each layer; warns on stderr."""

    def forward(self, x):
        out = self.conv1(x)
        out = self.bn1(out)
        out = torch.relu(out)
        out = self.conv2(out)
        out = self.bn2(out)
        out = out + self.shortcut(x)
        print("out", tuple(out.shape), file=sys.stderr)
        return torch.relu(out)


class BlockWithMembers(nn.Module):
    """ReLU as a member, and an `if` for the shortcut."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut = nn.Identity()
        if inputs != outputs:
            self.shortcut = nn.Conv2d(inputs, outputs, kernel_size=1, bias=False)

    def forward(self, x):
        identity = self.shortcut(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += identity
        return self.relu(out)


class BlockOfASequence(Layers):
    """f as a list of layers that are gone through."""

    def forward(self, x):
        out = x
        for layer in (self.conv1, self.bn1, nn.ReLU(), self.conv2, self.bn2):
            out = layer(out)
        return (self.shortcut(x) + out).clamp(min=0)


class BlockWithMaximum(Layers):
    """ReLU as the larger of the number and 0."""

    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.shortcut = nn.Sequential() if inputs == outputs else self.shortcut

    def forward(self, x):
        out = torch.add(self.inner(x), self.shortcut(x))
        return torch.where(out > 0, out, torch.zeros_like(out))


class BlockInOnePiece(nn.Module):
    """relu(x + f(x)), where f is two 3 by 3 convolutions, each with BatchNorm, and a ReLU between them."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return F.relu(out + self.shortcut(x))


EXERCISE = Spec(
    name="deep_networks/residual_block",
    function="ResidualBlock",
    use=USE,
    parameters=("inputs", "outputs"),
    inputs=(
        "x", "conv1_weight", "bn1_weight", "bn1_bias", "conv2_weight", "bn2_weight", "bn2_bias", "shortcut_weight",
        "gradient"),
    returns=("output", "grad_x", "grad_conv1", "grad_conv2"),
    title="A block with a way around it",
    why="With these blocks networks went from 20 layers to 150, and transformers are made of them too.",
    minutes=20,
    difficulty=3,
    weights=WEIGHTS,
    ours=ResidualBlock,
    rounding=residual_block_rounding,
    cases=residual_block_cases,
    picture="none",
    packages=("numpy", "engine"),
    withheld=("engine.vision.models.resnet",),
    shortcuts=(
        "from engine.vision.models import BasicBlock as ResidualBlock\n",
        "from engine.vision.models.resnet import BasicBlock\n"
        "class ResidualBlock(BasicBlock):\n"
        "    def __init__(self, inputs, outputs):\n"
        "        super().__init__(inputs, outputs)\n",
    ),
    misconceptions=(
        Misconception(
            "no shortcut",
            "x goes through the two convolutions and nowhere else. Add `self.shortcut(x)` to what comes out of them.",
            _NoShortcut,
        ),
        Misconception(
            "no last ReLU",
            "The sum is right. A ReLU comes after it: nothing else in the block bends what the second convolution "
            "gives.",
            _NoLastReLU,
        ),
        Misconception(
            "ReLU before the sum",
            "The last ReLU comes too early: f(x) may be negative, so that the block can take away from x as well as "
            "add to it. First add, then ReLU.",
            _ReLUBeforeTheSum,
        ),
        Misconception(
            "ReLU on both",
            "You take the ReLU of f(x) and of x, and add. It is the sum that goes through a ReLU.",
            _ReLUOnBoth,
        ),
        Misconception(
            "no ReLU between",
            "Between the two convolutions a ReLU is missing, and without it they are no more than one.",
            _NoReLUBetween,
        ),
        Misconception(
            "ReLU before the norm",
            "Inside, the order is convolution, BatchNorm, ReLU: so the ReLU cuts numbers that are spread around 0. "
            "Yours has it before the BatchNorm.",
            _ReLUBeforeTheNorm,
        ),
        Misconception(
            "one norm twice",
            "`bn1` comes after both convolutions. The second has its own, `bn2`, as its numbers have another mean and "
            "spread.",
            _OneNormTwice,
        ),
        Misconception(
            "no norm",
            "The convolutions are right; each is followed by its BatchNorm, `bn1` and `bn2`, without which numbers "
            "grow or fade from block to block.",
            _NoNorm,
        ),
        Misconception(
            "from the middle",
            "The shortcut leaves from behind the first convolution. It goes around both: what is added is "
            "`self.shortcut(x)`.",
            _FromTheMiddle,
        ),
        Misconception(
            "detached",
            "The output is right, but no gradient goes back through the shortcut, and that was the purpose of it. Use "
            "x as it is, not detached.",
            _Detached,
        ),
        Misconception(
            "multiplied",
            "You multiply f(x) by the shortcut. It is a sum: that is why gradients pass it unchanged.",
            _Multiplied,
        ),
        Misconception(
            "averaged",
            "You take the mean of both. A block halving its input, and its gradient, would fade out in a deep network: "
            "it is the plain sum.",
            _Averaged,
        ),
        Misconception(
            "subtracted",
            "You subtract the shortcut. f is added to x: with f = 0 the block should let x through.",
            _Subtracted,
        ),
        Misconception(
            "always the identity",
            "With as many channels as before this is right. Where their number changes, x cannot be added as it is: "
            "make the shortcut a convolution, `nn.Conv2d(inputs, outputs, 1, bias=False)`.",
            _AlwaysIdentity,
        ),
        Misconception(
            "always a convolution",
            "Where the number of channels changes this is right. Elsewhere x should come through untouched: "
            "`nn.Identity()`.",
            _AlwaysConvolution,
        ),
        Misconception(
            "a wider kernel",
            "The shortcut should look at one pixel at a time: a kernel of 1 by 1, which mixes channels and nothing "
            "else.",
            _WiderKernel,
        ),
        Misconception(
            "a shortcut with a bias",
            "The shortcut's convolution should have no bias: `bn2` has one already. `bias=False`.",
            _ShortcutWithBias,
        ),
        Misconception(
            "x itself",
            "You add x itself. With other numbers of channels it does not fit: add `self.shortcut(x)`, which is x "
            "wherever x fits.",
            _AddsX,
        ),
        Misconception(
            "no second norm",
            "`bn2` is missing: without it f(x) may be far larger than x, or far smaller.",
            _NoSecondNorm,
        ),
        Misconception(
            "norm after the sum",
            "`bn2` comes after the sum, so it scales and shifts x too. It belongs to f: the shortcut goes around it.",
            _NormAfterTheSum,
        ),
        Misconception(
            "norm first",
            "BatchNorm and ReLU before each convolution, and nothing after the sum: such blocks exist (He et al., "
            "2016), and here `bn1` would have to fit x. The one asked for is convolution, BatchNorm, ReLU.",
            _NormFirst,
        ),
        Misconception(
            "side by side",
            "`cat` puts f(x) and x side by side, which makes twice as many channels. They are added, number by "
            "number.",
            _SideBySide,
        ),
        Misconception(
            "the shortcut of f(x)",
            "The shortcut gets f(x), not x. With `x = ...` on the way the block's input is lost: give what comes out "
            "of the layers a name of its own.",
            _ShortcutOfTheResult,
        ),
        Misconception(
            "in place",
            "`x += ...` changes the images themselves, which belong to the caller and are needed for the gradients. "
            "Write `x + ...`.",
            _InPlace,
        ),
        Misconception(
            "one convolution twice",
            "`conv1` is used twice and `conv2` never, so one set of weights would have to serve for both, and does "
            "not fit where the number of channels changes.",
            _OneConvolutionTwice,
        ),
        Misconception(
            "a padded shortcut",
            "A kernel of 1 by 1 needs no padding: with it the shortcut's images become larger than f's.",
            _PaddedShortcut,
        ),
        Misconception(
            "a shortcut with a norm",
            "He et al. have a BatchNorm on this shortcut too. Here it is the convolution alone.",
            _ShortcutWithNorm,
        ),
        Misconception(
            "a shortcut turned around",
            "The shortcut's channels have changed places: it gets `inputs` and gives `outputs`.",
            _ShortcutTurnedAround,
        ),
        Misconception(
            "the condition turned around",
            "The two shortcuts have changed places: where inputs == outputs x fits as it is, elsewhere a convolution "
            "is needed.",
            _ConditionTurnedAround,
        ),
        Misconception(
            "only for more channels",
            "With fewer channels x does not fit either: ask whether inputs == outputs, not which is larger.",
            _OnlyForMore,
        ),
    ),
    half_right=(_AlwaysIdentity, _AlwaysConvolution),
    honest=(
        BlockInOnePiece,
        BlockStepByStep,
        BlockWithMembers,
        BlockOfASequence,
        BlockWithMaximum,
    ),
    hints=(
        "f(x) is `conv1`, `bn1`, ReLU, `conv2`, `bn2`. What is added to it, and what comes after the sum?",
        "`self.shortcut` is `nn.Identity()` if inputs == outputs. Otherwise it has to turn `inputs` channels into "
        "`outputs`, pixel by pixel: a convolution with a kernel of 1 by 1 and no bias.",
        "`out = F.relu(self.bn1(self.conv1(x)))`, `out = self.bn2(self.conv2(out))`, and return "
        "`F.relu(out + self.shortcut(x))`.",
    ),
)
