"""torch.optim.lr_scheduler: learning rates that change from epoch to epoch.

A scheduler remembers each group's first rate (`base_lrs`) and sets the rates for epoch `last_epoch` each time `step` is
called, after the optimizer's own step. Most say in `get_lr` what the rates become, given the present ones.
"""

import bisect
import math
import types
import warnings

from engine.optim.optimizer import Optimizer

__all__ = [
    "ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "ExponentialLR",
    "LRScheduler", "LambdaLR", "LinearLR", "MultiStepLR", "MultiplicativeLR", "OneCycleLR", "PolynomialLR",
    "ReduceLROnPlateau", "SequentialLR", "StepLR"]


class LRScheduler:
    """Base class: `get_lr()` of a subclass returns the rates, one for each group, for the epoch `last_epoch`.

    last_epoch: the epoch that was reached before (-1: none), to go on from; the groups must have an "initial_lr" then.
    """

    def __init__(self, optimizer, last_epoch=-1):
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer
        for number, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{number}] when resuming an optimizer")
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._step_count = 0
        self._steps_seen = 0
        optimizer.register_step_post_hook(lambda *_: setattr(self, "_steps_seen", self._steps_seen + 1))
        self.step()

    def get_lr(self):
        """The rates for the epoch `last_epoch`."""
        raise NotImplementedError(f"{type(self).__name__} does not say what the rates are: define get_lr")

    def get_last_lr(self):
        """The rates that the last step set."""
        return self._last_lr

    def step(self, epoch=None):
        """Go on to the next epoch (or, an old use, to `epoch`) and set the rates."""
        if self._step_count == 1 and not self._steps_seen:
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`. Call them in the opposite order: "
                "otherwise the first value of the schedule is skipped.", UserWarning, stacklevel=2)
        self._step_count += 1
        if epoch is None:
            self.last_epoch += 1
            rates = self.get_lr()
        else:
            self.last_epoch = epoch
            rates = self._get_closed_form_lr() if hasattr(self, "_get_closed_form_lr") else self.get_lr()
        self._set(rates)

    def _set(self, rates):
        for group, rate in zip(self.optimizer.param_groups, rates):
            group["lr"] = rate
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def _rates(self):
        return [group["lr"] for group in self.optimizer.param_groups]

    _NOT_SAVED = ("optimizer", "_steps_seen")

    def state_dict(self):
        """Everything but the optimizer."""
        return {name: value for name, value in vars(self).items() if name not in self._NOT_SAVED}

    def load_state_dict(self, state_dict):
        """Take over what state_dict returned."""
        vars(self).update(state_dict)


def _as_list(value, optimizer, name):
    """One value for each group: the same for all, or a list of as many as there are."""
    count = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * count
    if len(value) != count:
        raise ValueError(f"Expected {count} {name}, but got {len(value)}")
    return list(value)


# ---- rates by a function ------------------------------------------------------------------------------


class LambdaLR(LRScheduler):
    """first rate · lr_lambda(epoch). lr_lambda: a function, or one for each group."""

    def __init__(self, optimizer, lr_lambda, last_epoch=-1):
        self.lr_lambdas = _as_list(lr_lambda, optimizer, "lr_lambdas")
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [base * function(self.last_epoch) for function, base in zip(self.lr_lambdas, self.base_lrs)]

    def state_dict(self):
        """As LRScheduler's; of the lr_lambdas those that are objects, as their attributes: functions are not saved."""
        saved = [None if isinstance(each, types.FunctionType) else dict(vars(each)) for each in self.lr_lambdas]
        return super().state_dict() | {"lr_lambdas": saved}

    def load_state_dict(self, state_dict):
        vars(self).update({name: value for name, value in state_dict.items() if name != "lr_lambdas"})
        for function, saved in zip(self.lr_lambdas, state_dict["lr_lambdas"]):
            if saved is not None:
                vars(function).update(saved)


class MultiplicativeLR(LambdaLR):
    """The present rate · lr_lambda(epoch)."""

    def get_lr(self):
        if not self.last_epoch:
            return self._rates()
        return [rate * function(self.last_epoch) for function, rate in zip(self.lr_lambdas, self._rates())]


# ---- steps and decays ---------------------------------------------------------------------------------


class _Factors(LRScheduler):
    """The rate times a factor each epoch, `_factor()`; that of all epochs so far is `_product()`."""

    def get_lr(self):
        factor = self._factor() if self.last_epoch else 1
        return [rate * factor for rate in self._rates()]

    def _get_closed_form_lr(self):
        product = self._product()
        return [base * product for base in self.base_lrs]


class StepLR(_Factors):
    """The rate times gamma every step_size epochs."""

    def __init__(self, optimizer, step_size, gamma=0.1, last_epoch=-1):
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self):
        return 1 if self.last_epoch % self.step_size else self.gamma

    def _product(self):
        return self.gamma ** (self.last_epoch // self.step_size)


class MultiStepLR(_Factors):
    """The rate times gamma at each of the epochs `milestones`; twice at one that is listed twice."""

    def __init__(self, optimizer, milestones, gamma=0.1, last_epoch=-1):
        self.milestones, self.gamma = sorted(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        factor = self.gamma ** self.milestones.count(self.last_epoch)  # epoch 0 may be one of them
        return [rate * factor for rate in self._rates()]

    def _product(self):
        return self.gamma ** bisect.bisect_right(self.milestones, self.last_epoch)


class ConstantLR(_Factors):
    """The first rate times factor until epoch total_iters, the first rate from then on."""

    def __init__(self, optimizer, factor=1.0 / 3, total_iters=5, last_epoch=-1):
        if not 0 <= factor <= 1:
            raise ValueError("Constant multiplicative factor expected to be between 0 and 1.")
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        back = 1 / self.factor if self.factor else math.inf
        factor = {0: self.factor, self.total_iters: back}.get(self.last_epoch, 1)
        return [rate * factor for rate in self._rates()]

    def _product(self):
        return self.factor if self.last_epoch < self.total_iters else 1


class LinearLR(_Factors):
    """The first rate times what goes in even steps from start_factor to end_factor, reached at epoch total_iters."""

    def __init__(self, optimizer, start_factor=1.0 / 3, end_factor=1.0, total_iters=5, last_epoch=-1):
        if not 0 < start_factor <= 1:
            raise ValueError("Starting multiplicative factor expected to be greater than 0 and less or equal to 1.")
        if not 0 <= end_factor <= 1:
            raise ValueError("Ending multiplicative factor expected to be between 0 and 1.")
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        factor, step = 1, self.end_factor - self.start_factor
        if self.last_epoch == 0:
            factor = self.start_factor
        elif self.last_epoch <= self.total_iters:
            factor += step / (self.total_iters * self.start_factor + (self.last_epoch - 1) * step)
        return [rate * factor for rate in self._rates()]

    def _product(self):
        part = min(self.total_iters, self.last_epoch) / self.total_iters
        return self.start_factor + (self.end_factor - self.start_factor) * part


class ExponentialLR(_Factors):
    """The rate times gamma every epoch."""

    def __init__(self, optimizer, gamma, last_epoch=-1):
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self):
        return self.gamma

    def _product(self):
        return self.gamma**self.last_epoch


class PolynomialLR(_Factors):
    """The first rate times (1 − epoch / total_iters) ^ power; 0 from total_iters on."""

    def __init__(self, optimizer, total_iters=5, power=1.0, last_epoch=-1):
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def _left(self, epoch):
        return 1 - min(self.total_iters, epoch) / self.total_iters

    def _factor(self):
        if self.last_epoch > self.total_iters:
            return 1
        return (self._left(self.last_epoch) / self._left(self.last_epoch - 1)) ** self.power

    def _product(self):
        return self._left(self.last_epoch) ** self.power


# ---- cosines (Loshchilov and Hutter, 2017) --------------------------------------------------------------


class CosineAnnealingLR(LRScheduler):
    """From the first rate down to eta_min in T_max epochs along half a cosine, and up again in as many."""

    def __init__(self, optimizer, T_max, eta_min=0.0, last_epoch=-1):
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        epoch, period, low = self.last_epoch, self.T_max, self.eta_min
        if epoch == 0:
            return self._rates()
        if (epoch - 1 - period) % (2 * period) == 0:
            rise = (1 - math.cos(math.pi / period)) / 2
            return [rate + (base - low) * rise for rate, base in zip(self._rates(), self.base_lrs)]
        ratio = (1 + math.cos(math.pi * epoch / period)) / (1 + math.cos(math.pi * (epoch - 1) / period))
        return [low + (rate - low) * ratio for rate in self._rates()]

    def _get_closed_form_lr(self):
        height = (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / 2
        return [self.eta_min + (base - self.eta_min) * height for base in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """Down along half a cosine in T_0 epochs, then from the first rate again, each period T_mult times the last."""

    def __init__(self, optimizer, T_0, T_mult=1, eta_min=0.0, last_epoch=-1):
        if T_0 <= 0 or not isinstance(T_0, int):
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if T_mult < 1 or not isinstance(T_mult, int):
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        self.T_0, self.T_i, self.T_mult, self.eta_min, self.T_cur = T_0, T_0, T_mult, eta_min, last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        height = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (base - self.eta_min) * height for base in self.base_lrs]

    def step(self, epoch=None):
        """Go on to the next epoch, or to `epoch`, which may be a fraction: step(number + batch / batches)."""
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch, self.T_cur = self.last_epoch + 1, self.T_cur + 1
            if self.T_cur >= self.T_i:
                self.T_cur, self.T_i = self.T_cur - self.T_i, self.T_i * self.T_mult
        else:
            self._start_at(epoch)
        self.last_epoch = math.floor(epoch)
        self._set(self.get_lr())

    def _start_at(self, epoch):
        if epoch < 0:
            raise ValueError(f"Expected non-negative epoch, but got {epoch}")
        self.T_i, self.T_cur = self.T_0, epoch
        if epoch >= self.T_0 and self.T_mult == 1:
            self.T_cur = epoch % self.T_0
        elif epoch >= self.T_0:
            periods = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
            self.T_cur = epoch - self.T_0 * (self.T_mult**periods - 1) / (self.T_mult - 1)
            self.T_i = self.T_0 * self.T_mult**periods


# ---- cycles (Smith, 2017; Smith and Topin, 2019) ---------------------------------------------------------


def _cosine(start, end, part):
    return end + (start - end) / 2 * (1 + math.cos(math.pi * part))


def _linear(start, end, part):
    return (end - start) * part + start


class OneCycleLR(LRScheduler):
    """Up to max_lr and down again, once in all of the training, stepped after every batch; the momentum the other way.

    total_steps, or epochs · steps_per_epoch: how long it takes. pct_start: the part of it that goes up. From
    max_lr / div_factor, at the end max_lr / div_factor / final_div_factor. anneal_strategy: "cos" or "linear".
    three_phase: down to the first rate as quickly as up, then on to the last.
    """

    def __init__(self, optimizer, max_lr, total_steps=None, epochs=None, steps_per_epoch=None, pct_start=0.3,
                 anneal_strategy="cos", cycle_momentum=True, base_momentum=0.85, max_momentum=0.95, div_factor=25.0,
                 final_div_factor=1e4, three_phase=False, last_epoch=-1):
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self.total_steps = _total_steps(total_steps, epochs, steps_per_epoch)
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._anneal_func_type, self.cycle_momentum = anneal_strategy, cycle_momentum
        self._schedule_phases = self._phases(pct_start, three_phase)
        self._set_limits(optimizer, max_lr, base_momentum, max_momentum, div_factor, final_div_factor, last_epoch)
        super().__init__(optimizer, last_epoch)

    def _phases(self, part, three_phase):
        """(last step, from, to) for the rate, and (from, to) for the momentum, of each phase."""
        up = float(part * self.total_steps) - 1
        phases = [(up, "initial_lr", "max_lr", "max_momentum", "base_momentum")]
        if three_phase:
            phases.append((2 * part * self.total_steps - 2, "max_lr", "initial_lr", "base_momentum", "max_momentum"))
            phases.append((self.total_steps - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum"))
        else:
            phases.append((self.total_steps - 1, "max_lr", "min_lr", "base_momentum", "max_momentum"))
        names = ("end_step", "start_lr", "end_lr", "start_momentum", "end_momentum")
        return [dict(zip(names, phase)) for phase in phases]

    def _set_limits(self, optimizer, max_lr, base_momentum, max_momentum, div_factor, final_div_factor, last_epoch):
        if last_epoch == -1:
            for group, highest in zip(optimizer.param_groups, _as_list(max_lr, optimizer, "values for max_lr")):
                group.update(initial_lr=highest / div_factor, max_lr=highest)
                group["min_lr"] = group["initial_lr"] / final_div_factor
        if not self.cycle_momentum:
            return
        _check_momentum(optimizer)
        self.use_beta1 = "betas" in optimizer.defaults
        if last_epoch == -1:
            highs = _as_list(max_momentum, optimizer, "values for max_momentum")
            lows = _as_list(base_momentum, optimizer, "values for base_momentum")
            for group, high, low in zip(optimizer.param_groups, highs, lows):
                _set_momentum(group, high)
                group.update(max_momentum=high, base_momentum=low)

    def get_lr(self):
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(f"Tried to step {step} times. The specified number of total steps is {self.total_steps}")
        anneal = _cosine if self._anneal_func_type == "cos" else _linear
        start = 0.0
        for phase in self._schedule_phases:
            if step <= phase["end_step"] or phase is self._schedule_phases[-1]:
                part = (step - start) / (phase["end_step"] - start)
                break
            start = phase["end_step"]
        if self.cycle_momentum:
            for group in self.optimizer.param_groups:
                _set_momentum(group, anneal(group[phase["start_momentum"]], group[phase["end_momentum"]], part))
        return [anneal(group[phase["start_lr"]], group[phase["end_lr"]], part) for group in self.optimizer.param_groups]


def _total_steps(total_steps, epochs, steps_per_epoch):
    if total_steps is None:
        if epochs is None or steps_per_epoch is None:
            raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
        for name, value in (("epochs", epochs), ("steps_per_epoch", steps_per_epoch)):
            if not isinstance(value, int) or value <= 0:
                raise ValueError(f"Expected positive integer {name}, but got {value}")
        return epochs * steps_per_epoch
    if not isinstance(total_steps, int) or total_steps <= 0:
        raise ValueError(f"Expected positive integer total_steps, but got {total_steps}")
    return total_steps


def _check_momentum(optimizer):
    if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
        raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")


def _set_momentum(group, momentum):
    if "betas" in group:
        group["betas"] = (momentum, *group["betas"][1:])
    else:
        group["momentum"] = momentum


class CyclicLR(LRScheduler):
    """Up from base_lr to max_lr in step_size_up batches and down in step_size_down, again and again.

    mode: "triangular", "triangular2" (each cycle half as high) or "exp_range" (times gamma ^ step); or scale_fn, of the
    "cycle" or the "iterations" by scale_mode. cycle_momentum: the momentum goes the other way.
    """

    def __init__(self, optimizer, base_lr, max_lr, step_size_up=2000, step_size_down=None, mode="triangular", gamma=1.0,
                 scale_fn=None, scale_mode="cycle", cycle_momentum=True, base_momentum=0.8, max_momentum=0.9,
                 last_epoch=-1):
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None")
        for group, rate in zip(optimizer.param_groups, _as_list(base_lr, optimizer, "base_lr")):
            if last_epoch == -1:
                group["lr"] = rate
        self.max_lrs, self.mode, self.gamma = _as_list(max_lr, optimizer, "max_lr"), mode, gamma
        up, down = float(step_size_up), float(step_size_up if step_size_down is None else step_size_down)
        self.total_size, self.step_ratio = up + down, up / (up + down)
        self._scale_fn = scale_fn
        self.scale_mode = scale_mode if scale_fn is not None or mode != "exp_range" else "iterations"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            _check_momentum(optimizer)
            self.base_momentums = _as_list(base_momentum, optimizer, "base_momentum")
            self.max_momentums = _as_list(max_momentum, optimizer, "max_momentum")
            for group, low, high in zip(optimizer.param_groups, self.base_momentums, self.max_momentums):
                if last_epoch == -1:
                    _set_momentum(group, high)
                    group.update(base_momentum=low, max_momentum=high)
        super().__init__(optimizer, last_epoch)

    def scale_fn(self, x):
        """How high the cycle, or the step, number x is."""
        if self._scale_fn is not None:
            return self._scale_fn(x)
        return {"triangular": 1.0, "triangular2": 1 / 2.0 ** (x - 1), "exp_range": self.gamma**x}[self.mode]

    def get_lr(self):
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1 + self.last_epoch / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        height *= self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            for group, low, high in zip(self.optimizer.param_groups, self.base_momentums, self.max_momentums):
                _set_momentum(group, high - (high - low) * height)
        return [base + (highest - base) * height for base, highest in zip(self.base_lrs, self.max_lrs)]

    _NOT_SAVED = (*LRScheduler._NOT_SAVED, "_scale_fn")


# ---- schedulers of schedulers ---------------------------------------------------------------------------


class _Several(LRScheduler):
    """Keeps schedulers in `_schedulers`, and saves them with itself."""

    def _check(self, schedulers, optimizer):
        name = type(self).__name__
        if not schedulers:
            raise ValueError(f"{name} expects at least one scheduler to be chained, but got no scheduler.")
        for number, each in enumerate(schedulers):
            if each.optimizer is not optimizer:
                raise ValueError(
                    f"{name} expects all schedulers to belong to the same optimizer, but got scheduler "
                    f"{type(each).__name__} at index {number} of another one")

    def state_dict(self):
        """As LRScheduler's, with the states of the schedulers."""
        return super().state_dict() | {"_schedulers": [each.state_dict() for each in self._schedulers]}

    def load_state_dict(self, state_dict):
        vars(self).update({name: value for name, value in state_dict.items() if name != "_schedulers"})
        for each, state in zip(self._schedulers, state_dict["_schedulers"]):
            each.load_state_dict(state)


class SequentialLR(_Several):
    """The schedulers one after the other; each of `milestones`, epochs, is where the next begins."""

    def __init__(self, optimizer, schedulers, milestones, last_epoch=-1):
        self._check(schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                f"SequentialLR: got {len(schedulers)} schedulers for {len(milestones)} milestones, expected one more")
        self._schedulers, self._milestones, self.optimizer = schedulers, milestones, optimizer
        self.last_epoch = last_epoch + 1
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"]
        for each in schedulers:
            each.last_epoch -= 1
        schedulers[0]._step_count = 0  # beginning anew is no step that the optimizer's should precede
        schedulers[0].step()
        self._last_lr = schedulers[0].get_last_lr()

    def step(self):
        """Go on to the next epoch."""
        self.last_epoch += 1
        number = bisect.bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[number]
        if number > 0 and self._milestones[number - 1] == self.last_epoch:
            scheduler.step(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(_Several):
    """All the schedulers at once: each changes what the one before it has set."""

    def __init__(self, schedulers, optimizer=None):
        optimizer = optimizer or (schedulers[0].optimizer if schedulers else None)
        self._check(schedulers, optimizer)
        self._schedulers, self.optimizer = schedulers, optimizer
        self._last_lr = self._rates()

    def step(self):
        """Go on to the next epoch."""
        for each in self._schedulers:
            each.step()
        self._last_lr = self._rates()


# ---- rates by what is measured ----------------------------------------------------------------------------


class ReduceLROnPlateau(LRScheduler):
    """The rate times `factor` when a metric has not got better for more than `patience` epochs; call step(metric).

    mode: "min" or "max", what is better. threshold: by how much it must be, relative or absolute by threshold_mode
    ("rel", "abs"). cooldown: epochs after a reduction that do not count. min_lr: the least, also a list; a change of
    less than eps is not made.
    """

    def __init__(self, optimizer, mode="min", factor=0.1, patience=10, threshold=1e-4, threshold_mode="rel", cooldown=0,
                 min_lr=0, eps=1e-8):
        if factor >= 1.0:
            raise ValueError("Factor should be < 1.0.")
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        if mode not in ("min", "max"):
            raise ValueError("mode " + mode + " is unknown!")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError("threshold mode " + threshold_mode + " is unknown!")
        self.optimizer, self.factor, self.patience, self.cooldown, self.eps = optimizer, factor, patience, cooldown, eps
        self.min_lrs, self.default_min_lr = _as_list(min_lr, optimizer, "min_lrs"), min_lr
        self.mode, self.threshold, self.threshold_mode = mode, threshold, threshold_mode
        self.last_epoch, self._last_lr = 0, self._rates()
        self._reset()

    def _reset(self):
        self.best = math.inf if self.mode == "min" else -math.inf
        self.cooldown_counter = self.num_bad_epochs = 0

    def step(self, metrics, epoch=None):
        """Look at this epoch's metric, a number, and reduce the rates if it is time to."""
        metric = float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self.is_better(metric, self.best):
            self.best, self.num_bad_epochs = metric, 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter, self.num_bad_epochs = self.cooldown_counter - 1, 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = self._rates()

    @property
    def in_cooldown(self):
        """Whether the last reduction was less than `cooldown` epochs ago."""
        return self.cooldown_counter > 0

    def is_better(self, a, best):
        """Whether metric a is better than `best` by at least the threshold."""
        margin = self.threshold
        if self.threshold_mode == "rel":
            margin = best * self.threshold if math.isfinite(best) else 0
        return a < best - margin if self.mode == "min" else a > best + margin

    def _reduce(self):
        for group, lowest in zip(self.optimizer.param_groups, self.min_lrs):
            reduced = max(group["lr"] * self.factor, lowest)
            if group["lr"] - reduced > self.eps:
                group["lr"] = reduced
