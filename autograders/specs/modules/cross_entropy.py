"""CrossEntropy: the mean of -log softmax(logits)[target] as a Function, forward and backward."""

import sys

import numpy as np

import engine as torch
from autograders.spec import EDGE, Case, Misconception, Spec, Use
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal

Function = torch.autograd.Function


def cross_entropy(logits, target, gradient):
    """The loss, and gradient times its gradient, by the formula."""
    rows = np.arange(len(target))
    shifted = logits - logits.max(axis=1, keepdims=True)
    sums = np.exp(shifted).sum(axis=1, keepdims=True)
    probabilities = np.exp(shifted) / sums
    probabilities[rows, target] -= 1
    loss = (np.log(sums[:, 0]) - shifted[rows, target]).mean()
    return np.asarray(loss), probabilities * (gradient / len(target))


def cross_entropy_rounding(logits, target, gradient):
    """How much rounding loss and gradient may show, in units of eps.

    A loss is a logarithm of a sum of C exponentials, less a logit. An exponent is off by at most eps / 2 times the
    largest numbers that were subtracted (the logits, their log-sum-exp), the sum by C * eps / 2, which the logarithm
    makes absolute, and a few steps by eps / 2 of the logits or of the loss; the mean of N adds N * eps / 2 of the loss.
    A probability, at most 1, is off by the same steps in relation to it, and is multiplied by |gradient| / N. Counting
    eps for eps / 2 doubles the bounds.
    """
    rows, classes = logits.shape
    loss, _ = cross_entropy(logits, target, gradient)
    steps = classes + 8 + 4 * np.abs(logits).max()
    return np.array(steps + (rows + 4) * abs(loss)), np.full(logits.shape, np.abs(gradient) / rows * steps)


def cross_entropy_cases(rng):
    """Logits of shape (rows, classes), the right class of each row, and what comes from above."""
    for rows, classes, dtype in [(1, 3, SINGLE), (1, 5, DOUBLE)]:
        yield _cross_entropy_case(rng, normal(rng, (rows, classes), dtype), 1.0, "one row")
    for rows, classes, dtype in [(2, 3, SINGLE), (4, 4, DOUBLE), (6, 10, SINGLE)]:
        yield _cross_entropy_case(rng, normal(rng, (rows, classes), dtype), 1.0, "a batch")
        yield _cross_entropy_case(rng, normal(rng, (rows, classes), dtype), -3.0, "gradient from above not 1")
    enormous = np.array([[1000.0, 0.0, -1000.0]], SINGLE) + normal(rng, (1, 3))
    yield _cross_entropy_case(rng, enormous, 1.0, "enormous logits", EDGE, target=np.array([2]))
    yield _cross_entropy_case(rng, normal(rng, (2, 4)) - SINGLE(1000), 2.0, "very negative logits", EDGE)
    yield _cross_entropy_case(rng, normal(rng, (3, 3)), 1.0, "rows of one class", EDGE, target=np.array([1, 1, 1]))


def _cross_entropy_case(rng, logits, gradient, *where, target=None):
    if target is None:
        target = rng.integers(logits.shape[1], size=logits.shape[0])
    return Case((logits, target, gradient), *where)


class CrossEntropyWithIndices(torch.autograd.Function):
    """The mean over the batch of -log softmax(logits)[target]; finite however large the logits are."""

    @staticmethod
    def forward(ctx, logits, target):
        shifted = logits - logits.amax(1, keepdim=True)
        sums = shifted.exp().sum(1, keepdim=True)
        ctx.save_for_backward(shifted.exp() / sums, target)
        rows = torch.arange(len(target))
        return (sums.log()[:, 0] - shifted[rows, target]).mean()

    @staticmethod
    def backward(ctx, gradient):
        probabilities, target = ctx.saved_tensors
        for_logits = probabilities.clone()
        for_logits[torch.arange(len(target)), target] -= 1
        return for_logits * gradient / len(target), None


class _Overflows(CrossEntropyWithIndices):
    @staticmethod
    def forward(ctx, logits, target):
        probabilities = logits.exp() / logits.exp().sum(1, keepdim=True)
        ctx.save_for_backward(probabilities, target)
        return -probabilities[torch.arange(len(target)), target].log().mean()


class _Clipped(CrossEntropyWithIndices):
    @staticmethod
    def forward(ctx, logits, target):
        shifted = logits - logits.amax(1, keepdim=True)
        probabilities = shifted.exp() / shifted.exp().sum(1, keepdim=True)
        ctx.save_for_backward(probabilities, target)
        return -(probabilities[torch.arange(len(target)), target] + 1e-8).log().mean()


