"""overfit_one_batch: the test that every training has to pass, on a copy of the model."""

import copy
import sys

import numpy as np

import engine as torch
from autograders.spec import EDGE, Case, Misconception, Spec, Use
from autograders.specs.common import DOUBLE, SINGLE, normal
from autograders.specs.modules.train_step import train_step_rounding


def overfit_one_batch(model, loss_function, make_optimizer, x, y, steps):
    """Train a copy of `model` on nothing but this batch; returns the loss before each step."""
    trained = copy.deepcopy(model).train()
    optimizer = make_optimizer(trained.parameters())
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_function(trained(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def overfit_one_batch_cases(rng):
    """A batch, a model to begin with, how the optimizer goes, and how often."""
    few, heavy = "a few steps", "an optimizer with momentum"
    for rows, inputs, outputs, steps, momentum, dtype, group in [
        (2, 2, 1, 2, 0.0, SINGLE, few),
        (3, 2, 2, 3, 0.0, DOUBLE, few),
        (2, 2, 2, 3, 0.0, SINGLE, few),
        (2, 2, 1, 3, 0.5, SINGLE, heavy),
        (3, 2, 2, 4, 0.5, DOUBLE, heavy),
        (4, 3, 2, 4, 0.5, SINGLE, heavy),
    ]:
        yield _case(rng, rows, inputs, outputs, steps, momentum, dtype, group)
    yield _case(rng, 3, 2, 1, 1, 0.0, SINGLE, "a single step", EDGE)
    yield _case(rng, 1, 2, 2, 3, 0.5, SINGLE, "a batch of one row", EDGE)


def _case(rng, rows, inputs, outputs, steps, momentum, dtype, *where):
    shapes = (rows, inputs), (rows, outputs), (outputs, inputs), (outputs,)
    x, y, weight, bias = (normal(rng, shape, dtype) for shape in shapes)
    scale = np.asarray(rng.uniform(0.5, 1.5, inputs), dtype)
    return Case((x, y, weight, bias, scale, 0.05, momentum, steps), *where)


def overfit_one_batch_rounding(x, y, weight, bias, scale, rate, momentum, steps):
    """As for train_step, whose steps these are, all with the same batch; the model itself is right or wrong."""
    batches = (np.broadcast_to(each, (steps, *each.shape)) for each in (x, y))
    losses, *_ = train_step_rounding(*batches, weight, bias, scale, rate, momentum, False)
    return losses, np.zeros(weight.size + bias.size + scale.size + 4)


def _loop(trained, loss_function, optimizer, x, y, steps):
    """The losses of a loop as it should be."""
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_function(trained(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def _trains_the_model(model, loss_function, make_optimizer, x, y, steps):
    model.train()
    return _loop(model, loss_function, make_optimizer(model.parameters()), x, y, steps)


def _shallow_copy(model, loss_function, make_optimizer, x, y, steps):
    trained = copy.copy(model).train()
    return _loop(trained, loss_function, make_optimizer(trained.parameters()), x, y, steps)


def _without_zero_grad(model, loss_function, make_optimizer, x, y, steps):
    trained, losses = copy.deepcopy(model).train(), []
    optimizer = make_optimizer(trained.parameters())
    for _ in range(steps):
        loss = loss_function(trained(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def _in_evaluation(model, loss_function, make_optimizer, x, y, steps):
    trained = copy.deepcopy(model)
    return _loop(trained, loss_function, make_optimizer(trained.parameters()), x, y, steps)


def _keeps_the_graphs(model, loss_function, make_optimizer, x, y, steps):
    trained, losses = copy.deepcopy(model).train(), []
    optimizer = make_optimizer(trained.parameters())
    for _ in range(steps):
        optimizer.zero_grad()
        losses.append(loss_function(trained(x), y))
        losses[-1].backward()
        optimizer.step()
    return losses


def _only_the_last(model, loss_function, make_optimizer, x, y, steps):
    return [overfit_one_batch(model, loss_function, make_optimizer, x, y, steps)[-1]]


def _after_each_step(model, loss_function, make_optimizer, x, y, steps):
    return overfit_one_batch(model, loss_function, make_optimizer, x, y, steps + 1)[1:]


def _one_more(model, loss_function, make_optimizer, x, y, steps):
    return overfit_one_batch(model, loss_function, make_optimizer, x, y, steps + 1)


def _a_new_optimizer_each_step(model, loss_function, make_optimizer, x, y, steps):
    trained, losses = copy.deepcopy(model).train(), []
    for _ in range(steps):
        losses += _loop(trained, loss_function, make_optimizer(trained.parameters()), x, y, 1)
    return losses


def _row_by_row(model, loss_function, make_optimizer, x, y, steps):
    trained = copy.deepcopy(model).train()
    optimizer = make_optimizer(trained.parameters())
    return [
        _loop(trained, loss_function, optimizer, x[row : row + 1], y[row : row + 1], 1)[0]
        for row in (step % len(x) for step in range(steps))]


def _forgets_the_buffers(model, loss_function, make_optimizer, x, y, steps):
    kept = [parameter.detach().clone() for parameter in model.parameters()]
    losses = _trains_the_model(model, loss_function, make_optimizer, x, y, steps)
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), kept):
            parameter.copy_(value)
    model.zero_grad()
    model.eval()
    return losses


def _leaves_it_training(model, loss_function, make_optimizer, x, y, steps):
    losses = overfit_one_batch(model, loss_function, make_optimizer, x, y, steps)
    model.train()
    return losses


def _swapped(model, loss_function, make_optimizer, x, y, steps):
    return overfit_one_batch(model, lambda out, wanted: loss_function(wanted, out), make_optimizer, x, y, steps)


def _never_steps(model, loss_function, make_optimizer, x, y, steps):
    trained = copy.deepcopy(model).train()
    return [loss_function(trained(x), y).item() for _ in range(steps)]


def _returns_at_once(model, loss_function, make_optimizer, x, y, steps):
    return overfit_one_batch(model, loss_function, make_optimizer, x, y, 1)


def _one_less(model, loss_function, make_optimizer, x, y, steps):
    return overfit_one_batch(model, loss_function, make_optimizer, x, y, steps - 1)


def _the_model_itself(model, loss_function, make_optimizer, x, y, steps):
    trained = copy.deepcopy(model).train()
    return _loop(trained, loss_function, make_optimizer(trained), x, y, steps)


def _does_not_make_it(model, loss_function, make_optimizer, x, y, steps):
    return _loop(copy.deepcopy(model).train(), loss_function, make_optimizer, x, y, steps)


def _own_optimizer(model, loss_function, make_optimizer, x, y, steps):
    def adam(parameters):
        return torch.optim.Adam(parameters, lr=0.01)

    return overfit_one_batch(model, loss_function, adam, x, y, steps)


def _own_loss(model, loss_function, make_optimizer, x, y, steps):
    return overfit_one_batch(model, torch.nn.functional.cross_entropy, make_optimizer, x, y, steps)


def _leaves_gradients(model, loss_function, make_optimizer, x, y, steps):
    before = copy.deepcopy(model.state_dict())
    losses = _trains_the_model(model, loss_function, make_optimizer, x, y, steps)
    model.load_state_dict(before)
    model.eval()
    return losses


def _without_a_graph(model, loss_function, make_optimizer, x, y, steps):
    trained = copy.deepcopy(model).train()
    with torch.no_grad():
        loss = loss_function(trained(x), y)
    loss.backward()
    return [loss.item()]


def overfit_with_a_copy(model, loss_function, make_optimizer, x, y, steps):
    """A deep copy, and the loop of chapter 4."""
    copied = copy.deepcopy(model)
    copied.train()
    optimizer, losses = make_optimizer(copied.parameters()), []
    for step in range(steps):
        loss = loss_function(copied(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    return losses


def overfit_and_put_back(model, loss_function, make_optimizer, x, y, steps):
    """Trains the model itself, and brings back all that it held; warns on stderr."""
    before = {name: value.clone() for name, value in model.state_dict().items()}
    was_training = model.training
    model.train()
    losses = _loop(model, loss_function, make_optimizer(model.parameters()), x, y, steps)
    model.load_state_dict(before)
    model.zero_grad()
    model.train(was_training)
    print("from", losses[0], "to", losses[-1], file=sys.stderr)
    return losses


def overfit_with_an_array(model, loss_function, make_optimizer, x, y, steps):
    """Puts the losses into an array, and keeps the optimizer's list of parameters."""
    twin = copy.deepcopy(model).train(True)
    optimizer, losses = make_optimizer([*twin.parameters()]), np.zeros(steps)
    for step in range(steps):
        twin.zero_grad()
        loss = loss_function(twin.forward(x), y)
        loss.backward()
        losses[step] = loss.detach().numpy()
        optimizer.step()
    return losses


def overfit_with_closures(model, loss_function, make_optimizer, x, y, steps):
    """Hands the optimizer a function that computes loss and gradients."""
    twin = copy.deepcopy(model).train()
    optimizer = make_optimizer(twin.parameters())

    def closure():
        optimizer.zero_grad()
        loss = loss_function(twin(x), y)
        loss.backward()
        return loss

    return torch.stack([optimizer.step(closure).detach() for _ in range(steps)])


EXERCISE = Spec(
    name="deep_networks/overfit_one_batch",
    function="overfit_one_batch",
    use=Use(probe="overfit_one_batch"),
    parameters=("model", "loss_function", "make_optimizer", "x", "y", "steps"),
    inputs=("x", "y", "weight", "bias", "scale", "rate", "momentum", "steps"),
    returns=("losses", "model_afterwards"),
    title="Learn one batch by heart",
    why="What cannot learn a few images by heart is broken. This finds it out in seconds, before a night of training.",
    minutes=15,
    difficulty=2,
    weights={"inputs unmutated": 0.5, "values": 2.5, "edge cases": 1.0},
    ours=overfit_one_batch,
    rounding=overfit_one_batch_rounding,
    cases=overfit_one_batch_cases,
    picture="none",
    packages=("numpy", "engine"),
    withheld=(),
    misconceptions=(
        Misconception(
            "trains the model",
            "The losses are right, and the model has learned them: whoever runs the test would go on with another "
            "model. Train a copy, `copy.deepcopy(model)`.",
            _trains_the_model,
        ),
        Misconception(
            "a shallow copy",
            "`copy.copy` makes a new module around the same parameters, so the model is trained all the same. "
            "`copy.deepcopy` copies them too.",
            _shallow_copy,
        ),
        Misconception(
            "the loss stands still",
            "The loss stays where it was. Either nothing steps, or there are no gradients when it does (`zero_grad`, "
            "`backward`, `step` is the order), or the optimizer holds the parameters of `model` while you use the "
            "copy, or every step begins with a new copy. Copy once, before the loop, and make the optimizer from "
            "`trained.parameters()`.",
            _never_steps,
        ),
        Misconception(
            "no zero_grad",
            "The first two losses are right, and then each step follows the sum of all gradients so far. Call "
            "`optimizer.zero_grad()` before `backward()`.",
            _without_zero_grad,
        ),
        Misconception(
            "in evaluation",
            "The copy is still in evaluation mode, in which the model was handed over and BatchNorm and dropout do "
            "something else. What is tested is training: call `train()` on the copy.",
            _in_evaluation,
        ),
        Misconception(
            "keeps the graphs",
            "The losses still hold their graphs, one for each step. Keep `loss.item()`.",
            _keeps_the_graphs,
        ),
        Misconception(
            "only the last",
            "One loss came back. The whole list is asked for, one for each step: how it falls says as much as where it "
            "ends.",
            _only_the_last,
        ),
        Misconception(
            "after each step",
            "These are the losses after each step. The one that was differentiated, before the step, costs no pass of "
            "its own.",
            _after_each_step,
        ),
        Misconception(
            "one more",
            "There is one loss too many: as many as steps, each from before its step.",
            _one_more,
        ),
        Misconception(
            "a new optimizer each step",
            "Without momentum this is right. A new optimizer each step forgets what it has gathered: make it once, "
            "before the loop.",
            _a_new_optimizer_each_step,
        ),
        Misconception(
            "row by row",
            "You go through the rows one by one. Every step should take the whole batch, always the same.",
            _row_by_row,
        ),
        Misconception(
            "forgets the buffers",
            "You bring the parameters back, and not the buffers, such as BatchNorm's running mean. Train a deep copy, "
            "or put back all of `state_dict()`.",
            _forgets_the_buffers,
        ),
        Misconception(
            "leaves it training",
            "The model was handed over in evaluation mode and comes back in training mode. Call `train()` on the copy "
            "alone.",
            _leaves_it_training,
        ),
        Misconception(
            "swapped",
            "The arguments of `loss_function` have changed places: the model's prediction comes first, then `y`.",
            _swapped,
        ),
        Misconception(
            "returns at once",
            "One loss came back: the `return` stands inside the loop, and ends it after the first step.",
            _returns_at_once,
        ),
        Misconception(
            "one less",
            "There is one loss too few: as many as steps, the first from before anything is learned.",
            _one_less,
        ),
        Misconception(
            "an optimizer of the model itself",
            "An optimizer holds parameters, not a model: `make_optimizer(trained.parameters())`.",
            _the_model_itself,
        ),
        Misconception(
            "makes no optimizer",
            "`make_optimizer` is a function that makes an optimizer, not one. Call it with the copy's parameters, "
            "before the loop.",
            _does_not_make_it,
        ),
        Misconception(
            "an optimizer of its own",
            "These are not the steps of the optimizer that was handed over. The test should find what is wrong with a "
            "training as it is: use what `make_optimizer` makes.",
            _own_optimizer,
        ),
        Misconception(
            "a loss of its own",
            "This is cross-entropy, whatever `loss_function` is. The test should find what is wrong with a training "
            "as it is, its loss included.",
            _own_loss,
        ),
        Misconception(
            "leaves gradients",
            "All values are brought back, but the parameters still hold the last gradients, and the next training "
            "would add to them. A copy has gradients of its own.",
            _leaves_gradients,
        ),
        Misconception(
            "without a graph",
            "Under `no_grad` nothing is recorded, so there is no way back from the loss.",
            _without_a_graph,
        ),
    ),
    half_right=(_trains_the_model, _without_zero_grad),
    honest=(
        overfit_with_a_copy,
        overfit_and_put_back,
        overfit_with_an_array,
        overfit_with_closures,
    ),
    hints=(
        "It is chapter 4's loop with three changes: on a copy of the model, with the same batch at each step, and the "
        "losses kept.",
        "`trained = copy.deepcopy(model).train()`, then `optimizer = make_optimizer(trained.parameters())`, both "
        "before the loop.",
        "In the loop: `optimizer.zero_grad()`, `loss = loss_function(trained(x), y)`, `loss.backward()`, "
        "`optimizer.step()`, `losses.append(loss.item())`.",
    ),
)
