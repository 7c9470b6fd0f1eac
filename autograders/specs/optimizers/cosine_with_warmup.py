"""cosine_with_warmup(step, warmup, steps): what share of the full learning rate each step has."""

import math
import sys

import numpy as np

from autograders.spec import EDGE, Case, Misconception, Spec


def cosine_with_warmup(step, warmup, steps):
    """The slow climb, and the long way down."""
    if step < warmup:
        return np.asarray((step + 1) / (warmup + 1))
    if step >= steps:
        return np.asarray(0.0)
    return np.asarray((1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2)


def cosine_with_warmup_rounding(step, warmup, steps):
    """How much rounding a share of the full rate may show, in units of eps.

    The angle, at most pi, is made by three roundings and pi's own: 4 * eps / 2 * pi, which a cosine at most hands on.
    The cosine, the sum up to 2 and the half round by at most 4 * eps / 2 more, and half of everything counts. A share
    of the climb is one quotient. Counting eps for eps / 2 doubles the bound.
    """
    return np.asarray(0.0 if step >= steps else 2 * math.pi + 2)


def cosine_with_warmup_cases(rng):
    """Steps of both parts, and the places where one might divide by zero or go on too far."""
    up, down = "warming up", "going down"
    for step, warmup, steps in [(0, 1, 4), (0, 4, 20), (3, 4, 20)]:
        yield Case((step, warmup, steps), up)
    for step, warmup, steps in [(4, 2, 8), (7, 2, 8), (5, 4, 20)]:
        yield Case((step, warmup, steps), down)
    for _ in range(4):
        warmup, rest = int(rng.integers(5, 50)), int(rng.integers(50, 500))
        yield Case((int(rng.integers(0, warmup)), warmup, warmup + rest), up)
        yield Case((warmup + int(rng.integers(2, rest)), warmup, warmup + rest), down)
    for step, warmup, steps, group in [
        (2, 2, 8, "the step with the full rate"),
        (0, 0, 8, "no warm-up"),
        (3, 0, 8, "no warm-up"),
        (8, 2, 8, "after the last step"),
        (13, 2, 8, "after the last step"),
        (4, 4, 4, "nothing but warm-up"),
    ]:
        yield Case((step, warmup, steps), group, EDGE)


def _starts_at_zero(step, warmup, steps):
    if step < warmup:
        return step / warmup
    return float(cosine_with_warmup(step, warmup, steps))


def _full_rate_too_early(step, warmup, steps):
    if step < warmup:
        return (step + 1) / warmup
    return float(cosine_with_warmup(step, warmup, steps))


def _straight_down(step, warmup, steps):
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return max(0.0, (steps - step) / (steps - warmup)) if steps > warmup else 0.0


def _cosine_from_the_start(step, warmup, steps):
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(math.pi * step / steps)) if step < steps else 0.0


def _quarter_wave(step, warmup, steps):
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return math.cos(math.pi / 2 * (step - warmup) / (steps - warmup)) if step < steps else 0.0


def _not_halved(step, warmup, steps):
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return math.cos(math.pi * (step - warmup) / (steps - warmup)) if step < steps else 0.0


def _comes_back(step, warmup, steps):
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def _in_degrees(step, warmup, steps):
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(180 * (step - warmup) / (steps - warmup))) if step < steps else 0.0


def _only_warm_up(step, warmup, steps):
    return min(1.0, (step + 1) / (warmup + 1))


def _no_warm_up(step, warmup, steps):
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) if warmup <= step < steps else 1.0


def _whole_wave(step, warmup, steps):
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(2 * math.pi * (step - warmup) / (steps - warmup))) if step < steps else 0.0


def _twice_as_high(step, warmup, steps):
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 1 + math.cos(math.pi * (step - warmup) / (steps - warmup)) if step < steps else 0.0


def _share_of_all_steps(step, warmup, steps):
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / steps)) if step < steps else 0.0


def _sine(step, warmup, steps):
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1 + math.sin(math.pi * (step - warmup) / (steps - warmup))) if step < steps else 0.0


def _one_step_early(step, warmup, steps):
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - 1 - warmup))) if step < steps else 0.0


def cosine_in_one_expression(step, warmup, steps):
    """Holds the progress at 1, so that nothing comes after the end."""
    progress = (step - warmup) / max(1, steps - warmup) if step < steps else 1.0
    return (step + 1) / (warmup + 1) if step < warmup else 0.5 + 0.5 * math.cos(math.pi * progress)


def cosine_with_numpy(step, warmup, steps):
    """A number of numpy's."""
    if step >= steps:
        return np.float64(0)
    down = np.cos(np.pi * (step - warmup) / (steps - warmup)) if step >= warmup else 0
    return np.where(step < warmup, np.float64(step + 1) / (warmup + 1), (1 + down) / 2)[()]


def cosine_by_the_half_angle(step, warmup, steps):
    """1 + cos x is twice the square of cos x/2."""
    if step < warmup:
        return 1.0 - (warmup - step) / (warmup + 1)
    if step < steps:
        return math.cos(0.5 * math.pi * (step - warmup) / (steps - warmup)) ** 2
    return 0


def cosine_from_the_end(step, warmup, steps):
    """Counts what is left, where the cosine rises; prints on stderr."""
    print("step", step, file=sys.stderr)
    if step < warmup:
        return (1 + step) / (1 + warmup)
    left = max(0, steps - step)
    return (1 - math.cos(math.pi * left / (steps - warmup))) / 2 if left else 0.0


