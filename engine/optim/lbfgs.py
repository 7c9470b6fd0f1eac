"""L-BFGS: steps along a direction that the last changes of the gradient suggest, as Newton's method with little memory.

Liu & Nocedal 1989, "On the limited memory BFGS method for large scale optimization"; the line search that satisfies the
strong Wolfe conditions is algorithms 3.5 and 3.6 of Nocedal & Wright, Numerical Optimization, with cubic interpolation.
"""

import math
from typing import NamedTuple

from engine import backend
from engine.autograd.grad_mode import enable_grad, no_grad
from engine.functions import cat
from engine.optim.optimizer import Optimizer, as_number, check_settings
from engine.tensor import Tensor

__all__ = ["LBFGS"]

SUFFICIENT_DECREASE, CURVATURE, MOST_TRIALS = 1e-4, 0.9, 25


class Trial(NamedTuple):
    """A step of size `t` along the direction, and what was found there; slope: the gradient along the direction."""

    t: float
    loss: float
    gradient: Tensor
    slope: float


class LBFGS(Optimizer):
    """For one group of parameters; step(closure) evaluates the closure several times.

    max_iter: iterations in a step. max_eval: evaluations in a step (max_iter · 5 / 4 if None). It ends early where no
    gradient is above tolerance_grad, or where loss or parameters change by less than tolerance_change. history_size: how
    many changes are remembered. line_search_fn: None (steps of size lr) or "strong_wolfe".
    """

    def __init__(
        self, params, lr=1, max_iter=20, max_eval=None, tolerance_grad=1e-7, tolerance_change=1e-9, history_size=100,
        line_search_fn=None,
    ):  # fmt: skip
        check_settings(lr)
        defaults = {
            "lr": lr, "max_iter": max_iter, "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change, "history_size": history_size,
            "line_search_fn": line_search_fn,
        }  # fmt: skip
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        self._params = self.param_groups[0]["params"]

    def step(self, closure):
        """One step: up to max_iter iterations. closure: computes the loss and the gradients; its first loss is returned."""
        group = self.param_groups[0]
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise RuntimeError("only 'strong_wolfe' is supported")

        def evaluated():
            with enable_grad():
                return closure()

        with no_grad(), backend.quiet():
            return self._step(evaluated, {name: as_number(value) for name, value in group.items() if name != "params"})

    def _step(self, closure, settings):
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first_loss = closure()
        loss, gradient, evaluations = float(first_loss), self._gradient(), 1
        state["func_evals"] += 1
        if gradient.abs().max() <= settings["tolerance_grad"]:
            return first_loss
        for iteration in range(1, settings["max_iter"] + 1):
            state["n_iter"] += 1
            is_first = state["n_iter"] == 1
            if is_first:
                state.update(al=[None] * settings["history_size"], d=-gradient, old_dirs=[], old_stps=[], ro=[], H_diag=1)
            else:
                remember(state, gradient, settings["history_size"])
                state["d"] = direction(state, gradient)
            state.update(prev_flat_grad=gradient.clone(), prev_loss=loss)
            t = min(1.0, 1.0 / float(gradient.abs().sum())) * settings["lr"] if is_first else settings["lr"]
            state["t"] = t
            slope = float(gradient.dot(state["d"]))
            if slope > -settings["tolerance_change"]:
                break
            trials = 0
            if settings["line_search_fn"]:
                here = Trial(0, loss, gradient, slope)
                found, trials = self._search(closure, t, here, settings["tolerance_change"])
                t, loss, gradient = found.t, found.loss, found.gradient
                state["t"] = t
                self._move(t, state["d"])
            else:
                self._move(t, state["d"])
                if iteration < settings["max_iter"]:
                    loss, gradient, trials = float(closure()), self._gradient(), 1
            evaluations += trials
            state["func_evals"] += trials
            if evaluations >= settings["max_eval"] or gradient.abs().max() <= settings["tolerance_grad"]:
                break
            moved = float((state["d"] * t).abs().max())
            if min(moved, abs(loss - state["prev_loss"])) <= settings["tolerance_change"]:
                break
        return first_loss

    def _gradient(self):
        """All gradients as one vector; zeros where there is none."""
        parts = [each if each.grad is None else each.grad for each in self._params]
        return cat([part.reshape(-1) * (each.grad is not None) for part, each in zip(parts, self._params)])

    def _move(self, t, direction):
        """Every parameter, by t along its part of the direction."""
        start = 0
        for each in self._params:
            part = direction[start : start + each.numel()].array
            each.array += t * part.reshape(each.array.shape)
            each.storage.written()
            start += each.numel()

    def _search(self, closure, t, here, tolerance):
        """(a trial that satisfies the strong Wolfe conditions, how many were needed), the parameters being where they were."""
        line, before = self.state[self._params[0]]["d"], [each.array.copy() for each in self._params]

        def attempt(t):
            self._move(t, line)
            loss, gradient = float(closure()), self._gradient()
            for each, array in zip(self._params, before):
                each.array[...] = array
                each.storage.written()
            return Trial(t, loss, gradient, float(gradient.dot(line)))

        return strong_wolfe(attempt, t, here, float(line.abs().max()), tolerance)


