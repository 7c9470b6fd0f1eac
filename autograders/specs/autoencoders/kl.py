"""kl_to_normal(mean, log_variance): how far normal distributions are from the standard one, in nats."""

import sys

import numpy as np

import engine as torch
from autograders.spec import EDGE, Case, Misconception, Spec, Use
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal


def kl_to_normal(mean, log_variance, gradient):
    """The divergence, and gradient times its gradients, by the formula (Kingma and Welling, 2014, appendix B)."""
    variance, above = np.exp(log_variance), gradient[:, None]
    kl = 0.5 * (mean**2 + variance - 1 - log_variance).sum(axis=1)
    return kl, above * mean, above * 0.5 * (variance - 1)


def kl_rounding(mean, log_variance, gradient):
    """How much rounding may show, in units of eps.

    A number of a row adds mean^2 / 2, variance / 2, 1 / 2 and log_variance / 2. Each is off by eps / 2 of its size for
    each of at most four steps, a sum of 4 d of them by 4 d eps / 2 of all sizes together. An exponential is off by its
    argument's error too, which is eps / 2 of the argument where it was halved or doubled first: that counts the variance
    1 + |log_variance| times. Who takes the logarithm of the variance again is off by as much. Counting eps for eps / 2
    doubles the bounds. The gradients are one product and one difference of the same numbers.
    """
    width, above = mean.shape[1], np.abs(gradient)[:, None]
    variance = np.exp(log_variance) * (1 + np.abs(log_variance))
    sizes = 0.5 * (mean**2 + variance + 1 + np.abs(log_variance))
    return (4 * width + 4) * sizes.sum(axis=1), 4 * above * np.abs(mean), 4 * above * 0.5 * (variance + 1)


def kl_cases(rng):
    """Rows of means and log-variances away from 0; then with one or both as in the standard normal distribution."""
    one, several = "one number a row", "several numbers a row"
    for rows, width, dtype, group in [
        (1, 1, SINGLE, one),
        (4, 1, DOUBLE, one),
        (2, 2, SINGLE, several),
        (3, 5, DOUBLE, several),
    ]:
        yield _case(rng, _apart(rng, (rows, width), dtype), _apart(rng, (rows, width), dtype), group)
    yield _case(rng, np.zeros((2, 3), SINGLE), _apart(rng, (2, 3), SINGLE), "means of 0", EDGE)
    yield _case(rng, _apart(rng, (2, 3), SINGLE), np.zeros((2, 3), SINGLE), "variances of 1", EDGE)
    yield _case(rng, np.zeros((2, 3), SINGLE), np.zeros((2, 3), SINGLE), "the standard distribution itself: 0", EDGE)
    yield _case(rng, _apart(rng, (2, 2), SINGLE), np.full((2, 2), -30, SINGLE), "hardly any variance", EDGE)
    yield _case(rng, _apart(rng, (2, 2), SINGLE), np.full((2, 2), 7, SINGLE), "a large variance", EDGE)


def _apart(rng, shape, dtype):
    """Numbers with a size from 0.3 to 1.8, of either sign."""
    return np.asarray(rng.uniform(0.3, 1.8, shape) * rng.choice([-1, 1], shape), dtype)


def _case(rng, mean, log_variance, group, *stage):
    gradient = normal(rng, len(mean), mean.dtype)
    return Case((mean, log_variance, gradient + np.sign(gradient)), group, *stage)


def kl_in_one_line(mean, log_variance):
    """The formula."""
    return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(dim=1)


def _turned_around(mean, log_variance):
    return -kl_in_one_line(mean, log_variance)


def _without_the_half(mean, log_variance):
    return 2 * kl_in_one_line(mean, log_variance)


def _mean_of_the_numbers(mean, log_variance):
    return kl_in_one_line(mean, log_variance) / mean.shape[1]


def _mean_of_the_batch(mean, log_variance):
    return kl_in_one_line(mean, log_variance).mean()


def _not_summed(mean, log_variance):
    return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance)


def _takes_it_for_the_variance(mean, log_variance):
    return 0.5 * (mean**2 + log_variance - 1 - log_variance.log()).sum(dim=1)


