"""gan_losses(real, fake): what the discriminator minimizes, and what the generator does, from logits."""

import sys

import numpy as np

import engine as torch
from autograders.spec import EDGE, Case, Misconception, Spec, Use
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS
from engine.nn import functional as F


def gan_losses(real, fake):
    """With the engine's cross-entropy for two classes."""
    d_loss = F.binary_cross_entropy_with_logits(real, torch.ones_like(real))
    d_loss = d_loss + F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
    return d_loss, F.binary_cross_entropy_with_logits(fake, torch.ones_like(fake))


def losses_cases(rng):
    """Logits of a few samples, as many real ones as generated ones or not; then a discriminator that is sure."""
    single, several, unequal = "one sample of each", "several samples", "more of one kind than of the other"
    for reals, fakes, dtype, group in [
        (1, 1, SINGLE, single),
        (1, 1, DOUBLE, single),
        (3, 3, SINGLE, several),
        (6, 6, DOUBLE, several),
        (2, 5, SINGLE, unequal),
        (7, 4, DOUBLE, unequal),
    ]:
        yield Case((_logits(rng, reals, dtype), _logits(rng, fakes, dtype)), group)
    sure = rng.uniform(110, 200, 3).astype(SINGLE)
    once, twice = np.array([1, -1, 1], SINGLE), np.array([-1, 1, -1], SINGLE)
    yield Case((sure * once, sure * twice), "a discriminator that is sure, and mostly right", EDGE)
    yield Case((sure * twice, sure * once), "a discriminator that is sure, and mostly wrong", EDGE)


def _logits(rng, count, dtype):
    """Of either sign, none so near to 0 that a sign or a target could not be told."""
    return (rng.choice([-1, 1], count) * rng.uniform(0.4, 2.5, count)).astype(dtype)


def losses_rounding(real, fake):
    """How much rounding losses and gradients may show, in units of eps.

    A term log(1 + exp(s)) is max(s, 0) + log(1 + exp(-|s|)): the exponential is off by at most (|s| + 2) eps / 2 of
    itself, which |s| exp(-|s|) < 1 keeps below 2 eps; the logarithm and the sum add an eps of 1 and of the result, in
    whatever way it is computed for |s| < 3, where 1 - sigmoid(s) is off by eps of 1 and no less than 1 / 21. A mean of
    n terms adds n eps / 2 of their size. A gradient is a sigmoid, off by 4 eps of 1, over n.
    """
    def loss(logits):
        return np.float64((len(logits) + 24) * (1 + np.abs(logits)).mean())

    def gradient(logits):
        return np.full(len(logits), 24 / len(logits))

    return loss(real) + loss(fake), gradient(real), gradient(fake), loss(fake), gradient(fake)


def _softplus_losses(real, fake):
    return F.softplus(-real).mean() + F.softplus(fake).mean(), F.softplus(-fake).mean()


def _saturates(real, fake):
    return _softplus_losses(real, fake)[0], -F.softplus(fake).mean()


def _minus_the_other_s_loss(real, fake):
    d_loss = _softplus_losses(real, fake)[0]
    return d_loss, -d_loss


def _real_and_fake_swapped(real, fake):
    return F.softplus(real).mean() + F.softplus(-fake).mean(), F.softplus(-fake).mean()


def _generator_as_judged(real, fake):
    return _softplus_losses(real, fake)[0], F.softplus(fake).mean()


def _sums(real, fake):
    return F.softplus(-real).sum() + F.softplus(fake).sum(), F.softplus(-fake).sum()


def _half_the_loss(real, fake):
    d_loss, g_loss = _softplus_losses(real, fake)
    return d_loss / 2, g_loss


def _one_mean_over_all(real, fake):
    return torch.cat([F.softplus(-real), F.softplus(fake)]).mean() * 2, F.softplus(-fake).mean()


def _overflows(real, fake):
    d_loss = -torch.log(torch.sigmoid(real)).mean() - torch.log(1 - torch.sigmoid(fake)).mean()
    return d_loss, -torch.log(torch.sigmoid(fake)).mean()


def _forgets_the_fakes(real, fake):
    return F.softplus(-real).mean(), F.softplus(-fake).mean()


def _detached(real, fake):
    d_loss, g_loss = _softplus_losses(real, fake.detach())
    return d_loss, g_loss


def _takes_logits_for_probabilities(real, fake):
    return -real.mean() + fake.mean(), -fake.mean()


def _a_single_mean(real, fake):
    return torch.cat([F.softplus(-real), F.softplus(fake)]).mean(), F.softplus(-fake).mean()


def _sample_by_sample(real, fake):
    return (F.softplus(-real) + F.softplus(fake)).mean(), F.softplus(-fake).mean()


