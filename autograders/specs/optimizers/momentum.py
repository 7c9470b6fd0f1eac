"""Momentum(params, lr, momentum): a velocity for each parameter, which gradients push and friction slows."""

import sys

import numpy as np

import engine as torch
from autograders.probes.momentum import probe
from autograders.spec import Misconception, Spec, Use
from autograders.specs.common import WEIGHTS
from autograders.specs.optimizers.steps import INPUTS, WITHHELD, Stepping, cases, trajectory_rounding, zeros

SETTINGS = [(0.5, 0.9), (0.25, 0.8), (0.1, 0.95)]  # lr, momentum


def momentum_cases(rng):
    """Two parameters along given gradients; see `cases`."""
    return cases(rng, SETTINGS)


class Momentum(torch.optim.SGD):
    """The engine's own, with a momentum unless told otherwise."""

    def __init__(self, params, lr=0.01, momentum=0.9):
        super().__init__(params, lr, momentum)


def as_sgd(answer):
    """The answer, called as torch's SGD is: without momentum unless told otherwise."""

    class SGD(answer):
        def __init__(self, params, lr=1e-3, momentum=0):
            super().__init__(params, lr, momentum)

    return SGD


def _results(*arguments):
    return probe(Momentum, *arguments)


# v = momentum * v + g rounds twice in the product (momentum is rounded too) and once in the sum; lr * v is two more,
# and adding up one. A gradient's term has passed at most t such steps: 4 t + 2 roundings.
momentum_rounding = trajectory_rounding(_results, lambda step, lr, momentum: 4 * step + 2)


class MomentumStep(Stepping):
    """Derived from by the answers below."""

    def __init__(self, params, lr=0.01, momentum=0.9):
        super().__init__(params, {"lr": lr, "momentum": momentum})


class _PlainDescent(MomentumStep):
    def change(self, parameter, gradient, state, group):
        parameter -= group["lr"] * gradient


class _Average(MomentumStep):
    def change(self, parameter, gradient, state, group):
        velocity = zeros(state, "momentum_buffer", parameter)
        velocity *= group["momentum"]
        velocity += (1 - group["momentum"]) * gradient
        parameter -= group["lr"] * velocity


class _RateInVelocity(MomentumStep):
    def change(self, parameter, gradient, state, group):
        velocity = zeros(state, "momentum_buffer", parameter)
        velocity *= group["momentum"]
        velocity += group["lr"] * gradient
        parameter -= velocity


class _Nesterov(MomentumStep):
    def change(self, parameter, gradient, state, group):
        velocity = zeros(state, "momentum_buffer", parameter)
        velocity *= group["momentum"]
        velocity += gradient
        parameter -= group["lr"] * (gradient + group["momentum"] * velocity)


class _OldVelocity(MomentumStep):
    def change(self, parameter, gradient, state, group):
        velocity = zeros(state, "momentum_buffer", parameter)
        parameter -= group["lr"] * velocity
        velocity *= group["momentum"]
        velocity += gradient


class _Climbs(MomentumStep):
    def change(self, parameter, gradient, state, group):
        velocity = zeros(state, "momentum_buffer", parameter)
        velocity *= group["momentum"]
        velocity += gradient
        parameter += group["lr"] * velocity


class _Rebinds(MomentumStep):
    def change(self, parameter, gradient, state, group):
        velocity = zeros(state, "momentum_buffer", parameter)
        velocity *= group["momentum"]
        velocity += gradient
        parameter = parameter - group["lr"] * velocity


class _OneVelocityForAll(MomentumStep):
    def change(self, parameter, gradient, state, group):
        velocity = getattr(self, "velocity", None)
        self.velocity = gradient.clone() if velocity is None else group["momentum"] * velocity + gradient
        parameter -= group["lr"] * self.velocity


class _VelocityElsewhere(MomentumStep):
    def change(self, parameter, gradient, state, group):
        self.velocities = getattr(self, "velocities", {})
        velocity = zeros(self.velocities, parameter, parameter)
        velocity *= group["momentum"]
        velocity += gradient
        parameter -= group["lr"] * velocity


