"""bptt(gradient, x, hidden, w_ih, w_hh): back through a whole sequence of Elman's network."""

import sys

import numpy as np

from autograders.spec import EDGE, Case, Misconception, Spec
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal


def bptt(gradient, x, hidden, w_ih, w_hh):
    """Step by step from the end; tests hold it to the gradients of the engine's nn.RNN."""
    into = into_each_step(gradient, hidden, w_hh)
    return gradients_of(into, x, hidden, w_ih)


def as_rnn_vjp(answer):
    """The way back of the table's entry `rnn`, for tanh; a relu's is left to the engine.

    The entry also asks for the gradient of the first state, which the exercise leaves out: it is what arrives at the
    first sum, times w_hh. To see what arrives, x gets a number more for each unit, which nothing but that unit reads.
    On a GPU the arrays travel to the CPU and back.
    """
    from engine.backend import as_array, to_numpy

    def rnn_vjp(*given, nonlinearity):
        back = _through_answer if nonlinearity == "tanh" else _through_relu
        return tuple(as_array(each, given[0]) for each in back(answer, *map(to_numpy, given)))

    return rnn_vjp


def _through_answer(answer, gradient, x, hidden, w_ih, w_hh, b_ih, b_hh):
    states, inputs = [hidden], w_ih.shape[1]
    for step in x:
        states.append(np.tanh(step @ w_ih.T + b_ih + states[-1] @ w_hh.T + b_hh))
    wider_x = np.concatenate([x, np.zeros_like(gradient)], axis=2)
    wider_w = np.concatenate([w_ih, np.eye(len(w_hh), dtype=w_hh.dtype)], axis=1)
    for_x, for_ih, for_hh, for_b = answer(gradient, wider_x, np.stack(states), wider_w, w_hh)
    return for_x[..., :inputs], for_x[0, :, inputs:] @ w_hh, for_ih[:, :inputs], for_hh, for_b, for_b


def _through_relu(answer, gradient, *inputs):
    import engine
    from engine.nn.primitives import recurrent

    tensors = [engine.tensor(each, requires_grad=True) for each in inputs]
    output = recurrent.rnn(*tensors, nonlinearity="relu")
    return tuple(each.detach().numpy() for each in engine.autograd.grad(output, tensors, engine.tensor(gradient)))


def into_each_step(gradient, hidden, w_hh, carried=1.0):
    """The gradient of the sum in each step's tanh. carried: the share of the gradient that is handed back in time."""
    into, later = np.empty_like(gradient), np.zeros_like(hidden[0])
    for t in range(len(gradient) - 1, -1, -1):
        into[t] = (gradient[t] + later) * (1 - hidden[t + 1] ** 2)
        later = into[t] @ w_hh * gradient.dtype.type(carried)
    return into


def gradients_of(into, x, before, w_ih):
    """From the gradients of all sums to those of x, w_ih, w_hh and a bias. before: the states, the first one first."""
    before = before[: len(into)]
    return into @ w_ih, np.einsum("tbh,tbi->hi", into, x), np.einsum("tbh,tbk->hk", into, before), into.sum((0, 1))


def bptt_cases(rng):
    """Sequences with the states that a cell went through on them."""
    two, longer, batch = "two steps", "longer sequences", "a batch of sequences"
    for sizes, dtype, group in [
        ((2, 1, 1, 1), SINGLE, two),
        ((2, 1, 2, 3), DOUBLE, two),
        ((4, 1, 1, 2), SINGLE, longer),
        ((6, 1, 2, 3), DOUBLE, longer),
        ((3, 2, 2, 3), SINGLE, batch),
        ((5, 3, 3, 4), DOUBLE, batch),
    ]:
        yield _case(rng, sizes, group, dtype=dtype)
    yield _case(rng, (1, 2, 2, 3), "a single step", stage=EDGE)
    yield _case(rng, (4, 2, 2, 2), "a gradient at the last step alone", stage=EDGE, last_only=True)