class _Sum(CrossEntropyWithIndices):
    @staticmethod
    def forward(ctx, logits, target):
        return CrossEntropyWithIndices.forward(ctx, logits, target) * len(target)


class _PlainSign(CrossEntropyWithIndices):
    @staticmethod
    def forward(ctx, logits, target):
        return -CrossEntropyWithIndices.forward(ctx, logits, target)


class _WrongAxis(CrossEntropyWithIndices):
    @staticmethod
    def forward(ctx, logits, target):
        shifted = logits - logits.amax(0, keepdim=True)
        sums = shifted.exp().sum(0, keepdim=True)
        ctx.save_for_backward(shifted.exp() / sums, target)
        return -((shifted - sums.log())[torch.arange(len(target)), target]).mean()


class _ForgetsTheMean(CrossEntropyWithIndices):
    @staticmethod
    def backward(ctx, gradient):
        for_logits, _ = CrossEntropyWithIndices.backward(ctx, gradient)
        return for_logits * len(for_logits), None


class _ForgetsTheGradient(CrossEntropyWithIndices):
    @staticmethod
    def backward(ctx, gradient):
        return CrossEntropyWithIndices.backward(ctx, 1.0)


class _ForgetsBoth(CrossEntropyWithIndices):
    @staticmethod
    def backward(ctx, gradient):
        return _ForgetsTheMean.backward(ctx, 1.0)


class _ForgetsTheTarget(CrossEntropyWithIndices):
    @staticmethod
    def backward(ctx, gradient):
        probabilities, target = ctx.saved_tensors
        return probabilities * gradient / len(target), None


class _TurnedAround(CrossEntropyWithIndices):
    @staticmethod
    def backward(ctx, gradient):
        for_logits, _ = CrossEntropyWithIndices.backward(ctx, gradient)
        return -for_logits, None


class _LossOnly(CrossEntropyWithIndices):
    @staticmethod
    def forward(ctx, logits, target):
        return CrossEntropyWithIndices.forward(ctx, logits, target)

    @staticmethod
    def backward(ctx, gradient):
        raise NotImplementedError


class _OneGradient(CrossEntropyWithIndices):
    @staticmethod
    def backward(ctx, gradient):
        return CrossEntropyWithIndices.backward(ctx, gradient)[0]


class _OneLossForEach(CrossEntropyWithIndices):
    @staticmethod
    def forward(ctx, logits, target):
        shifted = logits - logits.amax(1, keepdim=True)
        sums = shifted.exp().sum(1, keepdim=True)
        ctx.save_for_backward(shifted.exp() / sums, target)
        return (sums.log() - shifted)[torch.arange(len(target)), target]


class _MaximumAndItsPlace(CrossEntropyWithIndices):
    @staticmethod
    def forward(ctx, logits, target):
        return CrossEntropyWithIndices.forward(ctx, logits - logits.max(1, keepdim=True), target)


class CrossEntropyWithGather(Function):
    """Picks with gather, and subtracts a one-hot matrix."""

    @staticmethod
    def forward(ctx, logits, target):
        highest = logits.max(dim=1, keepdim=True).values
        logarithm = (logits - highest).exp().sum(dim=1, keepdim=True).log() + highest
        ctx.save_for_backward(logits, logarithm, target)
        return (logarithm - logits.gather(1, target.unsqueeze(1))).mean()

    @staticmethod
    def backward(ctx, gradient):
        logits, logarithm, target = ctx.saved_tensors
        truth = torch.nn.functional.one_hot(target, logits.shape[1])
        return gradient / logits.shape[0] * ((logits - logarithm).exp() - truth), None


class CrossEntropyWithLogSumExp(Function):
    """Keeps in ctx what it needs, and lets logsumexp see to the rest."""

    @staticmethod
    def forward(ctx, logits, target):
        ctx.logits, ctx.target, ctx.total = logits, target, torch.logsumexp(logits, 1)
        return torch.mean(ctx.total - torch.stack([row[t] for row, t in zip(logits, target.tolist())]))

    @staticmethod
    def backward(ctx, gradient):
        result = torch.exp(ctx.logits - ctx.total.reshape(-1, 1))
        for row, t in enumerate(ctx.target.tolist()):
            result[row, t] -= 1.0
        return result.mul_(gradient / len(result)), None


