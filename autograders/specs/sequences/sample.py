"""sample(logits, temperature, rng): draw the next one, boldly or with care. Judged by its statistics."""

import sys

import numpy as np

from autograders.spec import EDGE, ORDINARY, Absolute, Case, Misconception, Spec, Use

DRAWS = 2000


def sample_cases(rng):
    """Logits of few and of several choices, cold and warm; no two of them nearly equal."""
    for logits, temperature, group in [
        ([0.0, 1.5], 1.0, "temperature 1"),
        ([1.0, -0.5, 0.3], 0.5, "a low temperature"),
        ([2.0, 0.0, -1.0, 0.7], 2.0, "a high temperature"),
        ([0.0, 3.0, 1.2, -1.0, 2.1], 0.7, "five choices"),
    ]:
        yield _case(rng, logits, temperature, group)
    yield _case(rng, [0.4, 0.9, 0.2], 0.0, "temperature 0: always the largest", EDGE)
    yield _case(rng, [-990.0, -1000.0, -988.5], 1.0, "large negative logits", EDGE)
    yield _case(rng, [1000.0, 1001.5], 1.0, "large logits", EDGE)
    yield _case(rng, [0.3], 1.0, "a single choice", EDGE)
    yield _case(rng, [-500.0, 300.0, 301.5], 1.0, "logits that lie far apart", EDGE)
    yield _case(rng, [0.0, 0.15, 0.05], 0.1, "a temperature close to 0", EDGE)


def _case(rng, logits, temperature, group, stage=ORDINARY):
    logits = np.array(rng.permutation(logits), np.float64)
    return Case((logits, temperature, DRAWS, int(rng.integers(2**31))), group, stage)


def probabilities(logits, temperature):
    """What each choice should be drawn with."""
    if temperature == 0:
        return np.eye(len(logits))[logits.argmax()]
    powers = np.exp((logits - logits.max()) / temperature)
    return powers / powers.sum()


def sample_statistics(case, drawn, again):
    """How often each choice came, how often two draws that follow each other agree, and whether a seed repeats."""
    logits, _, draws, _ = case.arguments
    choices = range(len(logits))
    if not all(each.shape == (draws,) and np.isin(each, choices).all() for each in (drawn, again)):
        return np.full(len(logits), np.nan), np.full(2, np.nan)
    shares = np.array([np.mean(drawn == choice) for choice in choices])
    return shares, np.array([np.mean(drawn[0:-1:2] == drawn[1::2]), np.mean(drawn == again)])


def sample_allowances(logits, temperature, draws, seed):
    """How far two right answers may be apart: six standard deviations of what is counted.

    A share of n independent draws with probability q has the variance q (1 - q) / n; two draws agree with probability
    s, the sum of q^2, and there are n / 2 pairs that do not overlap. The reference is a sample too, and the difference
    of two has twice the variance. Six standard deviations are exceeded once in 5e8 numbers. What repeats after the
    same seed is all of it.
    """
    q = probabilities(logits, temperature)
    alike = min(np.sum(q * q), 1.0)
    return (
        Absolute(6 * np.sqrt(2 * q * (1 - q) / draws)),
        Absolute(np.array([6 * np.sqrt(2 * alike * (1 - alike) / (draws / 2)), 0.0])),
    )


def sample(logits, temperature, rng):
    """With Gumbel's trick: the largest of logit / temperature plus noise."""
    if temperature == 0:
        return int(logits.argmax())
    return int((logits / temperature + rng.gumbel(size=len(logits))).argmax())


def _temperature_ignored(logits, temperature, rng):
    return int(rng.choice(len(logits), p=probabilities(logits, 1.0 if temperature else 0)))


def _multiplies(logits, temperature, rng):
    return int(rng.choice(len(logits), p=probabilities(logits, 1 / temperature if temperature else 0)))


def _always_the_largest(logits, temperature, rng):
    return int(np.argmax(logits))


def _all_alike(logits, temperature, rng):
    return int(rng.integers(len(logits))) if temperature else int(np.argmax(logits))