def _case(rng, sizes, group, dtype=SINGLE, last_only=False, **stage):
    steps, batch, inputs, units = sizes
    x, gradient = normal(rng, (steps, batch, inputs), dtype), normal(rng, (steps, batch, units), dtype)
    w_ih, w_hh = normal(rng, (units, inputs), dtype), normal(rng, (units, units), dtype)
    hidden = [np.tanh(normal(rng, (batch, units), dtype))]
    for step in x:
        hidden.append(np.tanh(dtype(0.5) * (step @ w_ih.T + hidden[-1] @ w_hh.T)))
    if last_only:
        gradient[:-1] = 0
    return Case((gradient, x, np.stack(hidden), w_ih, w_hh), group, **stage)


def bptt_rounding(gradient, x, hidden, w_ih, w_hh):
    """Followed through the same steps, in units of eps, with the sizes of the terms in place of the numbers.

    A slope 1 - h^2 is off by 1. A state's gradient, a sum of two, is off by what came back and by its own rounding; times
    the slope by both parts' errors and the product's; times a matrix by n + 1 roundings of n terms. What sums over
    steps and batch has T B terms.
    """
    x, hidden, w_ih, w_hh = np.abs(x), np.abs(hidden), np.abs(w_ih), np.abs(w_hh)
    steps, batch, units = gradient.shape
    size, off = np.empty_like(gradient), np.empty_like(gradient)
    later = later_off = np.zeros_like(hidden[0])
    for t in range(steps - 1, -1, -1):
        slope = 1 - hidden[t + 1] ** 2
        total = np.abs(gradient[t]) + later
        size[t] = total * slope
        off[t] = (later_off + total) * slope + total + size[t]
        later, later_off = size[t] @ w_hh, off[t] @ w_hh + (units + 1) * (size[t] @ w_hh)
    sizes, offs = (gradients_of(each, x, hidden, w_ih) for each in (size, off))
    return tuple(each + (count + 1) * total for each, total, count in zip(
        offs, sizes, (units, steps * batch, steps * batch, steps * batch)))


def _one_step_only(gradient, x, hidden, w_ih, w_hh):
    return gradients_of(into_each_step(gradient, hidden, w_hh, carried=0.0), x, hidden, w_ih)


def _no_slope(gradient, x, hidden, w_ih, w_hh):
    return gradients_of(into_each_step(gradient, np.zeros_like(hidden), w_hh), x, hidden, w_ih)


def _slope_of_the_state_before(gradient, x, hidden, w_ih, w_hh):
    shifted = np.concatenate([hidden[:1], hidden[:-1]])
    return gradients_of(into_each_step(gradient, shifted, w_hh), x, hidden, w_ih)


def _transposed(gradient, x, hidden, w_ih, w_hh):
    return gradients_of(into_each_step(gradient, hidden, w_hh.T), x, hidden, w_ih)


def _state_after(gradient, x, hidden, w_ih, w_hh):
    return gradients_of(into_each_step(gradient, hidden, w_hh), x, hidden[1:], w_ih)


def _forward_in_time(gradient, x, hidden, w_ih, w_hh):
    into, later = np.empty_like(gradient), np.zeros_like(hidden[0])
    for t in range(len(gradient)):
        into[t] = (gradient[t] + later) * (1 - hidden[t + 1] ** 2)
        later = into[t] @ w_hh
    return gradients_of(into, x, hidden, w_ih)


def _last_step_only(gradient, x, hidden, w_ih, w_hh):
    alone = np.zeros_like(gradient)
    alone[-1] = gradient[-1]
    return gradients_of(into_each_step(alone, hidden, w_hh), x, hidden, w_ih)


def _means(gradient, x, hidden, w_ih, w_hh):
    for_x, *others = bptt_step_by_step(gradient, x, hidden, w_ih, w_hh)
    return for_x, *(each / np.float32(gradient.shape[1]) for each in others)


def _weights_of_the_first_step(gradient, x, hidden, w_ih, w_hh):
    into = into_each_step(gradient, hidden, w_hh)
    return into @ w_ih, *gradients_of(into[:1], x[:1], hidden, w_ih)[1:]


