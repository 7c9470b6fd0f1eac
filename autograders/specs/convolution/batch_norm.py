"""BatchNorm2d(num_features): each channel standardized over the batch, and what is kept of that for evaluation."""

import sys

import numpy as np

import engine as torch
from autograders.spec import EDGE, Case, Misconception, Spec, Use
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal
from engine import nn

MOMENTUM, EPS = 0.1, 1e-5


def batch_norm_cases(rng):
    """Two batches whose channels lie elsewhere and spread differently, and what comes from above."""
    one, several, flat = "one channel", "several channels", "batches of another size"
    for shape, again, dtype, group in [
        ((2, 1, 2, 2), 2, SINGLE, one),
        ((3, 1, 2, 3), 3, DOUBLE, one),
        ((2, 2, 2, 2), 2, SINGLE, several),
        ((3, 3, 2, 3), 3, DOUBLE, several),
        ((2, 2, 2, 2), 4, SINGLE, flat),
        ((4, 2, 3, 2), 2, DOUBLE, flat),
    ]:
        yield _case(rng, shape, again, group, dtype)
    yield _case(rng, (1, 2, 2, 3), 1, "a single image", SINGLE, EDGE)
    yield _case(rng, (4, 3, 1, 1), 4, "images of one pixel", SINGLE, EDGE)
    constant = _case(rng, (2, 2, 2, 2), 2, "a channel that is the same everywhere", SINGLE, EDGE)
    constant.arguments[0][:, 1] = 0.0
    yield constant


def _case(rng, shape, again, group, dtype, *stage):
    channels = shape[1]
    middle, spread = rng.uniform(0.5, 1.5, (channels, 1, 1)), rng.uniform(0.7, 1.5, (channels, 1, 1))
    x, other = (rng.standard_normal((count, *shape[1:])) * spread + middle for count in (shape[0], again))
    weight, bias = rng.uniform(0.5, 2, channels), rng.uniform(0.5, 2, channels)
    arrays = (array.astype(dtype) for array in (x, other, weight, bias))
    return Case((*arrays, normal(rng, shape, dtype)), group, *stage)


AXES = (0, 2, 3)


def _statistics(x):
    """(mean, variance, how far off each may be) of the channels, in units of eps.

    A mean of n numbers is off by at most n eps / 2 of the mean size. A variance, even as mean(x²) - mean(x)², is off
    by at most (n + 4) eps / 2 of 2 mean(x²); from the mean's own error, when it is subtracted first, comes less. Both
    are granted twice.
    """
    n = x.size // x.shape[1]
    mean, variance = x.mean(axis=AXES), x.var(axis=AXES)
    return mean, variance, n * np.abs(x).mean(axis=AXES), 2 * (n + 4) * (x**2).mean(axis=AXES)