def remember(state, gradient, history_size):
    """Add the last step and the change of the gradient along it to the history, if the loss curves upwards there."""
    change, step = gradient - state["prev_flat_grad"], state["d"] * state["t"]
    curvature = change.dot(step)
    if curvature <= 1e-10:
        return
    if len(state["old_dirs"]) == history_size:
        for name in ("old_dirs", "old_stps", "ro"):
            state[name].pop(0)
    state["old_dirs"].append(change)
    state["old_stps"].append(step)
    state["ro"].append(1.0 / curvature)
    state["H_diag"] = curvature / change.dot(change)


def direction(state, gradient):
    """−H · gradient for the inverse Hessian H that the history suggests, by the recursion with two loops."""
    history = list(enumerate(zip(state["old_dirs"], state["old_stps"], state["ro"])))
    vector, shares = -gradient, state["al"]
    for position, (change, step, weight) in reversed(history):
        shares[position] = step.dot(vector) * weight
        vector = vector - shares[position] * change
    vector = vector * state["H_diag"]
    for position, (change, step, weight) in history:
        vector = vector + step * (shares[position] - change.dot(vector) * weight)
    return vector


def strong_wolfe(attempt, t, here, longest, tolerance):
    """(a trial with enough decrease and little slope left, the number of trials); the first one is of size t.

    attempt(t): a Trial. here: the trial of size 0. longest: the direction's largest element.
    """

    def is_too_high(trial):
        return trial.loss > here.loss + SUFFICIENT_DECREASE * trial.t * here.slope

    def is_flat(trial):
        return abs(trial.slope) <= -CURVATURE * here.slope

    previous, trial, count = here, attempt(t), 0
    while True:  # go on until a minimum lies between two trials
        if count == MOST_TRIALS:
            low, high = sorted((here, trial), key=lambda each: each.loss)
            break
        if is_too_high(trial) or (count > 1 and trial.loss >= previous.loss) or (not is_flat(trial) and trial.slope >= 0):
            low, high = (previous, trial) if previous.loss <= trial.loss else (trial, previous)
            break
        if is_flat(trial):
            return trial, count + 1
        bounds = trial.t + 0.01 * (trial.t - previous.t), trial.t * 10
        previous, trial = trial, attempt(lowest_of_cubic(previous, trial, *bounds))
        count += 1
    was_close, is_older_low = False, low is previous or low is here
    while count < MOST_TRIALS and abs(high.t - low.t) * longest >= tolerance:  # narrow the bracket
        first, second = (low, high) if is_older_low else (high, low)
        left, right = sorted((low.t, high.t))
        t, margin = lowest_of_cubic(first, second, left, right), 0.1 * (right - left)
        is_close = min(right - t, t - left) < margin
        if is_close and (was_close or t >= right or t <= left):
            t = right - margin if abs(t - right) < abs(t - left) else left + margin
            is_close = False
        was_close = is_close
        trial = attempt(t)
        count += 1
        if is_too_high(trial) or trial.loss >= low.loss:
            high = trial
            if not (low.loss <= high.loss if is_older_low else low.loss < high.loss):
                low, high, is_older_low = high, low, not is_older_low
            continue
        if is_flat(trial):
            return trial, count + 1
        if trial.slope * (high.t - low.t) >= 0:
            high = low
        low = trial
    return low, count + 1


def lowest_of_cubic(a, b, left, right):
    """Where in [left, right] the cubic with the losses and slopes of two trials is lowest; the middle if nowhere."""
    if a.t > b.t:
        a, b = b, a
    mean = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = mean**2 - a.slope * b.slope
    if not square >= 0:
        return (left + right) / 2
    root = math.sqrt(square)
    t = b.t - (b.t - a.t) * ((b.slope + root - mean) / (b.slope - a.slope + 2 * root))
    return min(max(t, left), right)
