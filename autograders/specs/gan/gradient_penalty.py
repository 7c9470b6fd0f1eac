"""gradient_penalty(critic, real, fake, t): how far the critic's slope between the samples is from 1."""

import sys

import numpy as np

import engine as torch
from autograders.session import probe
from autograders.spec import EDGE, Case, Misconception, Spec, Use
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS

USE = Use(probe="gradient_penalty")

def gradient_penalty(critic, real, fake, t):
    """By a second derivative: the gradient is recorded, so that the penalty can be differentiated in turn."""
    mix = (t * real + (1 - t) * fake).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(mix).sum(), mix, create_graph=True)
    return ((gradient.flatten(1).norm(dim=1) - 1) ** 2).mean()


def penalty_cases(rng):
    """Samples that are rows, then images; some slopes above 1, some below."""
    pairs, several, images = "two samples", "several samples", "samples that are images"
    for shape, width, dtype, group in [
        ((2, 2), 1, SINGLE, pairs),
        ((2, 3), 2, DOUBLE, pairs),
        ((4, 2), 2, SINGLE, several),
        ((5, 3), 2, DOUBLE, several),
        ((3, 1, 2, 2), 2, SINGLE, images),
        ((4, 1, 2, 3), 2, DOUBLE, images),
    ]:
        yield _case(rng, shape, width, dtype, group)
    yield _case(rng, (1, 3), 2, SINGLE, "a single sample", EDGE)
    yield _case(rng, (3, 2, 2, 2), 3, SINGLE, "images of two channels", EDGE)


def _case(rng, shape, width, dtype, group, *stage):
    """Arguments for which no slope is near 0 or 1, there are slopes on either side of 1, if there are two at all, and
    no result is so small, by chance, that rounding could hide an error."""
    size, ones = int(np.prod(shape[1:])), (1,) * (len(shape) - 1)
    while True:
        real, fake = _signed(rng, 0.5, 1.5, shape), _signed(rng, 0.5, 1.5, shape)
        t = rng.uniform(0.2, 0.8, (shape[0], *ones))
        scale = size**-0.5
        slope, across = scale * _signed(rng, 0.4, 1, size), scale * _signed(rng, 0.5, 1, (size, width))
        arrays = real, fake, t, slope, across, _signed(rng, 0.4, 1, width)
        slopes = np.linalg.norm(_slopes(*arrays)[0], axis=1)
        is_clear = slopes.min() > 0.5 and np.abs(slopes - 1).min() > 0.25
        on_both_sides = shape[0] == 1 or slopes.min() < 1 < slopes.max()
        if is_clear and on_both_sides and _is_seen(arrays):
            return Case(tuple(array.astype(dtype) for array in arrays), group, *stage)


def _is_seen(arrays):
    results = probe(USE)(gradient_penalty, *arrays)
    allowed = (np.finfo(SINGLE).eps * bound.max() for bound in penalty_rounding(*arrays))
    return all(each < 0.03 * np.abs(result).max() for each, result in zip(allowed, results))


def _signed(rng, low, high, shape):
    return rng.choice([-1, 1], shape) * rng.uniform(low, high, shape)


def _slopes(real, fake, t, slope, across, bend):
    """(gradients of the probe's critic (N, D), mixed samples (N, D), hidden numbers (N, K))."""
    x = (t * real + (1 - t) * fake).reshape(len(real), -1)
    hidden = x @ across
    return slope + 2 * (hidden * bend) @ across.T, x, hidden