def _the_other_way_round(real, fake):
    return _softplus_losses(real, fake)[::-1]


def _numbers(real, fake):
    return tuple(loss.item() for loss in _softplus_losses(real, fake))


def _calls_both_real(real, fake):
    return F.softplus(-real).mean() + F.softplus(-fake).mean(), F.softplus(-fake).mean()


def _detached_for_the_judge(real, fake):
    return _softplus_losses(real, fake.detach())[0], _softplus_losses(real, fake)[1]


def _sigmoid_first(real, fake):
    return _softplus_losses(torch.sigmoid(real), torch.sigmoid(fake))


def _a_little_more(real, fake):
    d_loss = -torch.log(torch.sigmoid(real) + 1e-7).mean() - torch.log(1 - torch.sigmoid(fake) + 1e-7).mean()
    return d_loss, -torch.log(torch.sigmoid(fake) + 1e-7).mean()


def _without_minus(real, fake):
    return tuple(-loss for loss in _softplus_losses(real, fake))


def _no_means(real, fake):
    return F.softplus(-real) + F.softplus(fake), F.softplus(-fake)


def _means_first(real, fake):
    return _softplus_losses(real.mean(), fake.mean())


def _generator_minds_the_real(real, fake):
    d_loss, g_loss = _softplus_losses(real, fake)
    return d_loss, g_loss + F.softplus(real).mean()


def _targets_of_the_real(real, fake):
    towards = F.binary_cross_entropy_with_logits
    one, zero = torch.ones_like(real), torch.zeros_like(real)
    return towards(real, one) + towards(fake, zero), towards(fake, one)


def _only_the_generator_s(real, fake):
    """Right for the generator; the discriminator's loss looks at real samples only."""
    return F.softplus(-real).mean(), F.softplus(-fake).mean()


def gan_losses_with_softplus(real, fake):
    """-log sigmoid(s) is softplus(-s)."""
    d_loss = F.softplus(-real).mean() + F.softplus(fake).mean()
    return d_loss, F.softplus(-fake).mean()


def gan_losses_with_logsigmoid(real, fake):
    """The logarithms, each by a function that bears large logits."""
    d_loss = -F.logsigmoid(real).mean() - F.logsigmoid(-fake).mean()
    g_loss = -F.logsigmoid(fake).mean()
    return d_loss, g_loss


def gan_losses_with_targets(real, fake):
    """As a classifier of two classes is trained, with targets 1 and 0; warns on stderr."""
    print("judging", len(real), "and", len(fake), file=sys.stderr)

    def towards(logits, target):
        return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))

    return towards(real, 1.0) + towards(fake, 0.0), towards(fake, 1.0)


def gan_losses_by_hand(real, fake):
    """log(1 + exp(s)), with the large part taken out first."""

    def surprise(logits):
        return logits.clamp(min=0) + torch.log1p(torch.exp(-logits.abs()))

    return surprise(-real).mean() + surprise(fake).mean(), surprise(-fake).mean()


