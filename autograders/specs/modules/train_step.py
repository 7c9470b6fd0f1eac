"""train_step: one step of the loop, for whatever model, loss function and optimizer."""

import copy
import sys

import numpy as np

import engine as torch
from autograders.spec import EDGE, Case, Misconception, Spec, Use
from autograders.specs.common import DOUBLE, SINGLE, normal


def train_step(model, loss_function, optimizer, x, y):
    """Let `model` learn from one batch, in training mode; returns the loss before the step, a number."""
    model.train()
    optimizer.zero_grad()
    loss = loss_function(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()


def train_step_cases(rng):
    """Batches for a few steps, a model to begin with, and how the optimizer goes."""
    one, several, heavy = "one step", "several steps", "an optimizer with momentum"
    for steps, rows, inputs, outputs, momentum, dtype, group in [
        (1, 2, 2, 1, 0.0, SINGLE, one),
        (1, 3, 2, 2, 0.0, DOUBLE, one),
        (3, 2, 2, 1, 0.0, SINGLE, several),
        (3, 4, 3, 2, 0.0, DOUBLE, several),
        (3, 3, 2, 2, 0.5, SINGLE, heavy),
        (3, 4, 3, 2, 0.5, DOUBLE, heavy),
    ]:
        yield _train_step_case(rng, steps, rows, inputs, outputs, momentum, dtype, False, group)
    yield _train_step_case(rng, 2, 3, 2, 1, 0.0, SINGLE, True, "gradients left by something else", EDGE)
    yield _train_step_case(rng, 2, 1, 2, 2, 0.0, SINGLE, False, "batches of one row", EDGE)


def _train_step_case(rng, steps, rows, inputs, outputs, momentum, dtype, stale, *where):
    shapes = [(steps, rows, inputs), (steps, rows, outputs), (outputs, inputs), (outputs,)]
    arrays = [normal(rng, shape, dtype) for shape in shapes]
    scale = np.asarray(rng.uniform(0.5, 1.5, inputs), dtype)
    return Case((*arrays, scale, 0.05, momentum, stale), *where)


def train_step_rounding(x, y, weight, bias, scale, rate, momentum, stale):
    """How much rounding losses and parameters may show, in units of eps.

    All that is computed is a polynomial of the arguments. In a sum of products, computed in any order, each term is
    off by at most eps / 2 times its size for every operation that it went through; the sizes add up to what the same
    steps give for absolute values, with every minus made a plus. A term of the last step went through at most so many
    operations in each: `inputs` products and sums (twice, forward and backward), the mean of `rows * outputs` squares
    with their weights, and a dozen more. Counting eps for eps / 2 doubles the bound.
    """
    steps, rows, inputs = x.shape
    operations = steps * (2 * inputs + 2 * rows * y.shape[2] + 24)
    losses, parameters = _steps_of_sizes(x, y, weight, bias, scale, rate, momentum)
    return operations * losses, operations * parameters, np.zeros(steps), np.zeros(steps)


def _steps_of_sizes(x, y, weight, bias, scale, rate, momentum):
    """(losses, parameters) as the steps give them for absolute values and with plus for minus."""
    x, y, weight, bias, scale = (np.abs(array) for array in (x, y, weight, bias, scale))
    losses, velocity = [], (np.zeros_like(weight), np.zeros_like(bias))
    for inputs, targets in zip(x * scale, y):
        error = inputs @ weight.T + bias + targets
        losses.append((error**2 * (1 + targets**2)).mean())
        for_output = 2 * error * (1 + targets**2) / error.size
        gradients = for_output.T @ inputs, for_output.sum(axis=0)
        velocity = tuple(momentum * old + new for old, new in zip(velocity, gradients))
        weight, bias = weight + rate * velocity[0], bias + rate * velocity[1]
    return np.array(losses), np.concatenate([weight.ravel(), bias, scale])


def _without_zero_grad(model, loss_function, optimizer, x, y):
    model.train()
    loss = loss_function(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()


def _zeroes_before_the_step(model, loss_function, optimizer, x, y):
    model.train()
    loss = loss_function(model(x), y)
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss.item()


def _steps_before_backward(model, loss_function, optimizer, x, y):
    model.train()
    loss = loss_function(model(x), y)
    optimizer.step()
    optimizer.zero_grad()
    loss.backward()
    return loss.item()


def _forgets_the_step(model, loss_function, optimizer, x, y):
    model.train()
    optimizer.zero_grad()
    loss = loss_function(model(x), y)
    loss.backward()
    return loss.item()


def _in_evaluation(model, loss_function, optimizer, x, y):
    optimizer.zero_grad()
    loss = loss_function(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()


def _keeps_the_graph(model, loss_function, optimizer, x, y):
    model.train()
    optimizer.zero_grad()
    loss = loss_function(model(x), y)
    loss.backward()
    optimizer.step()
    return loss


def _loss_afterwards(model, loss_function, optimizer, x, y):
    train_step(model, loss_function, optimizer, x, y)
    return loss_function(model(x), y).item()


def _swapped(model, loss_function, optimizer, x, y):
    return train_step(model, lambda prediction, target: loss_function(target, prediction), optimizer, x, y)


def _returns_nothing(model, loss_function, optimizer, x, y):
    train_step(model, loss_function, optimizer, x, y)


def _zeroes_afterwards(model, loss_function, optimizer, x, y):
    loss = _without_zero_grad(model, loss_function, optimizer, x, y)
    optimizer.zero_grad()
    return loss


def _evaluates(model, loss_function, optimizer, x, y):
    return loss_function(model.train()(x), y).item()


def _moves_by_hand(model, loss_function, optimizer, x, y):
    model.train()
    optimizer.zero_grad()
    loss = loss_function(model(x), y)
    loss.backward()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter -= 0.1 * parameter.grad
    return loss.item()


def zeroing_late(model, loss_function, optimizer, x, y):
    """Zeroes just before it is needed, to zeros."""
    if not model.training:
        model.train(True)
    loss = loss_function(model(x), y)
    optimizer.zero_grad(set_to_none=False)
    loss.backward()
    optimizer.step()
    return float(loss)


def zeroing_the_model(model, loss_function, optimizer, x, y):
    """Lets the model forget its gradients, and gives a tensor without a graph back."""
    model.train()
    model.zero_grad()
    prediction = model(x)
    loss = loss_function(prediction, y)
    loss.backward()
    optimizer.step()
    return loss.detach()


def zeroing_by_hand(model, loss_function, optimizer, x, y):
    """Goes through the parameters itself."""
    model.train()
    for parameter in model.parameters():
        parameter.grad = None
    loss = loss_function(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.tolist()


def with_autograd_grad(model, loss_function, optimizer, x, y):
    """Asks for the gradients, and puts them where the optimizer looks."""
    model.train()
    wanted = [parameter for parameter in model.parameters() if parameter.requires_grad]
    loss = loss_function(model(x), y)
    for parameter, gradient in zip(wanted, torch.autograd.grad(loss, wanted)):
        parameter.grad = gradient
    optimizer.step()
    return loss.detach().numpy()


def with_closure(model, loss_function, optimizer, x, y):
    """Hands the optimizer a function that computes loss and gradients."""

    def closure():
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        return loss

    model.train()
    return optimizer.step(closure).item()


def on_a_copy_of_the_batch(model, loss_function, optimizer, x, y):
    """Copies the batch, counts on stderr, and cleans up at both ends."""
    x, y = copy.deepcopy(x), y.clone()
    model.train()
    optimizer.zero_grad()
    loss = loss_function(model.forward(x), y)
    print("loss", loss.item(), file=sys.stderr)
    loss.backward(torch.tensor(1.0, dtype=loss.dtype))
    optimizer.step()
    optimizer.zero_grad()
    return np.float64(loss.item())


EXERCISE = Spec(
    name="modules/train_step",
    function="train_step",
    use=Use(probe="train_step"),
    parameters=("model", "loss_function", "optimizer", "x", "y"),
    inputs=("x", "y", "weight", "bias", "scale", "rate", "momentum", "stale"),
    returns=("losses", "parameters", "in_training", "without_graph"),
    title="One step of training",
    why="Every network in this course is trained by repeating these few lines.",
    minutes=10,
    difficulty=2,
    weights={"inputs unmutated": 0.5, "values": 2.5, "edge cases": 1.0},
    ours=train_step,
    rounding=train_step_rounding,
    cases=train_step_cases,
    packages=("numpy", "engine"),
    withheld=(),
    misconceptions=(
        Misconception(
            "no zero_grad",
            "The first step is right, and each later one follows the sum of all gradients so far: `.grad` is added to. "
            "Call `optimizer.zero_grad()` before `backward()`.",
            _without_zero_grad,
        ),
        Misconception(
            "zeroed before the step",
            "No parameter ever moves. When the optimizer steps, if it does, there are no gradients: not yet computed, "
            "or zeroed already. The order is: `zero_grad`, `backward`, `step`.",
            _zeroes_before_the_step,
        ),
        Misconception(
            "step before backward",
            "The optimizer steps before there are gradients. The order is: `zero_grad`, `backward`, `step`.",
            _steps_before_backward,
        ),
        Misconception(
            "in evaluation",
            "The numbers are right here, but the model was in evaluation mode, in which a Dropout would not drop. "
            "Begin with `model.train()`.",
            _in_evaluation,
        ),
        Misconception(
            "keeps the graph",
            "You return the loss with its whole graph; whoever collects the losses of an epoch would keep every graph "
            "in memory. Return `loss.item()`.",
            _keeps_the_graph,
        ),
        Misconception(
            "loss afterwards",
            "The parameters are right. The loss should be the one that was differentiated, before the step; a second "
            "forward pass costs time and says something else.",
            _loss_afterwards,
        ),
        Misconception(
            "swapped",
            "The arguments of `loss_function` have changed places: the model's prediction comes first, then `y`.",
            _swapped,
        ),
        Misconception(
            "returns nothing",
            "The model learns, but nothing comes back: end with `return loss.item()`.",
            _returns_nothing,
        ),
        Misconception(
            "zeroed afterwards",
            "You clean up after the step, and trust that whoever came before did too. Zero the gradients before "
            "`backward()`: then it does not matter what was there.",
            _zeroes_afterwards,
        ),
        Misconception(
            "moves by hand",
            "You move the parameters yourself, with a rate of your own, and a frozen one has no gradient. The "
            "optimizer knows which to move, and how: `optimizer.step()`.",
            _moves_by_hand,
        ),
    ),
    half_right=(_evaluates, _zeroes_before_the_step, _forgets_the_step),
    honest=(
        train_step,
        zeroing_late,
        zeroing_the_model,
        zeroing_by_hand,
        with_autograd_grad,
        with_closure,
        on_a_copy_of_the_batch,
    ),
    hints=(
        "Six lines: training mode, gradients to zero, forward, backward, step, return.",
        "`model.train()` and `optimizer.zero_grad()` come first. The loss is `loss_function(model(x), y)`.",
        "Then `loss.backward()`, `optimizer.step()`, and `return loss.item()`, which is a number and holds no graph.",
    ),
)