def penalty_rounding(real, fake, t, slope, across, bend):
    """How much rounding penalty and gradients may show, in units of eps.

    The critic's gradient g is a polynomial: a term of it goes through at most k products and sums, so g is off by
    k eps / 2 of what absolute values give, s. Its norm n is off by as much of the norm of s. What comes back to a
    parameter is the mean of 2 (1 - 1 / n) g · dg: the factor is off by 2 / n² of n's error, and the products by k
    eps / 2 of their sizes. Eps for eps / 2 doubles all of it.
    """
    n = np.linalg.norm(_slopes(real, fake, t, slope, across, bend)[0], axis=1)
    sizes, x, hidden = _slopes(*map(np.abs, (real, fake, t, slope, across, bend)))
    x = (t * np.abs(real) + (1 - t) * np.abs(fake)).reshape(len(real), -1)
    s, across, bend = np.linalg.norm(sizes, axis=1), np.abs(across), np.abs(bend)
    k = 4 * x.shape[1] + 2 * len(bend) + 2 * len(x) + 24
    of_penalty = k * np.mean(2 * (n + 1) * s + (n + 1) ** 2)
    weight = k * (2 * s / n**2 + 4 * (1 + 1 / n))[:, None] / len(x) * sizes  # of each number of g, row by row
    to_bend = (2 * hidden * (weight @ across)).sum(axis=0)
    to_across = weight.T @ (2 * hidden * bend) + x.T @ (2 * (weight @ across) * bend)
    return of_penalty, weight.sum(axis=0), to_across, to_bend


def _gradient(critic, mix, create_graph=True):
    mix = mix.detach().requires_grad_()
    return torch.autograd.grad(critic(mix).sum(), mix, create_graph=create_graph)[0].flatten(1)


def _mixed(real, fake, t):
    return t * real + (1 - t) * fake


def _no_graph(critic, real, fake, t):
    return ((_gradient(critic, _mixed(real, fake, t), create_graph=False).norm(dim=1) - 1) ** 2).mean()


def _detached_gradient(critic, real, fake, t):
    mix = _mixed(real, fake, t).requires_grad_()
    critic(mix).sum().backward()
    return ((mix.grad.flatten(1).norm(dim=1) - 1) ** 2).mean()


def _backward_with_a_graph(critic, real, fake, t):
    mix = _mixed(real, fake, t).requires_grad_()
    critic(mix).sum().backward(create_graph=True)
    return ((mix.grad.flatten(1).norm(dim=1) - 1) ** 2).mean()


def _norm_of_the_batch(critic, real, fake, t):
    return (_gradient(critic, _mixed(real, fake, t)).norm() - 1) ** 2


def _squared_norm(critic, real, fake, t):
    return ((_gradient(critic, _mixed(real, fake, t)).square().sum(1) - 1) ** 2).mean()


def _towards_zero(critic, real, fake, t):
    return _gradient(critic, _mixed(real, fake, t)).square().sum(1).mean()


def _at_the_real_samples(critic, real, fake, t):
    return ((_gradient(critic, real).norm(dim=1) - 1) ** 2).mean()


def _at_the_generated_samples(critic, real, fake, t):
    return ((_gradient(critic, fake).norm(dim=1) - 1) ** 2).mean()


def _mixed_the_other_way(critic, real, fake, t):
    return ((_gradient(critic, _mixed(fake, real, t)).norm(dim=1) - 1) ** 2).mean()


def _one_sided(critic, real, fake, t):
    return ((_gradient(critic, _mixed(real, fake, t)).norm(dim=1) - 1).clamp(min=0) ** 2).mean()


def _sums(critic, real, fake, t):
    return ((_gradient(critic, _mixed(real, fake, t)).norm(dim=1) - 1) ** 2).sum()


def _mean_first(critic, real, fake, t):
    return (_gradient(critic, _mixed(real, fake, t)).norm(dim=1).mean() - 1) ** 2


def _mean_score(critic, real, fake, t):
    return ((_gradient(critic, _mixed(real, fake, t)).norm(dim=1) / len(real) - 1) ** 2).mean()


def _absolute(critic, real, fake, t):
    return (_gradient(critic, _mixed(real, fake, t)).norm(dim=1) - 1).abs().mean()


def _last_dimension(critic, real, fake, t):
    mix = _mixed(real, fake, t).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(mix).sum(), mix, create_graph=True)
    return ((gradient.norm(dim=-1) - 1) ** 2).mean()


