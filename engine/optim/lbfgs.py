"""L-BFGS: quasi-Newton steps from the last few changes of parameters and gradients (Nocedal and Wright, 2006, ch. 7).

All parameters are one long vector here; the closure is evaluated several times a step.
"""

import numpy as np

from engine import autograd, backend
from engine.optim.line_search import strong_wolfe
from engine.optim.optimizer import Optimizer, settings
from engine.tensor import Tensor

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    """x ← x + t · d, where d is −H g and the inverse Hessian H is known only by what it does to recent changes.

    lr: the step length, or the first one tried. max_iter: iterations a step; max_eval: evaluations a step (default 1.25
    max_iter). tolerance_grad, tolerance_change: when to stop. history_size: how many changes are remembered.
    line_search_fn: None or "strong_wolfe". All parameters must be in one group; `step` needs a closure. State, with the
    first parameter: func_evals, n_iter, d, t, old_dirs, old_stps, ro, H_diag, prev_flat_grad, prev_loss.
    """

    def __init__(self, params, lr=1, max_iter=20, max_eval=None, tolerance_grad=1e-7, tolerance_change=1e-9,
                 history_size=100, line_search_fn=None):
        max_eval = max_iter * 5 // 4 if max_eval is None else max_eval
        super().__init__(params, settings(locals()))
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    def step(self, closure):
        """Up to max_iter iterations. closure: clears the gradients, computes the loss and its gradients, returns it.

        Returns the loss before the step.
        """
        first = None

        def evaluate():
            nonlocal first
            with autograd.enable_grad():
                loss = closure()
            first = loss if first is None else first
            return float(loss), self._gradient()

        with backend.quiet():
            self._minimize(evaluate, self.param_groups[0], self.state[self._parameters()[0]])
        return first

    def _minimize(self, evaluate, group, state):
        loss, gradient = evaluate()
        evaluations = 1
        state["func_evals"] = state.get("func_evals", 0) + 1
        state.setdefault("n_iter", 0)
        if np.abs(gradient).max() <= group["tolerance_grad"]:
            return
        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            direction = _direction(state, gradient, group["history_size"])
            state.update(prev_flat_grad=Tensor(gradient.copy()), prev_loss=loss)
            slope = float(gradient @ direction)
            length = float(group["lr"]) * (min(1.0, 1 / float(np.abs(gradient).sum())) if state["n_iter"] == 1 else 1)
            state.update(d=Tensor(direction), t=length)
            if slope > -group["tolerance_change"]:
                break
            is_last = iteration == group["max_iter"]
            left = group["max_eval"] - evaluations
            loss, gradient, length, used = self._move(
                evaluate, group, is_last, direction, length, loss, gradient, slope, left)
            state["t"] = length
            evaluations += used
            state["func_evals"] += used
            if (evaluations >= group["max_eval"] or np.abs(gradient).max() <= group["tolerance_grad"]
                    or np.abs(direction * length).max() <= group["tolerance_change"]
                    or abs(loss - state["prev_loss"]) < group["tolerance_change"]):
                break

    def _move(self, evaluate, group, is_last, direction, length, loss, gradient, slope, left):
        """(loss, gradient, length, evaluations) after going along `direction`, by `length` or as the search says, which
        may evaluate so often as is left."""
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise RuntimeError(f"only 'strong_wolfe' is supported, got line_search_fn={group['line_search_fn']!r}")
        start = self._values()

        def at(length):
            self._set_values(start + length * direction)
            return evaluate()

        if group["line_search_fn"] == "strong_wolfe":
            loss, gradient, length, used = strong_wolfe(at, length, direction, loss, gradient, slope, left)
            self._set_values(start + length * direction)
            return loss, gradient, length, used
        if is_last:  # nobody will ask what the loss is there
            self._set_values(start + length * direction)
            return loss, gradient, length, 0
        return *at(length), length, 1

    def _gradient(self):
        """All gradients as one vector, zeros where a parameter has none."""
        parts = [np.zeros_like(each.array) if each.grad is None else each.grad.array for each in self._parameters()]
        return np.concatenate([part.ravel() for part in parts])

    def _values(self):
        return np.concatenate([each.array.ravel() for each in self._parameters()])

    def _set_values(self, vector):
        start = 0
        for each in self._parameters():
            stop = start + each.numel()
            each.array[...] = vector[start:stop].reshape(each.array.shape)
            each.storage.written()
            start = stop


def _direction(state, gradient, history_size):
    """−H g by the two-loop recursion; the change since the last step is remembered first (algorithm 7.4)."""
    if "d" not in state:
        state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1.0)
        return -gradient
    change, moved = gradient - state["prev_flat_grad"].array, state["d"].array * float(state["t"])
    curvature = float(change @ moved)
    changes, moves, inverses = state["old_dirs"], state["old_stps"], state["ro"]
    if curvature > 1e-10:
        if len(changes) == history_size:
            for each in (changes, moves, inverses):
                each.pop(0)
        changes.append(Tensor(change))
        moves.append(Tensor(moved))
        inverses.append(1 / curvature)
        state["H_diag"] = curvature / float(change @ change)
    direction, shares = -gradient, []
    for change, moved, inverse in zip(reversed(changes), reversed(moves), reversed(inverses)):
        shares.append(float(moved.array @ direction) * float(inverse))
        direction = direction - shares[-1] * change.array
    direction = direction * float(state["H_diag"])
    for change, moved, inverse, share in zip(changes, moves, inverses, reversed(shares)):
        direction = direction + moved.array * (share - float(change.array @ direction) * float(inverse))
    return direction