def _takes_it_for_the_deviation(mean, log_variance):
    return 0.5 * (mean**2 + log_variance**2 - 1 - (log_variance**2).log()).sum(dim=1)


def _takes_it_for_the_log_deviation(mean, log_variance):
    return 0.5 * (mean**2 + (2 * log_variance).exp() - 1 - 2 * log_variance).sum(dim=1)


def _deviation_for_variance(mean, log_variance):
    return 0.5 * (mean**2 + (log_variance / 2).exp() - 1 - log_variance).sum(dim=1)


def _without_the_mean(mean, log_variance):
    return 0.5 * (log_variance.exp() - 1 - log_variance).sum(dim=1)


def _mean_not_squared(mean, log_variance):
    return 0.5 * (mean + log_variance.exp() - 1 - log_variance).sum(dim=1)


def _without_the_one(mean, log_variance):
    return 0.5 * (mean**2 + log_variance.exp() - log_variance).sum(dim=1)


def _logarithm_added(mean, log_variance):
    return 0.5 * (mean**2 + log_variance.exp() - 1 + log_variance).sum(dim=1)


def _the_other_way_round(mean, log_variance):
    return 0.5 * ((mean**2 + 1) / log_variance.exp() - 1 + log_variance).sum(dim=1)


def _outside_the_graph(mean, log_variance):
    return kl_in_one_line(mean.detach(), log_variance.detach())


def _parts(mean, log_variance):
    return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance)


def _sum_of_the_batch(mean, log_variance):
    return _parts(mean, log_variance).sum()


def _along_the_batch(mean, log_variance):
    return _parts(mean, log_variance).sum(dim=0)


def _an_axis_too_many(mean, log_variance):
    return _parts(mean, log_variance).sum(dim=1, keepdim=True)


def _divided_by_the_rows(mean, log_variance):
    return kl_in_one_line(mean, log_variance) / len(mean)


def _one_for_the_row(mean, log_variance):
    return 0.5 * ((mean**2 + log_variance.exp() - log_variance).sum(dim=1) - 1)


def _variance_squared(mean, log_variance):
    return 0.5 * (mean**2 + log_variance.exp() ** 2 - 1 - log_variance).sum(dim=1)


def _logarithm_twice(mean, log_variance):
    return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance.log()).sum(dim=1)


def _logarithm_doubled(mean, log_variance):
    return 0.5 * (mean**2 + log_variance.exp() - 1 - 2 * log_variance).sum(dim=1)


def _half_of_the_first(mean, log_variance):
    return (0.5 * mean**2 + log_variance.exp() - 1 - log_variance).sum(dim=1)


def _in_bits(mean, log_variance):
    return kl_in_one_line(mean, log_variance) / np.log(2)


def _exp_of_numpy_s(mean, log_variance):
    return 0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance).sum(dim=1)


def _the_one_added(mean, log_variance):
    return 0.5 * (mean**2 + log_variance.exp() + 1 - log_variance).sum(dim=1)


def _variance_subtracted(mean, log_variance):
    return -0.5 * (1 + log_variance - mean**2 + log_variance.exp()).sum(dim=1)


def _without_the_logarithm(mean, log_variance):
    return 0.5 * (mean**2 + log_variance.exp() - 1).sum(dim=1)


def _summed_then_squared(mean, log_variance):
    return 0.5 * (mean.sum(dim=1) ** 2 + (log_variance.exp() - 1 - log_variance).sum(dim=1))


def _the_mean_alone(mean, log_variance):
    return 0.5 * (mean**2).sum(dim=1)


def _the_deviation_learns_nothing(mean, log_variance):
    return kl_in_one_line(mean, log_variance.detach())


def _the_size_of_the_mean(mean, log_variance):
    return 0.5 * (mean.abs() + log_variance.exp() - 1 - log_variance).sum(dim=1)


def kl_with_deviations(mean, log_variance):
    """In terms of the standard deviation; says on stderr what it does."""
    print("divergence of", len(mean), "rows", file=sys.stderr)
    deviation = torch.exp(0.5 * log_variance)
    return (0.5 * (mean.square() + deviation.square() - 1) - deviation.log()).sum(-1)