class _GradientIsVelocity(MomentumStep):
    def change(self, parameter, gradient, state, group):
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = gradient  # and not a copy of it
        else:
            state["momentum_buffer"].mul_(group["momentum"]).add_(gradient)
        parameter -= group["lr"] * state["momentum_buffer"]


class _FixedRate(MomentumStep):
    def change(self, parameter, gradient, state, group):
        velocity = zeros(state, "momentum_buffer", parameter)
        velocity *= group["momentum"]
        velocity += gradient
        parameter -= self.defaults["lr"] * velocity


class _NeedsGradients(MomentumStep):
    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for parameter in group["params"]:
                velocity = zeros(self.state[parameter], "momentum_buffer", parameter)
                velocity *= group["momentum"]
                velocity += parameter.grad
                parameter -= group["lr"] * velocity


class _Recorded(MomentumStep):
    def step(self):
        for group in self.param_groups:
            for parameter in group["params"]:
                velocity = zeros(self.state[parameter], "momentum_buffer", parameter)
                velocity *= group["momentum"]
                velocity += parameter.grad
                parameter -= group["lr"] * velocity


class _OnlyTheFirst(MomentumStep):
    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            parameter = group["params"][0]
            velocity = zeros(self.state[parameter], "momentum_buffer", parameter)
            velocity *= group["momentum"]
            velocity += parameter.grad
            parameter -= group["lr"] * velocity


class _NotKept(MomentumStep):
    def change(self, parameter, gradient, state, group):
        velocity = group["momentum"] * zeros(state, "momentum_buffer", parameter) + gradient
        parameter -= group["lr"] * velocity


class _NoBeginning(MomentumStep):
    def change(self, parameter, gradient, state, group):
        state["momentum_buffer"] = group["momentum"] * state["momentum_buffer"] + gradient
        parameter -= group["lr"] * state["momentum_buffer"]


class MomentumAsTaught(MomentumStep):
    """As one would write it in torch."""

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if "momentum_buffer" not in state:
                    state["momentum_buffer"] = torch.zeros_like(parameter)
                velocity = state["momentum_buffer"]
                velocity.mul_(group["momentum"]).add_(parameter.grad)
                parameter.add_(velocity, alpha=-group["lr"])


class MomentumOutOfPlace(MomentumStep):
    """A new velocity each time, copied into the parameter."""

    def step(self):
        with torch.no_grad():
            for group in self.param_groups:
                for parameter in filter(lambda each: each.grad is not None, group["params"]):
                    before = self.state[parameter].get("momentum_buffer", 0)
                    velocity = group["momentum"] * before + parameter.grad
                    self.state[parameter]["momentum_buffer"] = velocity
                    parameter.copy_(parameter - group["lr"] * velocity)


class MomentumThroughData(MomentumStep):
    """As old listings have it, past the graph through `.data`."""

    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                d_p = p.grad.data
                if "momentum_buffer" not in self.state[p]:
                    buf = self.state[p]["momentum_buffer"] = torch.clone(d_p).detach()
                else:
                    buf = self.state[p]["momentum_buffer"]
                    buf.mul_(group["momentum"]).add_(d_p)
                p.data.add_(buf, alpha=-group["lr"])


class MomentumAsTheEngine(torch.optim.Optimizer):
    """The engine's own way: one parameter's arrays at a time."""

    def __init__(self, params, lr, momentum):
        super().__init__(params, dict(lr=lr, momentum=momentum))

    def _update(self, value, grad, state, group):
        velocity = zeros(state, "momentum_buffer", torch.from_numpy(value)).numpy()
        velocity *= group["momentum"]
        velocity += grad
        value -= group["lr"] * velocity


class MomentumFromHistory(MomentumStep):
    """Keeps all gradients, and adds them up by powers of the momentum."""

    def change(self, parameter, gradient, state, group):
        state.setdefault("history", []).append(gradient.clone())
        age = range(len(state["history"]))
        velocity = sum(group["momentum"] ** years * past for years, past in zip(age, state["history"][::-1]))
        state["momentum_buffer"] = velocity
        parameter.sub_(group["lr"] * velocity)