class CrossEntropyWithNumpy(Function):
    """Leaves tensors for arrays: inside of a Function nothing is recorded anyway."""

    @staticmethod
    def forward(ctx, logits, target):
        z, t = logits.detach().numpy(), target.numpy()
        z = z - z.max(axis=1, keepdims=True)
        logs = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
        ctx.logs, ctx.t = logs, t
        return torch.tensor(-np.mean(logs[range(len(t)), t]))

    @staticmethod
    def backward(ctx, gradient):
        result = np.exp(ctx.logs)
        np.subtract.at(result, (np.arange(len(ctx.t)), ctx.t), 1)
        return torch.from_numpy(result * (gradient.numpy() / len(ctx.t))), None


class CrossEntropyRowByRow(Function):
    """The slow specification: one row after another."""

    @staticmethod
    def forward(ctx, logits, target):
        ctx.rows, loss = [], 0.0
        for z, t in zip(logits, target.tolist()):
            exponentials = (z - z.max()).exp()
            ctx.rows.append((exponentials / exponentials.sum(), t))
            loss = loss + exponentials.sum().log() - (z[t] - z.max())
        return loss / len(target)

    @staticmethod
    def backward(ctx, gradient):
        result = []
        for probabilities, t in ctx.rows:
            ones = torch.zeros_like(probabilities)
            ones[t] = 1
            result.append((probabilities - ones) * (gradient / len(ctx.rows)))
        return torch.stack(result), None


class CrossEntropyInDouble(Function):
    """Computes in float64, warns on stderr, and rounds once at the end."""

    @staticmethod
    def forward(ctx, logits, target):
        print("the loss of", len(target), "rows", file=sys.stderr)
        ctx.dtype = logits.dtype
        return CrossEntropyWithIndices.forward(ctx, logits.double(), target).to(logits.dtype)

    @staticmethod
    def backward(ctx, gradient):
        for_logits, nothing = CrossEntropyWithIndices.backward(ctx, gradient.double())
        return for_logits.to(ctx.dtype), nothing


class CrossEntropyByAutograd(Function):
    """Records inside, and walks back with the engine."""

    @staticmethod
    def forward(ctx, logits, target):
        with torch.enable_grad():
            ctx.logits = logits.detach().requires_grad_()
            picked = ctx.logits[torch.arange(len(target)), target]
            ctx.loss = (torch.logsumexp(ctx.logits, dim=1) - picked).sum() / len(target)
        return ctx.loss.detach()

    @staticmethod
    def backward(ctx, gradient):
        (for_logits,) = torch.autograd.grad(ctx.loss, ctx.logits, gradient)
        return for_logits, None


class CrossEntropyGradientFirst(Function):
    """Computes the gradient in forward already, so that backward only has to scale it."""

    @staticmethod
    def forward(ctx, logits, target):
        exponentials = torch.exp(logits - logits.amax(dim=-1, keepdim=True))
        right = torch.zeros_like(logits).scatter_(1, target[:, None], 1.0)
        total = exponentials.sum(dim=-1, keepdim=True)
        ctx.save_for_backward((exponentials / total - right) / logits.size(0))
        logs = logits - logits.amax(dim=-1, keepdim=True) - torch.log(total)
        return -(right * logs).sum() / logits.size(0)

    @staticmethod
    def backward(ctx, gradient):
        (ready,) = ctx.saved_tensors
        return ready * gradient, None


