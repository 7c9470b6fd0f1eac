"""Schedulers: how learning rates change from one epoch (or step) to the next.

Most say by which factor the present rates are multiplied, so several can work on one optimizer.
"""

import bisect
import math
import types
import warnings
from collections import Counter

from engine.optim.optimizer import Optimizer
from engine.tensor import Tensor

__all__ = [
    "ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "ExponentialLR", "LRScheduler",
    "LambdaLR", "LinearLR", "MultiStepLR", "MultiplicativeLR", "OneCycleLR", "PolynomialLR", "ReduceLROnPlateau",
    "SequentialLR", "StepLR",
]  # fmt: skip


class LRScheduler:
    """The base of all schedulers: call step() after the optimizer's own, once an epoch (or a batch).

    last_epoch: how many steps were taken before, when training goes on; the groups must have an "initial_lr" then.
    A subclass gives `_factor()`, or `get_lr()`.
    """

    _is_initial = False
    _starts_at_base = True  # begun anew by SequentialLR, it starts at the base rates, not at the present ones

    def __init__(self, optimizer, last_epoch=-1):
        _check_optimizer(optimizer)
        self.optimizer = optimizer
        for position, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", _copied(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{position}] when resuming scheduler with "
                    "last_epoch >= 0: load the optimizer's state first, or leave last_epoch out in a new training"
                )
        self.base_lrs = [_copied(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self):
        self._step_count, self._steps_before, self._is_initial = 0, self.optimizer._steps_taken, True
        self.step()
        self._is_initial = False

    def step(self):
        """Set the learning rates of the next epoch."""
        if self._step_count == 1 and self.optimizer._steps_taken == self._steps_before:
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`. Call them in the opposite order: "
                "otherwise the first value of the learning rate schedule is skipped.",
                UserWarning,
                stacklevel=2,
            )
        self._step_count += 1
        self.last_epoch += 1
        self._set(self.get_lr())

    def _set(self, rates):
        for group, rate in zip(self.optimizer.param_groups, rates):
            _change(group, "lr", rate)
        self._last_lr = [_copied(group["lr"]) for group in self.optimizer.param_groups]

    def _restart(self):
        """Epoch 0 begins now: what SequentialLR does when this scheduler's turn comes."""
        self.last_epoch = 0
        if self._starts_at_base:
            for group, rate in zip(self.optimizer.param_groups, self.base_lrs):
                _change(group, "lr", rate)
        self._set(self.get_lr())

    def get_lr(self):
        """The learning rates for `last_epoch`, one for each group; get_last_lr() says which are set."""
        factor = self._factor()
        return [group["lr"] * factor for group in self.optimizer.param_groups]

    def _factor(self):
        raise NotImplementedError

    def get_last_lr(self):
        """The learning rates that were set last, one for each group."""
        return self._last_lr

    def state_dict(self):
        """All that the scheduler remembers, as a dict; not the optimizer."""
        return {name: value for name, value in vars(self).items() if name not in ("optimizer", "_steps_before")}

    def load_state_dict(self, state_dict):
        """Go on from a state_dict."""
        vars(self).update(state_dict)


def _check_optimizer(optimizer):
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


def _copied(rate):
    return rate.clone() if isinstance(rate, Tensor) else rate


def _change(group, name, value):
    """Set a number in a group; where a tensor stands, its element."""
    if isinstance(group[name], Tensor):
        group[name].array[...] = value.item() if isinstance(value, Tensor) else value
        group[name].storage.written()
    else:
        group[name] = value.item() if isinstance(value, Tensor) else value


def _for_each_group(optimizer, value, name):
    """A value for each group: the list itself, or the one value repeated; ValueError unless they are as many."""
    if not isinstance(value, (list, tuple)):
        return [value] * len(optimizer.param_groups)
    if len(value) != len(optimizer.param_groups):
        raise ValueError(f"Expected {len(optimizer.param_groups)} {name}, but got {len(value)}")
    return list(value)


# ---- given by a function ----------------------------------------------------------------------------


class LambdaLR(LRScheduler):
    """base rate · lr_lambda(epoch). lr_lambda: a function, or a list with one for each group."""

    def __init__(self, optimizer, lr_lambda, last_epoch=-1):
        _check_optimizer(optimizer)
        self.lr_lambdas = _for_each_group(optimizer, lr_lambda, "lr_lambdas")
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [base * function(self.last_epoch) for base, function in zip(self.base_lrs, self.lr_lambdas)]

    def state_dict(self):
        """As any scheduler's; functions are left out (None), of callable objects it has their attributes."""
        functions = [
            None if isinstance(each, (types.FunctionType, types.BuiltinFunctionType, type)) else dict(vars(each))
            for each in self.lr_lambdas
        ]
        return super().state_dict() | {"lr_lambdas": functions}

    def load_state_dict(self, state_dict):
        """Go on from a state_dict; the functions stay."""
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "lr_lambdas"})
        for function, attributes in zip(self.lr_lambdas, state_dict["lr_lambdas"]):
            if attributes is not None:
                vars(function).update(attributes)


class MultiplicativeLR(LambdaLR):
    """Every epoch, the rate times lr_lambda(epoch)."""

    _starts_at_base = False

    def get_lr(self):
        rates = [group["lr"] for group in self.optimizer.param_groups]
        if self._is_initial:
            return rates
        return [rate * function(self.last_epoch) for rate, function in zip(rates, self.lr_lambdas)]


# ---- in steps ---------------------------------------------------------------------------------------


class StepLR(LRScheduler):
    """Times gamma every step_size epochs."""

    def __init__(self, optimizer, step_size, gamma=0.1, last_epoch=-1):
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self):
        return self.gamma if self.last_epoch and self.last_epoch % self.step_size == 0 else 1


class MultiStepLR(LRScheduler):
    """Times gamma at each of the milestones, a list of epochs."""

    def __init__(self, optimizer, milestones, gamma=0.1, last_epoch=-1):
        self.milestones, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self):
        return self.gamma ** self.milestones.get(self.last_epoch, 0)


class ConstantLR(LRScheduler):
    """Times factor in the first total_iters epochs."""

    def __init__(self, optimizer, factor=1 / 3, total_iters=5, last_epoch=-1):
        if not 0 <= factor <= 1:
            raise ValueError("Constant multiplicative factor expected to be between 0 and 1.")
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def _factor(self):
        if self.last_epoch == 0:
            return self.factor
        return 1 / self.factor if self.last_epoch == self.total_iters else 1


# ---- gradually --------------------------------------------------------------------------------------


class ExponentialLR(LRScheduler):
    """Times gamma every epoch."""

    def __init__(self, optimizer, gamma, last_epoch=-1):
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self):
        return 1 if self._is_initial or self.last_epoch == 0 else self.gamma


class LinearLR(LRScheduler):
    """Times a factor that goes from start_factor to end_factor in total_iters epochs."""

    def __init__(self, optimizer, start_factor=1 / 3, end_factor=1.0, total_iters=5, last_epoch=-1):
        if not 0 < start_factor <= 1:
            raise ValueError("Starting multiplicative factor expected to be greater than 0 and less or equal to 1.")
        if not 0 <= end_factor <= 1:
            raise ValueError("Ending multiplicative factor expected to be between 0 and 1.")
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def _factor(self):
        if self.last_epoch == 0:
            return self.start_factor
        if self._is_initial or self.last_epoch > self.total_iters:
            return 1
        rise = self.end_factor - self.start_factor
        return 1 + rise / (self.total_iters * self.start_factor + (self.last_epoch - 1) * rise)


class PolynomialLR(LRScheduler):
    """Times (1 − epoch / total_iters)^power; 0 from then on."""

    def __init__(self, optimizer, total_iters=5, power=1.0, last_epoch=-1):
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def _factor(self):
        if self._is_initial or self.last_epoch == 0 or self.last_epoch > self.total_iters:
            return 1
        left, left_before = [1 - epoch / self.total_iters for epoch in (self.last_epoch, self.last_epoch - 1)]
        return (left / left_before) ** self.power


class CosineAnnealingLR(LRScheduler):
    """From the base rate to eta_min and back along a cosine of half period T_max (Loshchilov & Hutter 2017, "SGDR")."""

    def __init__(self, optimizer, T_max, eta_min=0.0, last_epoch=-1):
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        rates = [group["lr"] for group in self.optimizer.param_groups]
        if self._is_initial or self.last_epoch == 0:
            return rates
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:  # just past the lowest point, where 0 / 0 would be
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            return [rate + (base - self.eta_min) * rise for base, rate in zip(self.base_lrs, rates)]
        now, before = [1 + math.cos(math.pi * epoch / self.T_max) for epoch in (self.last_epoch, self.last_epoch - 1)]
        return [now / before * (rate - self.eta_min) + self.eta_min for rate in rates]


class CosineAnnealingWarmRestarts(LRScheduler):
    """From the base rate to eta_min along half a cosine, again and again (Loshchilov & Hutter 2017, "SGDR").

    The first time takes T_0 epochs, each later one T_mult times as many as the one before.
    """

    def __init__(self, optimizer, T_0, T_mult=1, eta_min=0.0, last_epoch=-1):
        if T_0 <= 0 or not isinstance(T_0, int):
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if T_mult < 1 or not isinstance(T_mult, int):
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        self.T_0, self.T_i, self.T_mult, self.eta_min, self.T_cur = T_0, T_0, T_mult, eta_min, last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        share = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (base - self.eta_min) * share for base in self.base_lrs]

    def step(self, epoch=None):
        """Set the learning rates of the next epoch; or of `epoch`, which may be a fraction."""
        if epoch is None and self.last_epoch >= 0:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur -= self.T_i
                self.T_i *= self.T_mult
        else:
            epoch = 0 if epoch is None else epoch
            if epoch < 0:
                raise ValueError(f"Expected non-negative epoch, but got {epoch}")
            self.T_cur, self.T_i = epoch, self.T_0
            while self.T_cur >= self.T_i:
                self.T_cur -= self.T_i
                self.T_i *= self.T_mult
        self.last_epoch = math.floor(epoch)
        self._set(self.get_lr())

    def _restart(self):
        self.step(0)


class OneCycleLR(LRScheduler):
    """Up to max_lr and down to far below the start, once (Smith & Topin 2018, "Super-convergence"); step after each batch.

    It starts at max_lr / div_factor, rises for the part pct_start of all steps and ends at a rate final_div_factor times
    below the start. The number of steps is total_steps or epochs · steps_per_epoch. cycle_momentum: momentum (or beta1)
    moves against the rate between max_momentum and base_momentum. three_phase: falls to the start first, then below.
    """

    def __init__(
        self, optimizer, max_lr, total_steps=None, epochs=None, steps_per_epoch=None, pct_start=0.3,
        anneal_strategy="cos", cycle_momentum=True, base_momentum=0.85, max_momentum=0.95, div_factor=25.0,
        final_div_factor=1e4, three_phase=False, last_epoch=-1,
    ):  # fmt: skip
        _check_optimizer(optimizer)
        self.total_steps = _total_steps(total_steps, epochs, steps_per_epoch)
        if not (isinstance(pct_start, float) and 0 <= pct_start <= 1):
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._anneal_func_type, self.cycle_momentum = anneal_strategy, cycle_momentum
        first, last = float(pct_start * self.total_steps) - 1, self.total_steps - 1
        up, down = ("initial_lr", "max_lr"), ("max_lr", "min_lr")
        self._phases = [(first, *up, "max_momentum", "base_momentum"), (last, *down, "base_momentum", "max_momentum")]
        if three_phase:
            second = float(2 * pct_start * self.total_steps) - 2
            self._phases[1:] = [
                (second, "max_lr", "initial_lr", "base_momentum", "max_momentum"),
                (last, "initial_lr", "min_lr", "max_momentum", "max_momentum"),
            ]
        rates = _for_each_group(optimizer, max_lr, "values for max_lr")
        momenta = [_for_each_group(optimizer, each, "momenta") for each in (base_momentum, max_momentum)]
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, rates):
                group["initial_lr"], group["max_lr"] = rate / div_factor, rate
                group["min_lr"] = group["initial_lr"] / final_div_factor
        if cycle_momentum:
            if not any(name in optimizer.defaults for name in ("momentum", "betas")):
                raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
            self.use_beta1 = "betas" in optimizer.defaults
            if last_epoch == -1:
                for group, low, high in zip(optimizer.param_groups, *momenta):
                    group["max_momentum"], group["base_momentum"] = high, low
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        if self.last_epoch > self.total_steps:
            raise ValueError(
                f"Tried to step {self.last_epoch} times. The specified number of total steps is {self.total_steps}"
            )
        start = 0
        for phase in self._phases:
            end, *names = phase
            if self.last_epoch <= end or phase is self._phases[-1]:
                break
            start = end
        share = (self.last_epoch - start) / (end - start)
        rates = []
        for group in self.optimizer.param_groups:
            from_rate, to_rate, from_momentum, to_momentum = [group.get(name) for name in names]
            rates.append(self._between(from_rate, to_rate, share))
            if self.cycle_momentum:
                momentum = self._between(from_momentum, to_momentum, share)
                group.update({"betas": (momentum, *group["betas"][1:])} if self.use_beta1 else {"momentum": momentum})
        return rates

    def _between(self, start, end, share):
        if self._anneal_func_type == "linear":
            return (end - start) * share + start
        return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


def _total_steps(total_steps, epochs, steps_per_epoch):
    if total_steps is None and (epochs is None or steps_per_epoch is None):
        raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    given = {"total_steps": total_steps} if total_steps is not None else {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
    for name, value in given.items():
        if not (isinstance(value, int) and value > 0):
            raise ValueError(f"Expected positive integer {name}, but got {value}")
    return math.prod(given.values())


# ---- of several schedulers --------------------------------------------------------------------------


class _OfSeveral(LRScheduler):
    """What schedulers of schedulers have in common: the states of all."""

    def state_dict(self):
        """All that the schedulers remember, as a dict; not the optimizer."""
        mine = {name: value for name, value in super().state_dict().items() if name != "_schedulers"}
        return mine | {"_schedulers": [each.state_dict() for each in self._schedulers]}

    def load_state_dict(self, state_dict):
        """Go on from a state_dict."""
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "_schedulers"})
        for each, state in zip(self._schedulers, state_dict["_schedulers"]):
            each.load_state_dict(state)


def _check_schedulers(name, schedulers, optimizer):
    if len(schedulers) < 1:
        raise ValueError(f"{name} expects at least one scheduler, but got no scheduler.")
    for position, each in enumerate(schedulers):
        if not hasattr(each, "optimizer"):
            raise TypeError(f"{name} at index {position} should have `optimizer` as its attribute.")
        if isinstance(each, ReduceLROnPlateau) and name == "SequentialLR":
            raise ValueError(f"{name} does not support `ReduceLROnPlateau` scheduler as it requires additional kwargs")
        if each.optimizer is not optimizer:
            raise ValueError(f"{name} expects all schedulers to belong to the same optimizer; number {position} does not")


class SequentialLR(_OfSeveral):
    """One scheduler after the other: `milestones` are the epochs at which the next one's turn comes."""

    def __init__(self, optimizer, schedulers, milestones, last_epoch=-1):
        _check_schedulers("SequentialLR", schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "Sequential Schedulers expects number of schedulers provided to be one more than the number of milestone "
                f"points, but got number of schedulers {len(schedulers)} and the number of milestones {len(milestones)}"
            )
        self.optimizer, self._schedulers, self._milestones = optimizer, schedulers, milestones
        self.last_epoch = last_epoch + 1
        for group in optimizer.param_groups:  # undo what the others did when they were made
            _change(group, "lr", group["initial_lr"])
        for each in schedulers:
            each.last_epoch -= 1
        schedulers[0]._initial_step()
        self._last_lr = schedulers[0].get_last_lr()

    def step(self):
        """Set the learning rates of the next epoch."""
        self.last_epoch += 1
        turn = bisect.bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[turn]
        if turn and self._milestones[turn - 1] == self.last_epoch:
            scheduler._restart()
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(_OfSeveral):
    """Several schedulers at once: each multiplies what the ones before it made."""

    def __init__(self, schedulers, optimizer=None):
        _check_schedulers("ChainedScheduler", schedulers, optimizer or getattr(schedulers[0], "optimizer", None) if schedulers else None)
        self.optimizer, self._schedulers = optimizer or schedulers[0].optimizer, schedulers
        self._last_lr = [_copied(group["lr"]) for group in self.optimizer.param_groups]

    def step(self):
        """Set the learning rates of the next epoch."""
        for each in self._schedulers:
            each.step()
        self._last_lr = [_copied(group["lr"]) for group in self.optimizer.param_groups]


# ---- by what is measured ----------------------------------------------------------------------------


class ReduceLROnPlateau(LRScheduler):
    """Times factor once a metric has not become better for more than `patience` epochs; never below min_lr.

    Better: below the best (mode "min") or above it ("max") by the part `threshold` of the best (threshold_mode "rel") or
    by `threshold` itself ("abs"). cooldown: epochs to wait before counting again. eps: smaller changes are not made.
    """

    def __init__(
        self, optimizer, mode="min", factor=0.1, patience=10, threshold=1e-4, threshold_mode="rel", cooldown=0, min_lr=0,
        eps=1e-8,
    ):  # fmt: skip
        if factor >= 1:
            raise ValueError("Factor should be < 1.0.")
        _check_optimizer(optimizer)
        for name, value, known in (("mode", mode, ("min", "max")), ("threshold mode", threshold_mode, ("rel", "abs"))):
            if value not in known:
                raise ValueError(f"{name} {value} is unknown!")
        self.optimizer, self.mode, self.factor, self.patience, self.eps = optimizer, mode, factor, patience, eps
        self.threshold, self.threshold_mode, self.cooldown = threshold, threshold_mode, cooldown
        if isinstance(min_lr, (list, tuple)) and len(min_lr) != len(optimizer.param_groups):
            raise ValueError(f"expected {len(optimizer.param_groups)} min_lrs, got {len(min_lr)}")
        self.min_lrs = _for_each_group(optimizer, min_lr, "min_lrs")
        self.best = math.inf if mode == "min" else -math.inf
        self.last_epoch = self.num_bad_epochs = self.cooldown_counter = 0
        self._last_lr = [_copied(group["lr"]) for group in optimizer.param_groups]

    def step(self, metrics):
        """Look at the epoch's metric, a number, and set the learning rates of the next one."""
        current = float(metrics)
        self.last_epoch += 1
        is_better = self.is_better(current, self.best)
        if is_better:
            self.best = current
        self.num_bad_epochs = 0 if is_better else self.num_bad_epochs + 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = [_copied(group["lr"]) for group in self.optimizer.param_groups]

    def _reduce(self):
        for group, lowest in zip(self.optimizer.param_groups, self.min_lrs):
            rate = float(group["lr"])
            reduced = max(rate * self.factor, lowest)
            if rate - reduced > self.eps:
                _change(group, "lr", reduced)

    def is_better(self, a, best):
        """Whether the metric `a` is better than `best`, as the threshold has it."""
        sign = 1 if self.mode == "min" else -1
        if self.threshold_mode == "abs":
            return sign * a < sign * best - self.threshold
        return sign * a < sign * best * (1 - sign * self.threshold)

    @property
    def in_cooldown(self):
        """Whether it waits before counting again."""
        return self.cooldown_counter > 0