class MomentumInDouble(MomentumStep):
    """Computes in float64, warns on stderr, and rounds once at the end of a step."""

    def change(self, parameter, gradient, state, group):
        print("stepping", tuple(parameter.shape), file=sys.stderr)
        velocity = zeros(state, "momentum_buffer", parameter)
        exact = velocity.double() * group["momentum"] + gradient.double()
        velocity.copy_(exact)
        parameter.copy_(parameter.double() - group["lr"] * exact)


class MomentumOnNumpy(MomentumStep):
    """Keeps numpy arrays as its state."""

    def change(self, parameter, gradient, state, group):
        array = parameter.detach().numpy()
        if not state:
            state["momentum_buffer"] = np.zeros_like(array)
        np.multiply(state["momentum_buffer"], group["momentum"], out=state["momentum_buffer"])
        np.add(state["momentum_buffer"], gradient.numpy(), out=state["momentum_buffer"])
        array -= np.asarray(group["lr"] * state["momentum_buffer"], array.dtype)


class MomentumInTwoRounds(MomentumStep):
    """First all velocities, then all parameters."""

    @torch.no_grad()
    def step(self):
        ready = [(group, each) for group in self.param_groups for each in group["params"] if each.grad is not None]
        for group, parameter in ready:
            velocity = self.state[parameter].setdefault("momentum_buffer", torch.zeros(parameter.shape).to(parameter))
            velocity.lerp_(velocity * group["momentum"] + parameter.grad, 1.0)
        for group, parameter in ready:
            parameter += -group["lr"] * self.state[parameter]["momentum_buffer"]