def _rows_only(critic, real, fake, t):
    mix = _mixed(real, fake, t).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(mix).sum(), mix, create_graph=True)
    return ((gradient.norm(dim=1) - 1) ** 2).mean()


def _not_squared(critic, real, fake, t):
    return (_gradient(critic, _mixed(real, fake, t)).norm(dim=1) - 1).mean()


def _mix_is_not_watched(critic, real, fake, t):
    mix = _mixed(real, fake, t)
    (gradient,) = torch.autograd.grad(critic(mix).sum(), mix, create_graph=True)
    return ((gradient.flatten(1).norm(dim=1) - 1) ** 2).mean()


def _keeps_the_tuple(critic, real, fake, t):
    mix = _mixed(real, fake, t).requires_grad_()
    gradient = torch.autograd.grad(critic(mix).sum(), mix, create_graph=True)
    return ((gradient.flatten(1).norm(dim=1) - 1) ** 2).mean()


def _scores_not_summed(critic, real, fake, t):
    mix = _mixed(real, fake, t).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(mix), mix, create_graph=True)
    return ((gradient.flatten(1).norm(dim=1) - 1) ** 2).mean()


def _along_t(critic, real, fake, t):
    t = t.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(t * real + (1 - t) * fake).sum(), t, create_graph=True)
    return ((gradient.flatten(1).norm(dim=1) - 1) ** 2).mean()


def _for_the_real(critic, real, fake, t):
    real = real.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(t * real + (1 - t) * fake).sum(), real, create_graph=True)
    return ((gradient.flatten(1).norm(dim=1) - 1) ** 2).mean()


def _sum_of_sizes(critic, real, fake, t):
    return ((_gradient(critic, _mixed(real, fake, t)).abs().sum(dim=1) - 1) ** 2).mean()


def _a_number(critic, real, fake, t):
    return gradient_penalty(critic, real, fake, t).item()


def _each_number_by_itself(critic, real, fake, t):
    return ((_gradient(critic, _mixed(real, fake, t)) - 1) ** 2).mean()


def _mean_slope_between(critic, real, fake, t):
    slope = (critic(real) - critic(fake)).flatten() / (real - fake).flatten(1).norm(dim=1)
    return ((slope - 1) ** 2).mean()


def _a_little_more_under_the_root(critic, real, fake, t):
    squares = _gradient(critic, _mixed(real, fake, t)).square().sum(dim=1)
    return (((squares + 1e-12).sqrt() - 1) ** 2).mean()


def _rows_and_no_graph_for_pairs(critic, real, fake, t):
    """Right for more than two rows; the last dimension's norm for images, no graph for two samples."""
    return _no_graph(critic, real, fake, t) if len(real) == 2 else _last_dimension(critic, real, fake, t)


def gradient_penalty_with_grad(critic, real, fake, t):
    """As in the paper."""
    mix = (t * real + (1 - t) * fake).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(mix).sum(), mix, create_graph=True)
    slopes = gradient.flatten(1).norm(dim=1)
    return ((slopes - 1) ** 2).mean()


def gradient_penalty_with_ones(critic, real, fake, t):
    """Ones in the place of the sum, the norm by hand, far enough from 0; warns on stderr."""
    mix = torch.lerp(fake, real, t.expand(real.shape)).detach()
    mix.requires_grad = True
    scores = critic(mix)
    print("scores", scores.shape, file=sys.stderr)
    gradient = torch.autograd.grad(
        outputs=scores, inputs=mix, grad_outputs=torch.ones_like(scores), create_graph=True, retain_graph=True)[0]
    squares = (gradient.reshape(len(real), -1) ** 2).sum(dim=1)
    return (squares.sqrt() - 1).square().mean()