def cosine_from_a_table(step, warmup, steps):
    """Makes the whole curve, and looks the step up."""
    up = (np.arange(warmup) + 1) / (warmup + 1)
    down = 0.5 * (1 + np.cos(np.pi * np.arange(steps - warmup) / max(1, steps - warmup)))
    curve = np.concatenate([up, down])
    return curve[step] if step < len(curve) else 0.0


def cosine_as_the_smaller(step, warmup, steps):
    """The climb and the way down meet at 1: each is held at 1 where the other counts."""
    climb = min(1.0, (step + 1) / (warmup + 1))
    progress = 0.0 if step <= warmup else (step - warmup) / (steps - warmup)
    way_down = 0.5 * (1 + math.cos(math.pi * progress)) if step < steps else 0.0
    return climb * way_down


def cosine_with_complex_numbers(step, warmup, steps):
    """The real part of a turning arrow."""
    if step < warmup:
        return (step + 1) * (warmup + 1) ** -1
    if step >= steps:
        return 0.0
    return 0.5 + 0.5 * np.exp(1j * np.pi * (step - warmup) / (steps - warmup)).real


EXERCISE = Spec(
    name="optimizers/cosine_with_warmup",
    function="cosine_with_warmup",
    parameters=("step", "warmup", "steps"),
    returns=("result",),
    title="Cosine with warm-up",
    why="Small steps while nothing is known, large ones on the way, small ones to settle: how most long runs go.",
    minutes=10,
    difficulty=2,
    weights={"values": 2.0, "edge cases": 1.0},
    reference=cosine_with_warmup,
    rounding=cosine_with_warmup_rounding,
    cases=cosine_with_warmup_cases,
    shortcuts=(
        "from engine.optim.lr_scheduler import CosineAnnealingLR\ndef cosine_with_warmup(step, warmup, steps):\n"
        "    return CosineAnnealingLR(None, steps)\n",
    ),
    misconceptions=(
        Misconception(
            "starts at zero",
            "Your first step has the rate 0 and is lost. Count it as one: `(step + 1) / (warmup + 1)`, so that step 0 "
            "has a share already and step `warmup` has the full rate.",
            _starts_at_zero,
        ),
        Misconception(
            "full rate too early",
            "You reach the full rate one step early. `warmup` steps come before it, so the climb has `warmup + 1` "
            "stairs: `(step + 1) / (warmup + 1)`.",
            _full_rate_too_early,
        ),
        Misconception(
            "straight down",
            "You go down in a straight line. The cosine leaves the top slowly and comes in slowly: "
            "`0.5 * (1 + cos(pi * progress))`, with `progress` from 0 to 1.",
            _straight_down,
        ),
        Misconception(
            "progress counted from the start",
            "Your cosine began with step 0, so the rate drops at once when the warm-up is over. Its progress is "
            "`(step - warmup) / (steps - warmup)`.",
            _cosine_from_the_start,
        ),
        Misconception(
            "a quarter of a wave",
            "You use a quarter of the wave, from the top to its steepest place. Wanted is half of it, so that it ends "
            "flat: `0.5 * (1 + cos(pi * progress))`.",
            _quarter_wave,
        ),
        Misconception(
            "down to -1",
            "Your rate becomes negative: a cosine goes from 1 to -1. Add 1 and take half.",
            _not_halved,
        ),
        Misconception(
            "degrees",
            "`cos` takes radians: half a turn is `math.pi`, not 180.",
            _in_degrees,
        ),
        Misconception(
            "comes back",
            "Right up to the end, but a training that goes on after `steps` would see the rate rise again with the "
            "cosine. From then on it is 0.",
            _comes_back,
        ),
        Misconception(
            "a whole wave",
            "Your rate falls to 0 half-way and climbs again: that is a whole wave. Down is half of it, from 0 to "
            "`math.pi`.",
            _whole_wave,
        ),
        Misconception(
            "twice as high",
            "1 + cos goes from 2 to 0. Half of that is a share from 1 to 0: `0.5 * (1 + cos(...))`.",
            _twice_as_high,
        ),
        Misconception(
            "a share of all steps",
            "Your cosine never arrives at 0: after the warm-up, `steps - warmup` steps are left, and its progress is "
            "`(step - warmup) / (steps - warmup)`.",
            _share_of_all_steps,
        ),
        Misconception(
            "sine",
            "The sine begins half-way up. The cosine begins at 1, where the warm-up ends.",
            _sine,
        ),
        Misconception(
            "one step early",
            "Your rate is 0 one step too early, at `steps - 1`. There the last step with a rate is taken; from `steps` "
            "on it is 0: divide by `steps - warmup`.",
            _one_step_early,
        ),
    ),
    half_right=(_only_warm_up, _no_warm_up),
    honest=(
        cosine_in_one_expression,
        cosine_with_numpy,
        cosine_by_the_half_angle,
        cosine_from_the_end,
        cosine_from_a_table,
        cosine_as_the_smaller,
        cosine_with_complex_numbers,
    ),
    hints=(
        "Three parts, one `if` each: while `step < warmup`, until `steps`, and after that. Which number has each at "
        "its two ends?",
        "Going up: `(step + 1) / (warmup + 1)`. Going down, let `progress = (step - warmup) / (steps - warmup)`: it "
        "runs from 0 to 1. After the end: 0.",
        "`0.5 * (1 + math.cos(math.pi * progress))` is 1 for progress 0, 1/2 half-way, 0 at the end.",
    ),
)
