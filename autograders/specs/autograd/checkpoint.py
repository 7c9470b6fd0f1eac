"""Checkpoint: an operation that keeps its input alone, and computes the rest a second time on the way back."""

import sys

import numpy as np

import engine as torch
from autograders.spec import EDGE, Case, Misconception, Spec, Use
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal
from engine.utils.checkpoint import checkpoint


class EnginesOwn(torch.autograd.Function):
    """The engine's checkpoint within a Function, which hands all gradients on."""

    @staticmethod
    def forward(ctx, function, x):
        """function(x), checkpointed."""
        with torch.enable_grad():
            ctx.x = x.detach().requires_grad_()
            ctx.result = checkpoint(function, ctx.x, use_reentrant=True)
        return ctx.result.detach()

    @staticmethod
    def backward(ctx, gradient):
        """From the result through the checkpoint, which runs the function again."""
        ctx.result.backward(gradient)
        return None, ctx.x.grad


def checkpoint_rounding(gradient, x, weight):
    """How much rounding the results may show, in units of eps.

    z = x @ weight is a sum of d products, off by (d + 1) / 2 of the sum of their sizes, Z. tanh is nowhere steeper than
    1 and takes a few roundings of its own, at most 4: so t is off by Z (d + 1) / 2 + 4, and value = t x by |x| times
    that. In the gradients 1 - t² is off by twice as much as t; what comes back to z, by |gradient x| times that; and
    from there d, or n, products are added up. All of that is granted twice.
    """
    rows, features = x.shape
    sizes = np.abs(x) @ np.abs(weight)
    of_tanh = (features + 1) * sizes + 8
    from_above = np.abs(gradient * x)
    of_slope = from_above * (2 * of_tanh + 4)
    for_x = of_slope @ np.abs(weight).T + (features + 2) * from_above @ np.abs(weight).T + np.abs(gradient) * of_tanh
    for_weight = np.abs(x).T @ of_slope + (rows + 2) * np.abs(x).T @ from_above
    return np.abs(x) * of_tanh, for_x, for_weight, np.zeros(()), np.zeros(())


def checkpoint_cases(rng):
    """Batches of rows and a square weight."""
    for rows, features, dtype, group in [
        (1, 2, SINGLE, "one row"), (1, 3, DOUBLE, "one row"), (3, 2, SINGLE, "a batch"), (4, 5, DOUBLE, "a batch"),
    ]:
        yield _case(rng, rows, features, dtype, group)
    yield _case(rng, 1, 1, SINGLE, "a single number", EDGE)
    yield _case(rng, 0, 2, SINGLE, "an empty batch", EDGE)


def _case(rng, rows, features, dtype, *where):
    shapes = (rows, features), (rows, features), (features, features)
    return Case(tuple(normal(rng, shape, dtype) for shape in shapes), *where)


class _Forward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, function, x):
        ctx.function = function
        ctx.save_for_backward(x)
        return function(x)


class CheckpointAsWritten(_Forward):
    """As the chapter has it."""

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        with torch.enable_grad():
            again = x.detach().requires_grad_()
            ctx.function(again).backward(gradient)
        return None, again.grad


class CheckpointWithoutBlock(torch.autograd.Function):
    """Says `no_grad` once more than needed, and switches recording on by hand."""

    @staticmethod
    def forward(ctx, function, x):
        with torch.no_grad():
            result = function(x)
        ctx.save_for_backward(x)
        ctx.function = function
        return result

    @staticmethod
    def backward(ctx, gradient):
        again = ctx.saved_tensors[0].clone().detach().requires_grad_(True)
        torch.set_grad_enabled(True)
        try:
            result = ctx.function(again)
        finally:
            torch.set_grad_enabled(False)
        result.backward(gradient)
        return None, again.grad


class CheckpointThroughALoss(_Forward):
    """Goes back from the number whose gradient is the one from above."""

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        with torch.enable_grad():
            again = x.detach().requires_grad_()
            (ctx.function(again) * gradient).sum().backward()
        return None, again.grad


class CheckpointWithTheBackwardFunction(_Forward):
    """torch.autograd.backward, and the gradient as a copy."""

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        with torch.enable_grad():
            again = x.detach()
            again.requires_grad = True
            result = ctx.function(again)
        torch.autograd.backward([result], [gradient])
        return None, again.grad.clone()


class CheckpointOnAttributes(torch.autograd.Function):
    """Keeps the detached input on `ctx` itself, and talks on stderr."""

    @staticmethod
    def forward(ctx, function, x):
        ctx.function, ctx.x = function, x.detach()
        return function(x)

    @staticmethod
    def backward(ctx, gradient):
        print("once more", file=sys.stderr)
        again = ctx.x.clone().requires_grad_()
        with torch.enable_grad():
            result = ctx.function(again)
        result.backward(gradient)
        return None, again.grad


class CheckpointWithSetup(torch.autograd.Function):
    """Keeps a copy made with numpy's help, so that later changes of x do no harm."""

    @staticmethod
    def forward(ctx, function, x):
        ctx.function = function
        ctx.save_for_backward(torch.tensor(x.detach().numpy().copy()))
        return function(x)

    backward = CheckpointAsWritten.backward