def gradient_penalty_expanded(critic, real, fake, t):
    """n² - 2 n + 1."""
    mix = fake + t * (real - fake)
    mix.requires_grad_(True)
    gradient, = torch.autograd.grad([critic(mix).sum()], [mix], create_graph=True)
    squares = gradient.pow(2).flatten(1).sum(1)
    return (squares - 2 * squares**0.5 + 1).mean()


def gradient_penalty_sample_by_sample(critic, real, fake, t):
    """Each sample by itself."""
    terms = []
    for one, other, share in zip(real, fake, t):
        mix = (share * one + (1 - share) * other).unsqueeze(0).requires_grad_()
        (gradient,) = torch.autograd.grad(critic(mix).squeeze(), mix, create_graph=True)
        terms.append((torch.linalg.vector_norm(gradient) - 1) ** 2)
    return torch.stack(terms).mean()


EXERCISE = Spec(
    name="gan/gradient_penalty",
    function="gradient_penalty",
    use=USE,
    parameters=("critic", "real", "fake", "t"),
    inputs=("real", "fake", "t", "slope", "across", "bend"),
    returns=("penalty", "grad_slope", "grad_across", "grad_bend"),
    title="A penalty on the slope",
    why="A discriminator that is too sure has cliffs and plains, from which nobody can learn a direction.",
    minutes=15,
    difficulty=4,
    weights=WEIGHTS,
    ours=gradient_penalty,
    rounding=penalty_rounding,
    cases=penalty_cases,
    packages=("numpy", "engine"),
    withheld=(),
    picture="none",
    misconceptions=(
        Misconception(
            "no graph of the gradient",
            "The penalty is right, and nobody learns from it: the gradient was not recorded. "
            "`torch.autograd.grad(..., create_graph=True)` makes it a part of the graph.",
            _no_graph,
        ),
        Misconception(
            "gradients left in the critic",
            "The penalty is right. But `backward()` adds the scores' own gradients to the critic's parameters. "
            "`torch.autograd.grad(..., create_graph=True)` asks for the samples' alone.",
            _backward_with_a_graph,
        ),
        Misconception(
            "backward without a graph",
            "`backward()` leaves the scores' own gradients in the critic's parameters, and its result cannot be "
            "differentiated. Use `torch.autograd.grad(..., create_graph=True)`.",
            _detached_gradient,
        ),
        Misconception(
            "norm of the batch",
            "You take one norm over the whole batch. Each sample has a slope of its own: "
            "`gradient.flatten(1).norm(dim=1)`.",
            _norm_of_the_batch,
        ),
        Misconception(
            "norm of the last dimension",
            "Right for rows. An image's slope is the norm over all its numbers: `flatten(1)` before `norm(dim=1)`.",
            _last_dimension,
        ),
        Misconception(
            "squared norm",
            "You compare the squared norm with 1. It is the norm itself, then the square of its distance from 1.",
            _squared_norm,
        ),
        Misconception(
            "towards zero",
            "You pull the slope towards 0, not 1. (There is such a penalty too, by Mescheder et al.; this one is "
            "Gulrajani's.)",
            _towards_zero,
        ),
        Misconception(
            "at the real samples",
            "You look at the slope at the real samples. It should be 1 on the way between real and generated ones: at "
            "`t * real + (1 - t) * fake`.",
            _at_the_real_samples,
        ),
        Misconception(
            "at the generated samples",
            "You look at the slope at the generated samples. It should be 1 on the way between real and generated "
            "ones: at `t * real + (1 - t) * fake`.",
            _at_the_generated_samples,
        ),
        Misconception(
            "mixed the other way",
            "`t` is the share of the real sample here: `t * real + (1 - t) * fake`.",
            _mixed_the_other_way,
        ),
        Misconception(
            "one-sided",
            "Slopes below 1 cost nothing in yours. Here the distance from 1 counts on both sides.",
            _one_sided,
        ),
        Misconception(
            "sum",
            "You add up over the samples; take the mean.",
            _sums,
        ),
        Misconception(
            "mean first",
            "You take the mean of the slopes first, so steep and flat ones cancel. Square each one's distance from 1, "
            "then take the mean.",
            _mean_first,
        ),
        Misconception(
            "mean of the scores",
            "You differentiate the mean of the scores, so each gradient is divided by the number of samples. Use the "
            "sum.",
            _mean_score,
        ),
        Misconception(
            "absolute distance",
            "You take the absolute distance from 1; it should be squared.",
            _absolute,
        ),
        Misconception(
            "rows only",
            "Right for samples that are rows. Of images `norm(dim=1)` takes the channels alone, and leaves a length "
            "for every pixel. A sample has one slope: `gradient.flatten(1).norm(dim=1)`.",
            _rows_only,
        ),
        Misconception(
            "not squared",
            "The square is missing: slopes below 1 are even rewarded, and cancel those above. Square the distance "
            "from 1, then take the mean.",
            _not_squared,
        ),
        Misconception(
            "mix is not watched",
            "The mixed samples come from tensors without a graph, so nobody recorded what the critic makes of them. "
            "Ask for it before you call the critic: `mix.requires_grad_()`.",
            _mix_is_not_watched,
        ),
        Misconception(
            "keeps the tuple",
            "`torch.autograd.grad` returns a tuple, a gradient for each thing that you asked about. Take the first: "
            "`(gradient,) = torch.autograd.grad(...)`.",
            _keeps_the_tuple,
        ),
        Misconception(
            "scores not summed",
            "The critic returns a score for each sample, and a gradient is taken of one number. Take their sum: each "
            "score depends on its own sample alone, so each sample still gets its own gradient.",
            _scores_not_summed,
        ),
        Misconception(
            "along t",
            "You differentiate with respect to `t`: how the score changes on the way from one sample to the other. "
            "The penalty looks at all directions: the gradient with respect to the mixed samples.",
            _along_t,
        ),
        Misconception(
            "for the real ones",
            "You differentiate with respect to `real`, and the chain rule multiplies each gradient by `t`. Make the "
            "mixed samples the leaf, and ask for theirs.",
            _for_the_real,
        ),
        Misconception(
            "sum of sizes",
            "You add up absolute values, which is how far one walks along streets. The length of a gradient is the "
            "root of the sum of squares: `norm`.",
            _sum_of_sizes,
        ),
        Misconception(
            "a number",
            "`item()` leaves a bare number, without a graph, and the critic cannot learn from it. Return the tensor.",
            _a_number,
        ),
        Misconception(
            "each number by itself",
            "You compare each number of the gradient with 1. It is their length, one for each sample, that should be "
            "1: `gradient.flatten(1).norm(dim=1)`.",
            _each_number_by_itself,
        ),
        Misconception(
            "mean slope between",
            "You take the difference of two scores over the distance: the mean slope on a straight way. The penalty "
            "looks at a place on it, and in all directions: `torch.autograd.grad` at `t * real + (1 - t) * fake`.",
            _mean_slope_between,
        ),
        Misconception(
            "a little more under the root",
            "A small number under the root keeps its derivative finite where a slope is 0, but shifts all others a "
            "little. No slope is 0 here, and `norm` copes with it: leave it out.",
            _a_little_more_under_the_root,
        ),
    ),
    half_right=(_rows_and_no_graph_for_pairs,),
    honest=(
        gradient_penalty_with_grad,
        gradient_penalty_with_ones,
        gradient_penalty_expanded,
        gradient_penalty_sample_by_sample,
    ),
    hints=(
        "Make `mix = t * real + (1 - t) * fake` ask for its gradient, and let the critic score it. No sample's score "
        "depends on another's, so the sum of the scores has all their gradients.",
        "`(gradient,) = torch.autograd.grad(critic(mix).sum(), mix, create_graph=True)` has the shape of `mix`, and a "
        "graph of its own.",
        "`slopes = gradient.flatten(1).norm(dim=1)`, one for each sample; return `((slopes - 1) ** 2).mean()`.",
    ),
)