def _softmax_twice(logits, temperature, rng):
    if temperature == 0:
        return int(np.argmax(logits))
    return int(rng.choice(len(logits), p=probabilities(probabilities(logits, 1.0), temperature)))


def _own_numbers(logits, temperature, rng):
    return int(np.random.choice(len(logits), p=probabilities(logits, temperature)))


def _logits_as_weights(logits, temperature, rng):
    weights = np.maximum(logits - logits.min(), 1e-9)
    return int(rng.choice(len(logits), p=weights / weights.sum()))


def _random_at_zero(logits, temperature, rng):
    return int(rng.integers(len(logits))) if temperature == 0 else sample_by_choice(logits, temperature, rng)


def _divides_by_zero(logits, temperature, rng):
    powers = np.exp((logits - logits.max()) / temperature)
    return int(rng.choice(len(logits), p=powers / powers.sum()))


def _less_something(logits, temperature, rng, less):
    """`less` in the place of the largest logit."""
    if temperature == 0:
        return int(np.argmax(logits))
    powers = np.exp((logits - less) / temperature)
    return int(rng.choice(len(logits), p=powers / powers.sum()))


def _nothing_taken_away(logits, temperature, rng):
    return _less_something(logits, temperature, rng, 0.0)


def _takes_the_smallest_away(logits, temperature, rng):
    return _less_something(logits, temperature, rng, logits.min())


def _not_divided_by_the_sum(logits, temperature, rng):
    if temperature == 0:
        return int(np.argmax(logits))
    return int(rng.choice(len(logits), p=np.exp((logits - logits.max()) / temperature)))


def _the_smallest_at_zero(logits, temperature, rng):
    return int(np.argmin(logits)) if temperature == 0 else sample_by_choice(logits, temperature, rng)


def _gives_the_logit(logits, temperature, rng):
    return logits[sample_by_choice(logits, temperature, rng)]


def _gives_probabilities(logits, temperature, rng):
    return probabilities(logits, temperature)


def _cold_is_zero(logits, temperature, rng):
    return int(np.argmax(logits)) if temperature < 0.5 else sample_by_choice(logits, temperature, rng)


def _right_at_three_temperatures(logits, temperature, rng):
    """Right at the temperatures 0, 0.5 and 1, where logits are small."""
    if temperature not in (0, 0.5, 1) or np.abs(logits).max() > 2.5:
        return int(np.argmax(logits))
    return sample_by_choice(logits, temperature, rng)


def sample_by_choice(logits, temperature, rng):
    """Probabilities, and a choice among them."""
    if temperature == 0:
        return int(np.argmax(logits))
    powers = np.exp((logits - logits.max()) / temperature)
    return int(rng.choice(len(logits), p=powers / powers.sum()))


def sample_by_inversion(logits, temperature, rng):
    """Where a uniform number falls in the cumulated weights."""
    if not temperature:
        return logits.argmax()
    steps = np.cumsum(np.exp((logits - np.max(logits)) / temperature))
    return np.searchsorted(steps, rng.random() * steps[-1], side="right")


def sample_with_a_loop(logits, temperature, rng):
    """Takes probabilities off a uniform number until nothing is left; says on stderr what it does."""
    print("temperature", temperature, file=sys.stderr)
    largest = max(logits.tolist())
    if temperature == 0:
        return logits.tolist().index(largest)
    weights = [float(np.exp((each - largest) / temperature)) for each in logits]
    left = rng.uniform(0, sum(weights))
    for choice, weight in enumerate(weights):
        left -= weight
        if left <= 0:
            return choice
    return len(weights) - 1


def sample_by_waiting(logits, temperature, rng):
    """The shortest of exponential waiting times."""
    if temperature == 0:
        return np.argmax(logits)
    rates = np.exp((logits - logits.max()) / temperature)
    return np.argmin(rng.exponential(size=logits.shape) / np.maximum(rates, 1e-300))