def _recurrent_weights_wrong_way(gradient, x, hidden, w_ih, w_hh):
    for_x, for_ih, for_hh, for_b = bptt_step_by_step(gradient, x, hidden, w_ih, w_hh)
    return for_x, for_ih, np.ascontiguousarray(for_hh.T), for_b


def _with_slopes(gradient, x, hidden, w_ih, w_hh, slope):
    into, later = np.empty_like(gradient), np.zeros_like(hidden[0])
    for t in range(len(gradient) - 1, -1, -1):
        into[t] = (gradient[t] + later) * slope(hidden[t + 1])
        later = into[t] @ w_hh
    return gradients_of(into, x, hidden, w_ih)


def _tanh_once_more(gradient, x, hidden, w_ih, w_hh):
    return _with_slopes(gradient, x, hidden, w_ih, w_hh, lambda h: 1 - np.tanh(h) ** 2)


def _one_minus_h(gradient, x, hidden, w_ih, w_hh):
    return _with_slopes(gradient, x, hidden, w_ih, w_hh, lambda h: 1 - h)


def _slope_of_one_of_two(gradient, x, hidden, w_ih, w_hh):
    into, later = np.empty_like(gradient), np.zeros_like(hidden[0])
    for t in range(len(gradient) - 1, -1, -1):
        into[t] = gradient[t] * (1 - hidden[t + 1] ** 2) + later
        later = into[t] @ w_hh
    return gradients_of(into, x, hidden, w_ih)


def _hands_back_twice(gradient, x, hidden, w_ih, w_hh):
    into, later = np.empty_like(gradient), np.zeros_like(hidden[0])
    for t in range(len(gradient) - 1, -1, -1):
        into[t] = (gradient[t] + later) * (1 - hidden[t + 1] ** 2)
        later = later + into[t] @ w_hh
    return gradients_of(into, x, hidden, w_ih)


def _without_the_first_step(gradient, x, hidden, w_ih, w_hh):
    into = into_each_step(gradient, hidden, w_hh)
    into[0] = 0
    return gradients_of(into, x, hidden, w_ih)


def _means_over_time(gradient, x, hidden, w_ih, w_hh):
    for_x, *others = bptt_step_by_step(gradient, x, hidden, w_ih, w_hh)
    return for_x, *(each / x.dtype.type(len(x)) for each in others)


def _in_the_order_of_the_walk(gradient, x, hidden, w_ih, w_hh):
    for_x, *others = bptt_step_by_step(gradient, x, hidden, w_ih, w_hh)
    return for_x[::-1], *others


def _bias_of_each_sequence(gradient, x, hidden, w_ih, w_hh):
    return *bptt_step_by_step(gradient, x, hidden, w_ih, w_hh)[:3], into_each_step(gradient, hidden, w_hh).sum(0)


def _input_weights_transposed(gradient, x, hidden, w_ih, w_hh):
    into = into_each_step(gradient, hidden, w_hh)
    return np.stack([each @ w_ih.T for each in into]), *gradients_of(into, x, hidden, w_ih)[1:]


def _factors_exchanged(gradient, x, hidden, w_ih, w_hh):
    into = into_each_step(gradient, hidden, w_hh)
    for_ih, for_hh = np.zeros_like(w_ih), np.zeros_like(w_hh)
    for t in range(len(x) - 1, -1, -1):
        for_ih += x[t].T @ into[t]
        for_hh += hidden[t].T @ into[t]
    return into @ w_ih, for_ih, for_hh, into.sum((0, 1))


def _two_of_four(gradient, x, hidden, w_ih, w_hh):
    """Right for x and the bias."""
    for_x, for_ih, for_hh, for_b = bptt_step_by_step(gradient, x, hidden, w_ih, w_hh)
    return for_x, for_ih * 2, for_hh * 2, for_b