EXERCISE = Spec(
    name="gan/losses",
    function="gan_losses",
    use=Use(probe="gan_losses"),
    parameters=("real", "fake"),
    returns=("d_loss", "d_grad_real", "d_grad_fake", "g_loss", "g_grad_fake"),
    title="What each of the two wants",
    why="These two losses are all that a GAN adds to what you know: no target for a sample, only a judge.",
    minutes=10,
    difficulty=2,
    weights=WEIGHTS,
    ours=gan_losses,
    rounding=losses_rounding,
    cases=losses_cases,
    picture="none",
    packages=("numpy", "engine"),
    withheld=(),
    misconceptions=(
        Misconception(
            "saturates",
            "The discriminator's loss is right. Your generator makes log(1 - sigmoid(fake)) small, which is flat where "
            "the discriminator is sure: it learns least when it is worst. Let it make -log sigmoid(fake) small.",
            _saturates,
        ),
        Misconception(
            "minus the other's loss",
            "Your generator minimizes minus the discriminator's loss. That is the game in theory, but it is flat where "
            "the discriminator is sure, and its real samples are none of the generator's business. Use "
            "-log sigmoid(fake).",
            _minus_the_other_s_loss,
        ),
        Misconception(
            "real and fake swapped",
            "Your discriminator learns to call the generator's samples real and the real ones not: change the signs.",
            _real_and_fake_swapped,
        ),
        Misconception(
            "generator helps the judge",
            "Your generator wants its samples to be found out. It should want the discriminator to call them real.",
            _generator_as_judged,
        ),
        Misconception(
            "sums",
            "You add up over the samples. Take means, so that the losses do not grow with the batch.",
            _sums,
        ),
        Misconception(
            "half the loss",
            "The discriminator's loss is half of what it should be: the mean over the real samples plus the mean over "
            "the generated ones.",
            _half_the_loss,
        ),
        Misconception(
            "one mean over all",
            "Right for as many real samples as generated ones. Take the mean over each kind by itself, and add both.",
            _one_mean_over_all,
        ),
        Misconception(
            "overflows",
            "Right for small logits. When the discriminator is sure, the sigmoid is 0 or 1 in float32, and its "
            "logarithm or that of the rest is -inf. `F.softplus(s)` is log(1 + exp(s)) for any s.",
            _overflows,
        ),
        Misconception(
            "forgets the fakes",
            "Your discriminator's loss looks at the real samples only. Whoever calls everything real would be perfect.",
            _forgets_the_fakes,
        ),
        Misconception(
            "detached",
            "The losses are right, but `fake` has left the graph, so nobody learns from it. Where to detach is decided "
            "outside of this function.",
            _detached,
        ),
        Misconception(
            "no logarithm",
            "You take the logits as they are. The losses are the negative logarithms of the probabilities that the "
            "sigmoid makes of them.",
            _takes_logits_for_probabilities,
        ),
        Misconception(
            "a single mean",
            "You put both kinds together and take one mean. That halves the discriminator's loss, and whichever kind "
            "has more samples counts more: take the mean of each kind, and add the two.",
            _a_single_mean,
        ),
        Misconception(
            "sample by sample",
            "Right for as many real samples as generated ones. But a real and a generated sample are no pair that "
            "could be added: first the mean over each kind, then the sum.",
            _sample_by_sample,
        ),
        Misconception(
            "the other way round",
            "Both losses are there, in the other order: the discriminator's comes first.",
            _the_other_way_round,
        ),
        Misconception(
            "numbers",
            "`item()` leaves a bare number, without a graph, and nobody can learn from it. Return the losses as "
            "tensors.",
            _numbers,
        ),
        Misconception(
            "calls both real",
            "Your discriminator is asked to call the generated samples real as well, so it need not tell the two "
            "apart. Of these it should say 0: -log(1 - sigmoid(s)) is `F.softplus(s)`, without the minus.",
            _calls_both_real,
        ),
        Misconception(
            "detached for the judge",
            "The losses are right, but `fake` has left the graph of the discriminator's, which so learns from real "
            "samples alone. These are logits: it is samples that are detached, before the discriminator sees them.",
            _detached_for_the_judge,
        ),
        Misconception(
            "sigmoid first",
            "You take the sigmoid, and then softplus of that, as if probabilities were logits. softplus has the "
            "sigmoid in it: -log sigmoid(s) is `F.softplus(-s)`, of the logit itself.",
            _sigmoid_first,
        ),
        Misconception(
            "a little more",
            "A small number inside the logarithm keeps inf away, but shifts every loss a little; and where the "
            "discriminator is sure the gradient is lost. `F.softplus` needs no such help.",
            _a_little_more,
        ),
        Misconception(
            "without minus",
            "The sign is missing. A logarithm of a probability is largest when all is well, and a loss is made "
            "small: both are negative logarithms.",
            _without_minus,
        ),
        Misconception(
            "no means",
            "Your losses have a number for each sample. To go down along one slope each network needs a single "
            "number: `.mean()`.",
            _no_means,
        ),
        Misconception(
            "means first",
            "You take the mean of the logits, then one logarithm, so samples that were judged wrongly hide behind "
            "the others. Each sample has a loss of its own: softplus first, then the mean.",
            _means_first,
        ),
        Misconception(
            "generator minds the real",
            "What the discriminator says of real samples does not depend on the generator: it has nothing to learn "
            "from them. Its loss looks at `fake` alone.",
            _generator_minds_the_real,
        ),
        Misconception(
            "targets of the real",
            "Right for as many real samples as generated ones. The targets of the generated ones need their shape: "
            "`torch.zeros_like(fake)`, `torch.ones_like(fake)`.",
            _targets_of_the_real,
        ),
    ),
    half_right=(_only_the_generator_s,),
    honest=(
        gan_losses_with_softplus,
        gan_losses_with_logsigmoid,
        gan_losses_with_targets,
        gan_losses_by_hand,
    ),
    hints=(
        "The probability of \"real\" is sigmoid(s). What is the negative logarithm of it, and of 1 - sigmoid(s), "
        "written with `F.softplus`?",
        "-log sigmoid(s) is softplus(-s), and -log(1 - sigmoid(s)) is softplus(s). The discriminator needs one of them "
        "for `real` and the other for `fake`.",
        "`d_loss = F.softplus(-real).mean() + F.softplus(fake).mean()`; the generator wants what the discriminator "
        "wants of real samples: `F.softplus(-fake).mean()`.",
    ),
)