def batch_norm_rounding(x, again, weight, bias, gradient):
    """How much rounding the seven results may show, in units of eps, from that of the statistics.

    The standardized h = (x - m) / s takes over the mean's error over s, and the variance's relative error, halved by
    the root, times itself; three steps add their own roundings, granted twice as 4 |h|. The gradient of x is
    w / s (g - mean(g) - h mean(g h)): each mean over n adds n + 2 of its terms' sizes, the errors of h come in twice.
    """
    x, again, weight, bias, gradient = (array.astype(np.float64) for array in (x, again, weight, bias, gradient))
    n = x.size // x.shape[1]

    def wide(array):
        return array.reshape(1, -1, 1, 1)

    mean, variance, of_mean, of_variance = _statistics(x)
    deviation, relative = np.sqrt(variance + EPS), of_variance / (variance + EPS) / 2
    h = (x - wide(mean)) / wide(deviation)
    of_h = wide(of_mean / deviation) + np.abs(h) * wide(relative + 4) + np.abs(x) / wide(deviation)
    output = np.abs(wide(weight)) * of_h + 2 * (np.abs(h * wide(weight)) + np.abs(wide(bias)))

    size, product = np.abs(gradient), np.abs(gradient * h)
    mean_product = wide(product.mean(axis=AXES))
    inside = (n + 6) * (size + wide(size.mean(axis=AXES)) + np.abs(h) * mean_product)
    inside += of_h * mean_product + np.abs(h) * wide((size * of_h).mean(axis=AXES))
    bracket = size + wide(size.mean(axis=AXES)) + np.abs(h) * mean_product
    for_x = np.abs(wide(weight / deviation)) * (inside + bracket * wide(relative + 4))
    for_weight = (size * of_h).sum(axis=AXES) + (n + 2) * product.sum(axis=AXES)
    for_bias = (n + 2) * size.sum(axis=AXES)

    second = _statistics(again)
    unbiased = [batch.size // batch.shape[1] / (batch.size // batch.shape[1] - 1) for batch in (x, again)]
    running_mean = MOMENTUM * ((1 - MOMENTUM) * mean + second[0])
    running_var = (1 - MOMENTUM) ** 2 + MOMENTUM * ((1 - MOMENTUM) * variance * unbiased[0] + second[1] * unbiased[1])
    of_running_mean = MOMENTUM * (of_mean + second[2] + 8 * (np.abs(mean) + np.abs(second[0])))
    of_running_var = MOMENTUM * (of_variance * unbiased[0] + second[3] * unbiased[1]) + 8 * running_var
    spread = np.sqrt(running_var + EPS)
    k = (again - wide(running_mean)) / wide(spread)
    of_k = wide(of_running_mean / spread) + np.abs(k) * wide(of_running_var / running_var + 4)
    of_k += np.abs(again) / wide(spread)
    evaluated = np.abs(wide(weight)) * of_k + 2 * (np.abs(k * wide(weight)) + np.abs(wide(bias)))
    return output, for_x, for_weight, for_bias, of_running_mean, of_running_var, evaluated


class BatchNormLayer(nn.Module):
    """Parameters and buffers; what is done with them is left to the classes below."""

    def __init__(self, num_features, eps=EPS, momentum=MOMENTUM):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def keep(self, mean, variance):
        """Move the running ones towards these, by the share momentum."""
        with torch.no_grad():
            self.running_mean += self.momentum * (mean - self.running_mean)
            self.running_var += self.momentum * (variance - self.running_var)

    def scaled(self, x, mean, variance):
        """(x - mean) / deviation, times weight, plus bias, channel by channel."""
        mean, variance, weight, bias = (each.reshape(-1, 1, 1) for each in (mean, variance, self.weight, self.bias))
        return (x - mean) / (variance + self.eps).sqrt() * weight + bias

    def forward(self, x):
        if not self.training:
            return self.scaled(x, self.running_mean, self.running_var)
        self.keep(x.mean(AXES), x.var(AXES))
        return self.scaled(x, x.mean(AXES), x.var(AXES, correction=0))


class _NeverEvaluates(BatchNormLayer):
    def forward(self, x):
        if self.training:
            self.keep(x.mean(AXES), x.var(AXES))
        return self.scaled(x, x.mean(AXES), x.var(AXES, correction=0))


class _NeverKeeps(BatchNormLayer):
    def keep(self, mean, variance):
        return None


class _TrainsOnRunningOnes(BatchNormLayer):
    def forward(self, x):
        if self.training:
            self.keep(x.mean(AXES), x.var(AXES))
        return self.scaled(x, self.running_mean, self.running_var)


class _KeepsWhileEvaluating(BatchNormLayer):
    def forward(self, x):
        self.keep(x.mean(AXES), x.var(AXES))
        if self.training:
            return self.scaled(x, x.mean(AXES), x.var(AXES, correction=0))
        return self.scaled(x, self.running_mean, self.running_var)


class _DetachedStatistics(BatchNormLayer):
    def forward(self, x):
        if not self.training:
            return self.scaled(x, self.running_mean, self.running_var)
        self.keep(x.mean(AXES), x.var(AXES))
        return self.scaled(x, x.mean(AXES).detach(), x.var(AXES, correction=0).detach())


class _UnbiasedHere(BatchNormLayer):
    def forward(self, x):
        if not self.training:
            return self.scaled(x, self.running_mean, self.running_var)
        self.keep(x.mean(AXES), x.var(AXES))
        return self.scaled(x, x.mean(AXES), x.var(AXES))


class _BiasedThere(BatchNormLayer):
    def forward(self, x):
        if not self.training:
            return self.scaled(x, self.running_mean, self.running_var)
        self.keep(x.mean(AXES), x.var(AXES, correction=0))
        return self.scaled(x, x.mean(AXES), x.var(AXES, correction=0))


class _MomentumTheOtherWay(BatchNormLayer):
    def keep(self, mean, variance):
        with torch.no_grad():
            self.running_mean += (1 - self.momentum) * (mean - self.running_mean)
            self.running_var += (1 - self.momentum) * (variance - self.running_var)


class _DividesByTheVariance(BatchNormLayer):
    def scaled(self, x, mean, variance):
        mean, variance, weight, bias = (each.reshape(-1, 1, 1) for each in (mean, variance, self.weight, self.bias))
        return (x - mean) / (variance + self.eps) * weight + bias


class _ForgetsWeightAndBias(BatchNormLayer):
    def scaled(self, x, mean, variance):
        return (x - mean.reshape(-1, 1, 1)) / (variance.reshape(-1, 1, 1) + self.eps).sqrt() + 0 * self.weight.sum()


class _WithoutEps(BatchNormLayer):
    def scaled(self, x, mean, variance):
        mean, variance, weight, bias = (each.reshape(-1, 1, 1) for each in (mean, variance, self.weight, self.bias))
        return (x - mean) / variance.sqrt() * weight + bias


class _EachImageByItself(BatchNormLayer):
    def forward(self, x):
        if not self.training:
            return self.scaled(x, self.running_mean, self.running_var)
        self.keep(x.mean(AXES), x.var(AXES))
        mean, variance = x.mean((2, 3), keepdim=True), x.var((2, 3), correction=0, keepdim=True)
        weight, bias = self.weight.reshape(-1, 1, 1), self.bias.reshape(-1, 1, 1)
        return (x - mean) / (variance + self.eps).sqrt() * weight + bias


class _AllChannelsTogether(BatchNormLayer):
    def forward(self, x):
        if not self.training:
            return self.scaled(x, self.running_mean, self.running_var)
        self.keep(x.mean(AXES), x.var(AXES))
        ones = torch.ones_like(self.running_mean)
        return self.scaled(x, x.mean() * ones, x.var(correction=0) * ones)


class _BeginsWithZeros(BatchNormLayer):
    def __init__(self, num_features, eps=EPS, momentum=MOMENTUM):
        super().__init__(num_features, eps, momentum)
        self.weight = nn.Parameter(torch.zeros(num_features))


class _EpsBesideTheRoot(BatchNormLayer):
    def scaled(self, x, mean, variance):
        mean, variance, weight, bias = (each.reshape(-1, 1, 1) for each in (mean, variance, self.weight, self.bias))
        return (x - mean) / (variance.sqrt() + self.eps) * weight + bias


class _LinedUpWithColumns(BatchNormLayer):
    def scaled(self, x, mean, variance):
        weight, bias = self.weight.reshape(-1, 1, 1), self.bias.reshape(-1, 1, 1)
        return (x - mean) / (variance + self.eps).sqrt() * weight + bias


class _NeitherWeightNorBias(BatchNormLayer):
    def scaled(self, x, mean, variance):
        return (x - mean.reshape(-1, 1, 1)) / (variance.reshape(-1, 1, 1) + self.eps).sqrt()


class _SquaresForTheVariance(BatchNormLayer):
    def forward(self, x):
        if not self.training:
            return self.scaled(x, self.running_mean, self.running_var)
        self.keep(x.mean(AXES), x.var(AXES))
        return self.scaled(x, x.mean(AXES), (x * x).mean(AXES))


class _KeepsTheLast(BatchNormLayer):
    def keep(self, mean, variance):
        self.running_mean, self.running_var = mean.detach(), variance.detach()


class _KeepsDeviations(BatchNormLayer):
    def keep(self, mean, variance):
        super().keep(mean, variance.sqrt())


class _KeepsTheGraph(BatchNormLayer):
    def keep(self, mean, variance):
        self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
        self.running_var = (1 - self.momentum) * self.running_var + self.momentum * variance


class _OverTheImagesAlone(BatchNormLayer):
    def forward(self, x):
        if self.training:
            self.keep(x.mean(0), x.var(0))
        return self.scaled(x, x.mean(0), x.var(0))


class BatchNormWithMeansOfSquares(BatchNormLayer):
    """The variance as the mean of the squares less the square of the mean."""

    def forward(self, x):
        if not self.training:
            return self.scaled(x, self.running_mean, self.running_var)
        count = x.numel() // x.shape[1]
        mean = x.mean(AXES)
        variance = (x * x).mean(AXES) - mean * mean
        self.keep(mean.detach(), variance.detach() * count / (count - 1))
        return self.scaled(x, mean, variance)


class BatchNormWithRows(BatchNormLayer):
    """Brings the channels in front, as rows of numbers, and back."""

    def forward(self, x):
        if not self.training:
            return self.scaled(x, self.running_mean, self.running_var)
        rows = x.permute(1, 0, 2, 3).reshape(x.shape[1], -1)
        self.keep(rows.mean(1), rows.var(1))
        middle = rows - rows.mean(1, keepdim=True)
        rows = middle * (middle.pow(2).mean(1, keepdim=True) + self.eps).rsqrt()
        rows = rows * self.weight.unsqueeze(1) + self.bias.unsqueeze(1)
        return rows.reshape(x.shape[1], len(x), *x.shape[2:]).permute(1, 0, 2, 3)


class BatchNormWithOneFactor(BatchNormLayer):
    """weight / deviation as one factor for each channel, and one summand."""

    def scaled(self, x, mean, variance):
        factor = self.weight / torch.sqrt(variance + self.eps)
        summand = self.bias - mean * factor
        return x * factor[:, None, None] + summand[:, None, None]


class BatchNormChannelByChannel(BatchNormLayer):
    """A loop over the channels; warns on stderr."""

    def forward(self, x):
        print("a batch of", tuple(x.shape), file=sys.stderr)
        parts = []
        for channel in range(x.shape[1]):
            part = x[:, channel]
            mean, variance = self.running_mean[channel], self.running_var[channel]
            if self.training:
                mean, variance = part.mean(), part.var(correction=0)
                with torch.no_grad():
                    count = part.numel()
                    kept = 1 - self.momentum
                    self.running_mean[channel] = kept * self.running_mean[channel] + self.momentum * mean
                    new = variance * count / (count - 1)
                    self.running_var[channel] = kept * self.running_var[channel] + self.momentum * new
            part = (part - mean) / (variance + self.eps) ** 0.5
            parts.append(part * self.weight[channel] + self.bias[channel])
        return torch.stack(parts, dim=1)


class BatchNormInOnePiece(nn.Module):
    """Each channel of (N, C, H, W) standardized over the batch, times weight, plus bias."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if self.training:
            mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
            with torch.no_grad():
                self.running_mean += self.momentum * (mean - self.running_mean)
                self.running_var += self.momentum * (x.var((0, 2, 3)) - self.running_var)
        else:
            mean, variance = self.running_mean, self.running_var
        scale = self.weight / (variance + self.eps).sqrt()
        return (x - mean.reshape(-1, 1, 1)) * scale.reshape(-1, 1, 1) + self.bias.reshape(-1, 1, 1)


ENGINES_OWN = nn.BatchNorm2d  # which `nn.BatchNorm2d` is no more once an answer is in use


def as_batch_norm(answer):
    """The answer where the engine makes a usual layer; the engine's own where something else is asked for."""

    class BatchNorm2d(answer):
        def __new__(cls, num_features, eps=1e-5, momentum=0.1, *others, **options):
            if others or options or momentum is None:
                return ENGINES_OWN(num_features, eps, momentum, *others, **options)
            return super().__new__(cls)

        def __init__(self, num_features, eps=1e-5, momentum=0.1):
            super().__init__(num_features, eps, momentum)

    return BatchNorm2d


EXERCISE = Spec(
    name="convolution/batch_norm",
    function="BatchNorm2d",
    use=Use("class", probe="batch_norm"),
    parameters=("num_features",),
    inputs=("x", "again", "weight", "bias", "gradient"),
    returns=("output", "grad_x", "grad_weight", "grad_bias", "running_mean", "running_var", "evaluated"),
    title="Standardize each channel over the batch",
    why="Deep networks of convolutions train several times faster with it, and bear larger learning rates.",
    minutes=20,
    difficulty=4,
    weights=WEIGHTS,
    ours=ENGINES_OWN,
    part="nn.BatchNorm2d",
    as_part=as_batch_norm,
    rounding=batch_norm_rounding,
    cases=batch_norm_cases,
    picture="none",
    packages=("numpy", "engine"),
    withheld=(
        "engine.nn.normalization", "engine.nn.functional.normalization", "engine.nn.primitives.normalization",
        "engine.nn.primitives.batch_norm"),
    shortcuts=(
        "from engine.nn import BatchNorm2d",
        "import engine\nclass BatchNorm2d(engine.nn.BatchNorm2d):\n    pass",
        "import engine as torch\nfrom engine import nn\nclass BatchNorm2d(nn.Module):\n"
        "    def __init__(self, num_features, eps=1e-5, momentum=0.1):\n        super().__init__()\n"
        "        self.weight = nn.Parameter(torch.ones(num_features))\n"
        "        self.bias = nn.Parameter(torch.zeros(num_features))\n"
        "        self.register_buffer('running_mean', torch.zeros(num_features))\n"
        "        self.register_buffer('running_var', torch.ones(num_features))\n"
        "    def forward(self, x):\n"
        "        return nn.functional.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias,\n"
        "                                        self.training)\n",
        "import engine as torch\nfrom engine import nn\nfrom engine.nn.primitives.batch_norm import batch_norm\n"
        "class BatchNorm2d(nn.Module):\n"
        "    def __init__(self, num_features, eps=1e-5, momentum=0.1):\n        super().__init__()\n"
        "        self.weight = nn.Parameter(torch.ones(num_features))\n"
        "        self.bias = nn.Parameter(torch.zeros(num_features))\n"
        "        self.register_buffer('running_mean', torch.zeros(num_features))\n"
        "        self.register_buffer('running_var', torch.ones(num_features))\n"
        "    def forward(self, x):\n"
        "        return batch_norm(x, self.weight, self.bias, eps=1e-5, kept={})\n",
    ),
    misconceptions=(
        Misconception(
            "never evaluates",
            "In evaluation your layer still looks at the batch, so the answer for one image depends on the others. "
            "When `self.training` is False use `running_mean` and `running_var`.",
            _NeverEvaluates,
        ),
        Misconception(
            "keeps nothing",
            "Training is right, but nothing is kept of it: each batch in training moves `running_mean` and "
            "`running_var` by the share `momentum` towards its own.",
            _NeverKeeps,
        ),
        Misconception(
            "trains on the running ones",
            "In training the batch's own mean and variance are used; the running ones are for evaluation.",
            _TrainsOnRunningOnes,
        ),
        Misconception(
            "keeps while evaluating",
            "The running mean and variance move in evaluation too: then a test changes the model. Move them only when "
            "`self.training`.",
            _KeepsWhileEvaluating,
        ),
        Misconception(
            "detached statistics",
            "The output is right, and the gradient of x is not: mean and variance depend on x as well, so they must "
            "stay in the graph. Only what is kept is no part of it.",
            _DetachedStatistics,
        ),
        Misconception(
            "n - 1 in training",
            "You divide by n - 1 in the variance that standardizes. There it is n: `correction=0`. Divided by n - 1 "
            "is the one that is kept.",
            _UnbiasedHere,
        ),
        Misconception(
            "n in what is kept",
            "Output and gradients are right. For `running_var` torch keeps the variance divided by n - 1, an estimate "
            "for all images: `x.var((0, 2, 3))`.",
            _BiasedThere,
        ),
        Misconception(
            "momentum the other way round",
            "Output and gradients are right. `momentum` is the share of the new batch, here 0.1, and not what is kept "
            "of the old, as it would be in an optimizer.",
            _MomentumTheOtherWay,
        ),
        Misconception(
            "divides by the variance",
            "You divide by the variance. To bring the spread to 1 divide by its root, the standard deviation.",
            _DividesByTheVariance,
        ),
        Misconception(
            "forgets weight and bias",
            "Standardized it is; now times `weight`, plus `bias`, so that the layer can undo it where that is better.",
            _ForgetsWeightAndBias,
        ),
        Misconception(
            "without eps",
            "Where a channel is the same everywhere you divide 0 by 0. Add `eps` to the variance before the root.",
            _WithoutEps,
        ),
        Misconception(
            "each image by itself",
            "You standardize each image by itself. One mean and one variance for each channel, over the whole batch: "
            "axes 0, 2 and 3.",
            _EachImageByItself,
        ),
        Misconception(
            "all channels together",
            "You take one mean over everything. Each channel has its own: axes 0, 2 and 3, and axis 1 stays.",
            _AllChannelsTogether,
        ),
        Misconception(
            "begins with zeros",
            "`weight` begins with zeros, so a new layer answers zero whatever it is given. Begin with "
            "`torch.ones(num_features)`: times 1, plus 0.",
            _BeginsWithZeros,
        ),
        Misconception(
            "eps beside the root",
            "Nearly right. eps belongs to the variance, under the root: `(variance + eps).sqrt()`.",
            _EpsBesideTheRoot,
        ),
        Misconception(
            "lined up with columns",
            "Mean and variance, (C), line up with the last axis, the columns of the image. `reshape(-1, 1, 1)` lines "
            "them up with the channels.",
            _LinedUpWithColumns,
        ),
        Misconception(
            "neither weight nor bias",
            "It is standardized, but `weight` and `bias` take no part, so no gradient reaches them: times `weight`, "
            "plus `bias`.",
            _NeitherWeightNorBias,
        ),
        Misconception(
            "squares for the variance",
            "You take the mean of the squares. The variance is the mean square distance *from the mean*: subtract "
            "that first, or use `x.var`.",
            _SquaresForTheVariance,
        ),
        Misconception(
            "keeps the last",
            "The running values are those of the last batch. They should be steadier than any one batch, and move "
            "towards it by the share `momentum` only.",
            _KeepsTheLast,
        ),
        Misconception(
            "keeps deviations",
            "`running_var` keeps variances; you move it towards the standard deviation.",
            _KeepsDeviations,
        ),
        Misconception(
            "keeps the graph",
            "The running values take part in the graph: through them each batch holds on to all batches before, and "
            "memory grows. Move them within `torch.no_grad()`.",
            _KeepsTheGraph,
        ),
        Misconception(
            "over the images alone",
            "You take the mean over the images alone, so there is one for each pixel. A channel has one mean over all "
            "images *and places*: axes 0, 2 and 3.",
            _OverTheImagesAlone,
        ),
    ),
    half_right=(_TrainsOnRunningOnes,),
    honest=(
        BatchNormLayer,
        BatchNormWithMeansOfSquares,
        BatchNormWithRows,
        BatchNormWithOneFactor,
        BatchNormChannelByChannel,
    ),
    solution=BatchNormInOnePiece,
    hints=(
        "A mean for each channel of (N, C, H, W): over which axes? And `reshape(-1, 1, 1)` lines (C) up with channels.",
        "In training use `x.mean((0, 2, 3))` and `x.var((0, 2, 3), correction=0)`; in evaluation the running ones. "
        "Then `(x - mean) / (variance + eps).sqrt() * weight + bias`.",
        "What is kept, within `torch.no_grad()`: `self.running_mean += self.momentum * (mean - self.running_mean)`, "
        "and the same with `x.var((0, 2, 3))`, divided by n - 1, for the variance.",
    ),
)