def bptt_step_by_step(gradient, x, hidden, w_ih, w_hh):
    """From the last step to the first, adding up on the way."""
    grad_x = np.zeros_like(x)
    grad_w_ih, grad_w_hh, grad_b = np.zeros_like(w_ih), np.zeros_like(w_hh), np.zeros_like(w_hh[0])
    later = np.zeros_like(hidden[0])
    for t in reversed(range(len(x))):
        into = (gradient[t] + later) * (1 - hidden[t + 1] ** 2)
        grad_x[t] = into @ w_ih
        grad_w_ih += into.T @ x[t]
        grad_w_hh += into.T @ hidden[t]
        grad_b += into.sum(axis=0)
        later = into @ w_hh
    return grad_x, grad_w_ih, grad_w_hh, grad_b


def bptt_products_at_the_end(gradient, x, hidden, w_ih, w_hh):
    """First all steps back, then one product for each result; a list of four."""
    print("back through", len(x), "steps", file=sys.stderr)
    into = np.array(gradient)
    slopes = (1 - hidden[1:]) * (1 + hidden[1:])
    for t in range(len(x) - 1, -1, -1):
        if t + 1 < len(x):
            into[t] += into[t + 1] @ w_hh
        into[t] *= slopes[t]
    flat = into.reshape(-1, into.shape[-1])
    before = hidden[:-1].reshape(len(flat), -1)
    return [into @ w_ih, flat.T @ x.reshape(len(flat), -1), flat.T @ before, flat.sum(0)]


def bptt_each_step_alone(gradient, x, hidden, w_ih, w_hh):
    """Sends each step's gradient all the way back by itself, and adds up what arrives."""
    into = np.zeros_like(gradient)
    for start in range(len(x)):
        arriving = gradient[start]
        for t in range(start, -1, -1):
            here = arriving * (1 - hidden[t + 1] * hidden[t + 1])
            into[t] += here
            arriving = here @ w_hh
    grad_w_ih = np.einsum("tbh,tbi->hi", into, x)
    return into @ w_ih, grad_w_ih, np.einsum("tbh,tbk->hk", into, hidden[:-1]), np.einsum("tbh->h", into)


def bptt_in_double(gradient, x, hidden, w_ih, w_hh):
    """Computes in float64 and rounds once at the end."""
    g, steps, states, inward, across = (each.astype(np.float64) for each in (gradient, x, hidden, w_ih, w_hh))
    total, grad_x = [0, 0, 0], np.zeros(steps.shape)
    later = 0
    for t in range(len(steps))[::-1]:
        into = (g[t] + later) * (1 - states[t + 1] ** 2)
        later, grad_x[t] = into @ across, into @ inward
        parts = into.T @ steps[t], into.T @ states[t], into.sum(0)
        total = [old + new for old, new in zip(total, parts)]
    return tuple(each.astype(x.dtype) for each in (grad_x, *total))