EXERCISE = Spec(
    name="optimizers/momentum",
    function="Momentum",
    use=Use("class", probe="momentum"),
    parameters=("params", "lr", "momentum"),
    inputs=(*INPUTS, "lr", "momentum"),
    returns=("weight_after_steps", "bias_after_steps", "weight_velocity", "bias_velocity"),
    title="Momentum",
    why="In a ravine a walker zigzags, while a ball picks up speed: two more lines, and far fewer steps.",
    minutes=15,
    difficulty=2,
    weights=WEIGHTS,
    ours=Momentum,
    part="optim.SGD",
    as_part=as_sgd,
    rounding=momentum_rounding,
    cases=momentum_cases,
    packages=("numpy", "engine"),
    withheld=WITHHELD,
    shortcuts=(
        "from engine.optim import SGD\nclass Momentum(SGD):\n    def __init__(self, params, lr, momentum):\n"
        "        super().__init__(params, lr, momentum)\n",
        "import engine as torch\nclass Momentum(torch.optim.Optimizer):\n    def __init__(self, params, lr, "
        "momentum):\n        super().__init__(params, dict(lr=lr))\n"
        "        self.inner = torch.optim.SGD(self.param_groups[0]['params'], lr, momentum)\n"
        "        self.state = self.inner.state\n    def step(self):\n        self.inner.step()\n",
        "import engine as torch\nfrom engine.optim import sgd\nclass Momentum(torch.optim.Optimizer):\n"
        "    def __init__(self, params, lr, momentum):\n        super().__init__(params, dict(lr=lr, "
        "momentum=momentum))\n    def step(self):\n        sgd.SGD.step(self)\n",
    ),
    misconceptions=(
        Misconception(
            "plain gradient descent",
            "These are the steps of plain gradient descent. Keep a velocity in the parameter's state, `velocity = "
            "momentum * velocity + gradient`, and step by that.",
            _PlainDescent,
        ),
        Misconception(
            "an average of gradients",
            "You average the gradients, with a factor `1 - momentum`. Here the gradient is added whole, as torch does "
            "it: `velocity = momentum * velocity + gradient`. Under a steady slope the velocity grows to 10 times the "
            "gradient with `momentum=0.9`.",
            _Average,
        ),
        Misconception(
            "learning rate in the velocity",
            "Your velocity contains the learning rate. While the rate stays as it is the parameters come out the same; "
            "as soon as a schedule changes it, old gradients go on with the old rate. Keep `lr` out of the velocity: "
            "`parameter -= lr * velocity`.",
            _RateInVelocity,
        ),
        Misconception(
            "Nesterov's momentum",
            "This is Nesterov's variant, which adds the gradient once more to the step. Wanted is the plain one: "
            "`parameter -= lr * velocity`.",
            _Nesterov,
        ),
        Misconception(
            "the old velocity",
            "You step first and bring the velocity up to date afterwards, so each gradient takes effect one step late. "
            "Change the order.",
            _OldVelocity,
        ),
        Misconception(
            "climbs",
            "The velocities are right, but you go up the slope: subtract `lr * velocity`.",
            _Climbs,
        ),
        Misconception(
            "the parameter is not changed",
            "The velocities are right, but the parameters stay where they began: `parameter = parameter - ...` makes a "
            "new tensor and gives it the name. Change the tensor itself: `parameter -= ...`.",
            _Rebinds,
        ),
        Misconception(
            "one velocity for all",
            "Your velocity belongs to the optimizer, so all parameters push the same one. Each parameter needs its "
            "own: keep it in `self.state[parameter]`.",
            _OneVelocityForAll,
        ),
        Misconception(
            "velocity kept elsewhere",
            "The parameters go the right way, but your velocities are not in `self.state[parameter]"
            '["momentum_buffer"]`, where `state_dict()` would find and save them.',
            _VelocityElsewhere,
        ),
        Misconception(
            "the gradient itself is the velocity",
            "Your first velocity is the tensor `.grad` itself, not a copy: what is then done to one is done to both. "
            "Begin with `torch.zeros_like(parameter)`, or with `parameter.grad.clone()`.",
            _GradientIsVelocity,
        ),
        Misconception(
            "settings of the optimizer, not of the group",
            'You use one learning rate for ever and everything. The rate of the moment is `group["lr"]`: groups may '
            "have their own, and schedules change it there.",
            _FixedRate,
        ),
        Misconception(
            "trips over None",
            "A parameter that took no part in the loss has `.grad` None. Skip it: `if parameter.grad is None: "
            "continue`.",
            _NeedsGradients,
        ),
        Misconception(
            "recorded by autograd",
            "Parameters require gradients, so autograd refuses to have them changed in place as long as it records. A "
            "step is no part of the model: put `@torch.no_grad()` above `step`.",
            _Recorded,
        ),
        Misconception(
            "not kept",
            "Your velocity is forgotten after each step: `velocity = momentum * velocity + gradient` makes a new "
            "tensor, and the state keeps the old one, the zeros. Store it: `state[\"momentum_buffer\"] = velocity`.",
            _NotKept,
        ),
        Misconception(
            "no beginning",
            "At its first step a parameter's state is an empty dict. Begin: `if \"momentum_buffer\" not in state: "
            "state[\"momentum_buffer\"] = torch.zeros_like(parameter)`.",
            _NoBeginning,
        ),
    ),
    half_right=(_Nesterov, _Climbs, _Rebinds, _OnlyTheFirst),
    honest=(
        MomentumAsTaught,
        MomentumOutOfPlace,
        MomentumThroughData,
        MomentumAsTheEngine,
        MomentumFromHistory,
        MomentumInDouble,
        MomentumOnNumpy,
        MomentumInTwoRounds,
    ),
    hints=(
        "Begin with the loops of `GradientDescent` above. What has to be remembered from one step to the next, and for "
        "each parameter by itself?",
        'The state of a parameter is a dict, empty at first: `state = self.state[parameter]`. If "momentum_buffer" is '
        "not in it, put `torch.zeros_like(parameter)` there.",
        'With `velocity = state["momentum_buffer"]` in hand: `velocity *= group["momentum"]`, `velocity += '
        'parameter.grad`, `parameter -= group["lr"] * velocity`.',
    ),
)