def kl_term_by_term(mean, log_variance):
    """Three sums."""
    terms = mean.pow(2).sum(1) + log_variance.exp().sum(1) - log_variance.sum(1)
    return (terms - mean.size(1)) / 2


def kl_row_by_row(mean, log_variance):
    """A loop over the rows."""
    rows = [-0.5 * torch.sum(1 + v - m * m - torch.exp(v)) for m, v in zip(mean, log_variance)]
    return torch.stack(rows)


def kl_as_a_product(mean, log_variance):
    """The sum as a product with ones."""
    inside = mean * mean + torch.exp(log_variance) - log_variance - 1
    return inside @ torch.full((mean.shape[1],), 0.5, dtype=mean.dtype)


def kl_in_double(mean, log_variance):
    """Computes in float64, and rounds once at the end."""
    return kl_in_one_line(mean.double(), log_variance.double()).to(mean.dtype)


EXERCISE = Spec(
    name="autoencoders/kl",
    function="kl_to_normal",
    use=Use(probe="kl_to_normal"),
    parameters=("mean", "log_variance"),
    inputs=("mean", "log_variance", "gradient"),
    returns=("kl", "grad_mean", "grad_log_variance"),
    title="How far from the standard normal?",
    why="This number pulls all clouds to the middle of the plane, and keeps each of them from shrinking to a point.",
    minutes=15,
    difficulty=2,
    weights=WEIGHTS,
    reference=kl_to_normal,
    ours=kl_in_one_line,
    rounding=kl_rounding,
    cases=kl_cases,
    picture="none",
    packages=("numpy", "engine"),
    withheld=(),
    misconceptions=(
        Misconception(
            "turned around",
            "Your divergence is negative. It is never below 0, and 0 only for the standard distribution itself; as a "
            "loss with the wrong sign it would push all clouds away.",
            _turned_around,
        ),
        Misconception(
            "without the half", "Your divergence is twice too large: a half stands before the whole sum.",
            _without_the_half,
        ),
        Misconception(
            "mean of a row's numbers",
            "You take the mean over a row's numbers. The divergences of independent numbers add up: `sum`, not `mean`.",
            _mean_of_the_numbers,
        ),
        Misconception(
            "one number for the batch",
            "This is one number for the whole batch. Wanted is one for each row: sum along `dim=1` alone.",
            _mean_of_the_batch,
        ),
        Misconception(
            "not summed", "These are the parts that each number adds. Sum them along each row: `dim=1`.", _not_summed),
        Misconception(
            "log-variance taken for the variance",
            "You use `log_variance` as if it were the variance, and take its logarithm once more. The variance is "
            "`log_variance.exp()`, its logarithm `log_variance` itself.",
            _takes_it_for_the_variance,
        ),
        Misconception(
            "log-variance taken for the deviation",
            "You use `log_variance` as if it were the standard deviation. The variance, σ², is `log_variance.exp()`, and "
            "its logarithm `log_variance` itself.",
            _takes_it_for_the_deviation,
        ),
        Misconception(
            "log-variance taken for log σ",
            "You double `log_variance`, as if it were log σ. It is log σ² already: the variance is `log_variance.exp()`.",
            _takes_it_for_the_log_deviation,
        ),
        Misconception(
            "deviation for variance",
            "`exp(log_variance / 2)` is the standard deviation σ. What belongs here is σ², `log_variance.exp()`.",
            _deviation_for_variance,
        ),
        Misconception(
            "without the mean",
            "The mean plays no part in yours. A cloud far from the middle has to cost more: add the mean's square.",
            _without_the_mean,
        ),
        Misconception("mean not squared", "The mean comes in squared: left or right of 0 costs the same.", _mean_not_squared),
        Misconception(
            "without the one",
            "The 1 is missing: for the standard distribution itself, mean 0 and log-variance 0, the result should be 0.",
            _without_the_one,
        ),
        Misconception(
            "logarithm added",
            "The log-variance is subtracted, not added: a cloud that shrinks to a point has to cost more and more.",
            _logarithm_added,
        ),
        Misconception(
            "the other way round",
            "This is the divergence of the standard distribution from yours. Wanted is that of yours from the standard "
            "one; KL is not symmetric.",
            _the_other_way_round,
        ),
        Misconception(
            "outside the graph",
            "The numbers are right, but no gradient comes back to mean and log-variance: stay with tensors, without "
            "`detach` or `numpy`.",
            _outside_the_graph,
        ),
        Misconception(
            "sum of the batch",
            "You add up the whole batch. Each row is an image's code and has a divergence of its own: sum along "
            "`dim=1` alone.",
            _sum_of_the_batch,
        ),
        Misconception(
            "along the batch",
            "You add up one number over all images. Wanted are all numbers of one image, which lie along a row: "
            "`dim=1`.",
            _along_the_batch,
        ),
        Misconception(
            "an axis too many",
            "The sums are there, but each in a row of its own, (N, 1). Without `keepdim` the summed axis goes: (N,).",
            _an_axis_too_many,
        ),
        Misconception(
            "divided by the rows",
            "You divide by the number of rows. What one image's code costs does not depend on how many others are in "
            "the batch; their mean is taken later.",
            _divided_by_the_rows,
        ),
        Misconception(
            "one for the row",
            "You subtract 1 once for a row. It belongs to each of its numbers, inside the sum; else two numbers that "
            "are as standard as can be cost half a nat.",
            _one_for_the_row,
        ),
        Misconception(
            "variance squared",
            "`log_variance.exp()` is σ² already. You square it once more.",
            _variance_squared,
        ),
        Misconception(
            "logarithm twice",
            "You take the logarithm of what is one: log σ² is `log_variance` itself, and where that is negative its "
            "logarithm is nan.",
            _logarithm_twice,
        ),
        Misconception(
            "logarithm doubled",
            "You subtract the log-variance twice. log σ² is 2 log σ, but that 2 is in `log_variance` already.",
            _logarithm_doubled,
        ),
        Misconception(
            "half of the first",
            "Your half multiplies the mean's square alone. It stands before the bracket, so put one around all four "
            "parts.",
            _half_of_the_first,
        ),
        Misconception(
            "in bits",
            "This counts in bits. The formula has natural logarithms, as the loss for drawing has, so both costs are "
            "in nats: do not divide by ln 2.",
            _in_bits,
        ),
        Misconception(
            "numpy's functions",
            "numpy's functions know arrays, and an array has no graph. Don't detach, or nothing is learned: a tensor "
            "has its own, `log_variance.exp()`.",
            _exp_of_numpy_s,
        ),
        Misconception(
            "the one added",
            "You add the 1; it is subtracted, so that the standard distribution itself costs nothing.",
            _the_one_added,
        ),
        Misconception(
            "variance subtracted",
            "With the minus in front all signs inside turn round, that of the variance as well: `- "
            "log_variance.exp()`.",
            _variance_subtracted,
        ),
        Misconception(
            "without the logarithm",
            "The logarithm is missing, and with it what keeps a cloud from shrinking to a point: subtract "
            "`log_variance`.",
            _without_the_logarithm,
        ),
        Misconception(
            "summed, then squared",
            "You add up a row's means and square the sum, where 2 and -2 cancel. Square each, then add up.",
            _summed_then_squared,
        ),
        Misconception(
            "the mean alone",
            "The log-variance plays no part in yours, so a cloud may shrink to a point for nothing: add σ² − 1 − log "
            "σ².",
            _the_mean_alone,
        ),
        Misconception(
            "the deviation learns nothing",
            "The numbers are right, but the log-variance gets no gradient: leave it in the graph, without `detach`.",
            _the_deviation_learns_nothing,
        ),
        Misconception(
            "the mean's size",
            "Here the mean comes in by its size. It is squared: what is twice as far costs four times as much.",
            _the_size_of_the_mean,
        ),
    ),
    half_right=(_mean_of_the_numbers,),
    honest=(
        kl_in_one_line,
        kl_with_deviations,
        kl_term_by_term,
        kl_row_by_row,
        kl_as_a_product,
        kl_in_double,
    ),
    hints=(
        "Begin with the variance: which function undoes the logarithm in `log_variance`?",
        "Each number of a row adds ½ (μ² + σ² − 1 − log σ²), and the last of these is `log_variance` as it is given.",
        "`0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(dim=1)`",
    ),
)