EXERCISE = Spec(
    name="sequences/bptt",
    function="bptt",
    parameters=("gradient", "x", "hidden", "w_ih", "w_hh"),
    returns=("grad_x", "grad_w_ih", "grad_w_hh", "grad_b"),
    title="Back through time",
    why="Each step's state is an input of the next step: its gradient comes from both sides, and the weights hear from "
    "all steps.",
    minutes=20,
    difficulty=4,
    weights=WEIGHTS,
    reference=bptt,
    part="rnn.vjp",
    as_part=as_rnn_vjp,
    rounding=bptt_rounding,
    cases=bptt_cases,
    picture="none",
    misconceptions=(
        Misconception(
            "nothing handed back",
            "Each step hears from its own output alone. Its state went into the next step too, from where "
            "`into @ w_hh` comes back: add it.",
            _one_step_only,
        ),
        Misconception(
            "no slope",
            "The slope of tanh is missing: what arrives at a state passes on times 1 − h², with h = `hidden[t + 1]`.",
            _no_slope,
        ),
        Misconception(
            "slope of the state before",
            "`hidden` begins with the state before the first step, so what step t gave is `hidden[t + 1]`; your slopes "
            "are those of `hidden[t]`.",
            _slope_of_the_state_before,
        ),
        Misconception(
            "transposed on the way back",
            "The state went forward as `h @ w_hh.T`, so its gradient comes back as `into @ w_hh`, without `.T`.",
            _transposed,
        ),
        Misconception(
            "the state after",
            "`w_hh` was multiplied with the state *before* the step, `hidden[t]`; you use the one after it.",
            _state_after,
        ),
        Misconception(
            "forward in time",
            "You hand gradients from early steps to late ones. An early state changes what is late, so the gradient goes "
            "the other way: begin at the last step.",
            _forward_in_time,
        ),
        Misconception(
            "last step only",
            "Only the last step's gradient gets in. Every step may have one, `gradient[t]`: add it when you come to t.",
            _last_step_only,
        ),
        Misconception(
            "means over the batch",
            "You take means over the batch for weights and bias. If the loss is a mean, its 1/B is in `gradient` "
            "already: here it is sums.",
            _means,
        ),
        Misconception(
            "weights of the first step",
            "The weights hear from the first step only. Every step used them: add up over all.",
            _weights_of_the_first_step,
        ),
        Misconception(
            "recurrent weights the wrong way",
            "For `w_hh` you have the transpose: it has a row for each unit that is written, so it is "
            "`into.T @ hidden[t]`. It is square, and numpy cannot notice.",
            _recurrent_weights_wrong_way,
        ),
        Misconception(
            "tanh once more",
            "`hidden` holds what came out of the tanh already. With h = `hidden[t + 1]` the slope is 1 − h²; you take "
            "the tanh of h once more.",
            _tanh_once_more,
        ),
        Misconception(
            "one minus h",
            "The slope of tanh is 1 − h², with the square.",
            _one_minus_h,
        ),
        Misconception(
            "slope of one of the two",
            "Both gradients arrive at the state, so both pass the tanh: first add them up, then times 1 − h².",
            _slope_of_one_of_two,
        ),
        Misconception(
            "hands back twice",
            "What the next step hands back is `into @ w_hh`, and holds all from later on already. You add it to what "
            "was handed back before, which so counts again: `later = into @ w_hh`.",
            _hands_back_twice,
        ),
        Misconception(
            "without the first step",
            "Step 0 is left out: `range(T - 1, 0, -1)` ends at 1. `reversed(range(T))` goes down to 0.",
            _without_the_first_step,
        ),
        Misconception(
            "means over time",
            "You take means over the steps. Each step used the same weights, and what they hear adds up: sums.",
            _means_over_time,
        ),
        Misconception(
            "in the order of the walk",
            "The gradients of x are right, but the last step's stands first, as you came by. Write into `grad_x[t]`, "
            "or turn the list round.",
            _in_the_order_of_the_walk,
        ),
        Misconception(
            "bias of each sequence",
            "You add up over time, and leave the sequences apart. All of the batch used the same bias: "
            "`into.sum(axis=0)` at each step.",
            _bias_of_each_sequence,
        ),
        Misconception(
            "input weights transposed",
            "x went forward as `x @ w_ih.T`, so its gradient comes back as `into @ w_ih`, without `.T`: (B, H) times "
            "(H, I).",
            _input_weights_transposed,
        ),
        Misconception(
            "factors exchanged",
            "A gradient is shaped like its weights, with a row for each unit: `into.T @ x[t]` is (H, I), `x[t].T @ "
            "into` is (I, H).",
            _factors_exchanged,
        ),
    ),
    half_right=(_two_of_four,),
    honest=(bptt_step_by_step, bptt_products_at_the_end, bptt_each_step_alone, bptt_in_double),
    hints=(
        "Go from the last step to the first. At a state two gradients arrive: `gradient[t]`, and what the next step hands "
        "back. Begin with zeros for the latter.",
        "`into = (gradient[t] + later) * (1 - hidden[t + 1] ** 2)` is the gradient of the sum in the tanh. From there it is "
        "a linear layer's way back: to x, to both matrices, to the bias, and to the state before.",
        "In each step: `grad_x[t] = into @ w_ih`, `grad_w_ih += into.T @ x[t]`, `grad_w_hh += into.T @ hidden[t]`, "
        "`grad_b += into.sum(axis=0)`, `later = into @ w_hh`.",
    ),
)