class CheckpointAsADecorator(_Forward):
    """`enable_grad` as a decorator of the inner step."""

    @staticmethod
    def backward(ctx, gradient):
        again = ctx.saved_tensors[0].detach().requires_grad_()

        @torch.enable_grad()
        def step():
            return ctx.function(again)

        step().backward(gradient)
        return None, again.grad


class _WithoutRecording(_Forward):
    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        again = x.detach().requires_grad_()
        ctx.function(again).backward(gradient)
        return None, again.grad


class _KeepsTheGraph(torch.autograd.Function):
    @staticmethod
    def forward(ctx, function, x):
        with torch.enable_grad():
            ctx.x = x.detach().requires_grad_()
            ctx.result = function(ctx.x)
        return ctx.result.detach()

    @staticmethod
    def backward(ctx, gradient):
        ctx.result.backward(gradient)
        return None, ctx.x.grad


class _ForgetsWhatComesFromAbove(_Forward):
    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        with torch.enable_grad():
            again = x.detach().requires_grad_()
            ctx.function(again).sum().backward()
        return None, again.grad


class _OneGradient(_Forward):
    @staticmethod
    def backward(ctx, gradient):
        return CheckpointAsWritten.backward(ctx, gradient)[1]


class _HandsOn(_Forward):
    @staticmethod
    def backward(ctx, gradient):
        return None, gradient


class _OnlyX(_Forward):
    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        with torch.enable_grad():
            again = x.detach().requires_grad_()
            (for_x,) = torch.autograd.grad(ctx.function(again), again, gradient)
        return None, for_x


class _RunsOnTheSaved(_Forward):
    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        with torch.enable_grad():
            result = ctx.function(x)
        result.backward(gradient)
        return None, x.grad


EXERCISE = Spec(
    name="autograd/checkpoint",
    function="Checkpoint",
    use=Use("class", method="forward", probe="checkpoint"),
    parameters=("ctx", "function", "x"),
    inputs=("gradient", "x", "weight"),
    returns=("value", "grad_x", "grad_weight", "numbers_kept", "runs"),
    title="Memory for time: gradient checkpointing",
    why="Training keeps every intermediate result until backward. Computing them again instead is how models train "
    "that would not fit into memory.",
    minutes=15,
    difficulty=4,
    weights=WEIGHTS,
    ours=EnginesOwn,
    rounding=checkpoint_rounding,
    cases=checkpoint_cases,
    packages=("numpy", "engine"),
    withheld=("engine.utils.checkpoint",),
    shortcuts=(
        "import engine as torch\nfrom engine.utils.checkpoint import checkpoint\n"
        "class Checkpoint(torch.autograd.Function):\n"
        "    @staticmethod\n    def forward(ctx, function, x):\n        with torch.enable_grad():\n"
        "            ctx.x = x.detach().requires_grad_()\n"
        "            ctx.result = checkpoint(function, ctx.x, use_reentrant=True)\n        return ctx.result.detach()\n"
        "    @staticmethod\n    def backward(ctx, gradient):\n        ctx.result.backward(gradient)\n"
        "        return None, ctx.x.grad\n",
    ),
    misconceptions=(
        Misconception(
            "without recording",
            "Inside `backward` nothing is recorded, so the second run leaves no graph to go back through. Put it into "
            "`with torch.enable_grad():`.",
            _WithoutRecording,
        ),
        Misconception(
            "keeps the graph",
            "The numbers are right, but nothing is saved: the graph was recorded in `forward` and waited on `ctx`, "
            "with all that it holds. Keep the input alone, and run the function again in `backward`.",
            _KeepsTheGraph,
        ),
        Misconception(
            "forgets the gradient from above",
            "You go back from the sum of the result, as if `gradient` were all ones. What comes from above says how "
            "much each number counts: `result.backward(gradient)`.",
            _ForgetsWhatComesFromAbove,
        ),
        Misconception(
            "one gradient for two inputs",
            "`forward` took two things, `function` and `x`, so `backward` returns two: `None` for the function, then "
            "the gradient of `x`.",
            _OneGradient,
        ),
        Misconception(
            "hands the gradient on",
            "You hand on what came from above, as if the function changed nothing. Run it again, recorded, and go back "
            "through that.",
            _HandsOn,
        ),
        Misconception(
            "the parameters inside get nothing",
            "The gradient of `x` is right, but `torch.autograd.grad` gives it to you alone: the parameters that the "
            "function uses get nothing. `result.backward(gradient)` reaches all of them.",
            _OnlyX,
        ),
        Misconception(
            "runs on the saved tensor",
            "The gradient of `x` counts twice: the second run hangs on the graph outside, so `backward` has put a "
            "gradient there already when yours is added. Cut it off: run on `x.detach().requires_grad_()`.",
            _RunsOnTheSaved,
        ),
    ),
    half_right=(_HandsOn,),
    honest=(
        CheckpointAsWritten,
        CheckpointWithoutBlock,
        CheckpointThroughALoss,
        CheckpointWithTheBackwardFunction,
        CheckpointOnAttributes,
        CheckpointWithSetup,
        CheckpointAsADecorator,
    ),
    hints=(
        "What is the least that `backward` needs to compute everything again? Save that, and nothing else.",
        "In `backward`: a fresh leaf, `x.detach().requires_grad_()`, goes through `ctx.function` once more, recorded.",
        "`with torch.enable_grad(): result = ctx.function(again)`, then `result.backward(gradient)`, and return "
        "`None, again.grad`.",
    ),
)