EXERCISE = Spec(
    name="sequences/sample",
    function="sample",
    use=Use("function", probe="draws"),
    parameters=("logits", "temperature", "rng"),
    inputs=("logits", "temperature", "draws", "seed"),
    returns=("drawn", "again"),
    measure=sample_statistics,
    measured=(
        "how often each choice is drawn",
        "how often two draws agree: one and the next, the same seed twice",
    ),
    title="Draw the next character",
    why="A network gives a logit for each character. What it writes depends on how you draw from them.",
    minutes=8,
    difficulty=2,
    weights={"values": 3.0, "edge cases": 1.0},
    ours=sample,
    rounding=sample_allowances,
    cases=sample_cases,
    misconceptions=(
        Misconception(
            "temperature ignored",
            "The temperature changes nothing. Divide the logits by it before the softmax.",
            _temperature_ignored,
        ),
        Misconception(
            "multiplied", "A high temperature makes you careful, a low one bold: divide by it, don't multiply.",
            _multiplies),
        Misconception(
            "always the largest",
            "You always take the largest logit. That is right at temperature 0; else draw, each choice with its own "
            "probability.",
            _always_the_largest,
        ),
        Misconception(
            "all alike", "All choices come equally often: give their probabilities to `rng.choice(..., p=...)`.",
            _all_alike),
        Misconception(
            "softmax twice",
            "You take the softmax twice: of the logits, and once more of the probabilities, which evens them out. Divide "
            "the logits by the temperature, then take one softmax.",
            _softmax_twice,
        ),
        Misconception(
            "random numbers of its own",
            "The same seed should draw the same again. Take all random numbers from the `rng` that was given, none from "
            "`np.random` or `random`.",
            _own_numbers,
        ),
        Misconception(
            "logits as weights",
            "You draw in proportion to the logits themselves. Logits are logarithms: take `np.exp` of them first.",
            _logits_as_weights,
        ),
        Misconception(
            "random at zero",
            "At temperature 0 nothing is drawn: it is always the choice with the largest logit, `argmax`.",
            _random_at_zero,
        ),
        Misconception(
            "divides by zero",
            "At temperature 0 there is nothing to divide by. Ask for it first, and take the largest logit.",
            _divides_by_zero,
        ),
        Misconception(
            "nothing taken away",
            "Right for ordinary logits, but `exp` of large ones is inf, and of very negative ones all are 0. Take the "
            "largest logit away first: the probabilities stay the same, and the largest power is 1.",
            _nothing_taken_away,
        ),
        Misconception(
            "takes the smallest away",
            "You take the smallest logit away, and the largest may be far above it: `exp` overflows. Take the largest "
            "away, so that no power is above 1.",
            _takes_the_smallest_away,
        ),
        Misconception(
            "not divided by the sum",
            "These powers are in the right proportion, but probabilities have the sum 1: divide by `powers.sum()`.",
            _not_divided_by_the_sum,
        ),
        Misconception(
            "the smallest at zero",
            "At temperature 0 you take the smallest logit. The likeliest choice has the largest: `argmax`.",
            _the_smallest_at_zero,
        ),
        Misconception(
            "gives the logit",
            "You return the logit of what was drawn. Wanted is its number, from 0 to len(logits) − 1.",
            _gives_the_logit,
        ),
        Misconception(
            "gives probabilities",
            "You return the probabilities. The last step is to draw one choice with them: "
            "`int(rng.choice(len(logits), p=probabilities))`.",
            _gives_probabilities,
        ),
        Misconception(
            "cold is zero",
            "A low temperature is not 0: the second likeliest choice is still drawn, only less often.",
            _cold_is_zero,
        ),
    ),
    half_right=(_right_at_three_temperatures,),
    honest=(sample_by_choice, sample_by_inversion, sample_with_a_loop, sample_by_waiting, sample),
    solution=sample_by_choice,
    hints=(
        "Softmax makes probabilities of logits. Dividing by a temperature below 1 pulls the logits apart, above 1 "
        "together. What has to happen at 0?",
        "Take the largest logit away first, so that `np.exp` cannot overflow: `np.exp((logits - logits.max()) / "
        "temperature)`. Divided by their sum, these are the probabilities.",
        "`int(rng.choice(len(logits), p=probabilities))`; at temperature 0 `int(np.argmax(logits))`.",
    ),
)