EXERCISE = Spec(
    name="modules/cross_entropy",
    function="CrossEntropy",
    use=Use("class", method="forward", probe="cross_entropy"),
    parameters=("ctx", "logits", "target"),
    inputs=("logits", "target", "gradient"),
    returns=("loss", "grad_logits"),
    title="Cross-entropy as an operation of your own",
    why="The loss of every classifier: large for a right class that was thought unlikely, and never nan.",
    minutes=20,
    difficulty=3,
    weights=WEIGHTS,
    reference=cross_entropy,
    ours=CrossEntropyWithIndices,
    rounding=cross_entropy_rounding,
    cases=cross_entropy_cases,
    packages=("numpy", "engine"),
    withheld=(
        "engine.nn.functional.loss.cross_entropy", "engine.nn.functional.loss.nll_loss", "engine.ops.reduction.softmax",
        "engine.ops.reduction.log_softmax", "engine.ops.quick._log_softmax", "engine.ops.quick._log_softmax_vjp"),
    shortcuts=(
        "import engine as torch\nclass CrossEntropy(torch.autograd.Function):\n    @staticmethod\n"
        "    def forward(ctx, logits, target):\n        return torch.nn.functional.cross_entropy(logits, target)\n",
        "import engine as torch\nclass CrossEntropy(torch.autograd.Function):\n    @staticmethod\n"
        "    def forward(ctx, logits, target):\n        return torch.nn.CrossEntropyLoss()(logits, target)\n",
        "import engine as torch\nclass CrossEntropy(torch.autograd.Function):\n    @staticmethod\n"
        "    def forward(ctx, logits, target):\n        return -logits.log_softmax(1)[:, target].mean()\n",
        "import engine as torch\nfrom engine.ops import quick\nclass CrossEntropy(torch.autograd.Function):\n"
        "    @staticmethod\n    def forward(ctx, logits, target):\n        logs = quick._log_softmax(logits.array, dim=1)\n"
        "        return torch.tensor(-logs[range(len(logs)), target.array].mean())\n",
        "import torch\nclass CrossEntropy(torch.autograd.Function):\n    @staticmethod\n"
        "    def forward(ctx, logits, target):\n        return torch.nn.functional.cross_entropy(logits, target)\n",
    ),
    misconceptions=(
        Misconception(
            "overflows",
            "Ordinary logits come out right, but `exp` of a large one is infinite and of a small one 0, and their "
            "quotient is nan. Subtract each row's largest logit first, and take the logarithm of the sum, not of the "
            "probability: `log(sum) - shifted[target]`.",
            _Overflows,
        ),
        Misconception(
            "clipped",
            "A small number added before the logarithm keeps it finite, and wrong: the loss can never be larger than "
            "about 18, whatever the logits. Use `log(sum) - shifted[target]`, which needs no such help.",
            _Clipped,
        ),
        Misconception(
            "sum in place of the mean",
            "Your loss is N times too large: it is the mean over the batch, not the sum.",
            _Sum,
        ),
        Misconception(
            "plain sign",
            "Your loss has the wrong sign: the logarithm of a probability is negative, and the loss is minus that.",
            _PlainSign,
        ),
        Misconception(
            "wrong axis",
            "You normalise over the batch (axis 0). Each row of logits belongs to one example, so softmax goes along "
            "axis 1.",
            _WrongAxis,
        ),
        Misconception(
            "forgets the mean",
            "Your gradient is N times too large: the loss is a mean over the batch, so each row's share is 1 / N.",
            _ForgetsTheMean,
        ),
        Misconception(
            "forgets the gradient from above",
            "`backward` leaves out `gradient`, what comes from above. It happens to be 1 when the loss is the last "
            "step; in general the chain rule multiplies by it.",
            _ForgetsTheGradient,
        ),
        Misconception(
            "forgets both factors",
            "The heart of the gradient is right: probabilities, minus one at the target. Two factors are missing: "
            "1 / N, since the loss is a mean, and `gradient`, what comes from above.",
            _ForgetsBoth,
        ),
        Misconception(
            "forgets the target",
            "Your gradient is made of the probabilities alone. Subtract 1 from that of the right class in each row: it "
            "is what pulls its logit up.",
            _ForgetsTheTarget,
        ),
        Misconception(
            "turned around",
            "Your gradient has the wrong sign: it is probabilities minus truth, not truth minus probabilities.",
            _TurnedAround,
        ),
        Misconception(
            "one gradient for two inputs",
            "`forward` took two things, `logits` and `target`, so `backward` returns two: the gradient of the logits, "
            "and None for the target.",
            _OneGradient,
        ),
        Misconception(
            "one loss for each row",
            "These are the losses of the single rows. Wanted is one number for the batch, their mean.",
            _OneLossForEach,
        ),
        Misconception(
            "the maximum and its place",
            "`max` along an axis gives two things, the largest numbers and their places. `amax(1, keepdim=True)` gives "
            "the numbers alone.",
            _MaximumAndItsPlace,
        ),
    ),
    half_right=(_LossOnly, _TurnedAround),
    honest=(
        CrossEntropyWithIndices,
        CrossEntropyWithGather,
        CrossEntropyWithLogSumExp,
        CrossEntropyWithNumpy,
        CrossEntropyRowByRow,
        CrossEntropyInDouble,
        CrossEntropyByAutograd,
        CrossEntropyGradientFirst,
    ),
    hints=(
        "Let `shifted = logits - logits.amax(1, keepdim=True)`. No exponential of it is larger than 1, and each row's "
        "loss is `log(sum of exp(shifted)) - shifted[target]`.",
        "`shifted[torch.arange(len(target)), target]` picks one number a row. `ctx.save_for_backward(probabilities, "
        "target)` in `forward`, `probabilities, target = ctx.saved_tensors` in `backward`.",
        "The gradient is chapter 3's: a clone of the probabilities, 1 subtracted at each target, times "
        "`gradient / len(target)`. Return it, and None for `target`.",
    ),
)
