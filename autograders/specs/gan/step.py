"""gan_step: one step of the discriminator, one of the generator, and each of them leaves the other alone."""

import sys

import numpy as np

import engine as torch
from autograders.spec import EDGE, Case, Misconception, Spec, Use
from autograders.specs.common import DOUBLE, SINGLE


def gan_step(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    """First the discriminator learns from `x` and samples made of `z`, then the generator from what it says now."""
    fake = generator(z)
    d_loss, _ = losses(discriminator(x), discriminator(fake.detach()))
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()

    _, g_loss = losses(discriminator(x), discriminator(fake))
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return d_loss.item(), g_loss.item()


def step_cases(rng):
    """Batches for a few steps, and what both networks begin with."""
    one, two, several = "one step", "two steps", "several steps"
    for steps, rows, noise, inputs, dtype, group in [
        (1, 2, 1, 2, SINGLE, one),
        (1, 4, 2, 2, DOUBLE, one),
        (2, 2, 2, 2, SINGLE, two),
        (2, 3, 3, 1, DOUBLE, two),
        (3, 3, 2, 2, SINGLE, several),
        (3, 4, 2, 3, DOUBLE, several),
    ]:
        yield _case(rng, steps, rows, noise, inputs, dtype, False, group)
    yield _case(rng, 2, 2, 2, 2, SINGLE, True, "gradients left by something else", EDGE)
    yield _case(rng, 2, 1, 2, 2, SINGLE, False, "batches of one sample", EDGE)


def _case(rng, steps, rows, noise, inputs, dtype, stale, *where):
    shapes = [(steps, rows, inputs), (steps, rows, noise), (noise, inputs), (inputs,), (inputs,), (inputs,), (1,)]
    sizes = (0.4, 0.9), (0.4, 0.9), (0.2, 0.5), (0.2, 0.4), (0.4, 0.7), (0.05, 0.15), (0.1, 0.3)
    arrays = (rng.choice([-1, 1], shape) * rng.uniform(*size, shape) for shape, size in zip(shapes, sizes))
    return Case((*(array.astype(dtype) for array in arrays), 0.01, stale), *where)


def step_rounding(x, z, weight, bias, slope, bend, offset, rate, stale):
    """How much rounding losses and parameters may show, in units of eps.

    Everything is a polynomial of the arguments. A term of it went through at most so many products and sums in each
    step: both networks there and back, the means, the steps themselves. Each rounds by eps / 2 of the term; the terms'
    sizes add up to what the same steps give for absolute values, with every minus made a plus. Eps for eps / 2 doubles
    the bound.
    """
    steps, rows, inputs = x.shape
    operations = steps * (4 * inputs + 2 * z.shape[2] + 4 * rows + 24)
    bounds = (operations * size for size in _steps_of_sizes(x, z, weight, bias, slope, bend, offset, rate))
    return *bounds, np.zeros(steps), np.zeros(steps)


def _steps_of_sizes(x, z, weight, bias, slope, bend, offset, rate):
    """(d_losses, discriminator, g_losses, generator) for absolute values and with plus for minus."""
    x, z, weight, bias, slope, bend, offset = map(np.abs, (x, z, weight, bias, slope, bend, offset))
    d_losses, g_losses, n = [], [], x.shape[1]
    for real, noise in zip(x, z):
        fake = noise @ weight + bias
        of_real, of_fake = (each @ slope + each**2 @ bend + offset for each in (real, fake))
        d_losses.append(((of_real + 1) ** 2).mean() + (of_fake**2).mean())
        to_real, to_fake = 2 * (of_real + 1) / n, 2 * of_fake / n
        slope = slope + rate * (to_real @ real + to_fake @ fake)
        bend = bend + rate * (to_real @ real**2 + to_fake @ fake**2)
        offset = offset + rate * (to_real.sum() + to_fake.sum())
        of_fake = fake @ slope + fake**2 @ bend + offset
        g_losses.append(((of_fake + 1) ** 2).mean())
        to_sample = 2 * (of_fake + 1)[:, None] / n * (slope + 2 * fake * bend)
        weight, bias = weight + rate * noise.T @ to_sample, bias + rate * to_sample.sum(axis=0)
    ends = np.concatenate([slope, bend, offset]), np.concatenate([weight.ravel(), bias])
    return np.array(d_losses), ends[0], np.array(g_losses), ends[1]


def _no_detach(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    fake = generator(z)
    d_loss, _ = losses(discriminator(x), discriminator(fake))
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    _, g_loss = losses(discriminator(x), discriminator(fake))
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return d_loss.item(), g_loss.item()


def _no_detach_fresh_samples(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    d_loss, _ = losses(discriminator(x), discriminator(generator(z)))
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    _, g_loss = losses(discriminator(x), discriminator(generator(z)))
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return d_loss.item(), g_loss.item()


def _no_detach_and_zeroed_first(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    g_optimizer.zero_grad()
    d_optimizer.zero_grad()
    fake = generator(z)
    d_loss, _ = losses(discriminator(x), discriminator(fake))
    d_loss.backward(retain_graph=True)
    d_optimizer.step()
    _, g_loss = losses(discriminator(x), discriminator(generator(z)))
    g_loss.backward()
    g_optimizer.step()
    return d_loss.item(), g_loss.item()


def _detached_twice(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    fake = generator(z).detach()
    d_loss, _ = losses(discriminator(x), discriminator(fake))
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    _, g_loss = losses(discriminator(x), discriminator(fake))
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return d_loss.item(), g_loss.item()


def _detached_logits(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    fake = generator(z)
    d_loss, _ = losses(discriminator(x), discriminator(fake).detach())
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    _, g_loss = losses(discriminator(x), discriminator(fake))
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return d_loss.item(), g_loss.item()


def _zeroed_once(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    fake = generator(z)
    d_loss, _ = losses(discriminator(x), discriminator(fake.detach()))
    d_loss.backward()
    d_optimizer.step()
    d_optimizer.zero_grad()
    _, g_loss = losses(discriminator(x), discriminator(fake))
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return d_loss.item(), g_loss.item()


def _never_zeroed(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    fake = generator(z)
    d_loss, _ = losses(discriminator(x), discriminator(fake.detach()))
    d_loss.backward()
    d_optimizer.step()
    _, g_loss = losses(discriminator(x), discriminator(fake))
    g_loss.backward()
    g_optimizer.step()
    return d_loss.item(), g_loss.item()


def _at_the_same_time(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    fake = generator(z)
    g_optimizer.zero_grad()
    _, g_loss = losses(discriminator(x), discriminator(fake))
    g_loss.backward()
    d_optimizer.zero_grad()
    d_loss, _ = losses(discriminator(x), discriminator(fake.detach()))
    d_loss.backward()
    d_optimizer.step()
    g_optimizer.step()
    return d_loss.item(), g_loss.item()


def _generator_first(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    fake = generator(z)
    _, g_loss = losses(discriminator(x), discriminator(fake))
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    d_loss, _ = losses(discriminator(x), discriminator(fake.detach()))
    d_optimizer.zero_grad()
    d_loss.backward()
    g_optimizer.zero_grad()
    d_optimizer.step()
    return d_loss.item(), g_loss.item()


def _both_by_one_optimizer(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    fake = generator(z)
    d_loss, _ = losses(discriminator(x), discriminator(fake.detach()))
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    _, g_loss = losses(discriminator(x), discriminator(fake))
    d_optimizer.zero_grad()
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    torch.optim.SGD(discriminator.parameters(), lr=d_optimizer.param_groups[0]["lr"]).step()
    return d_loss.item(), g_loss.item()


def _keeps_the_graph(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    fake = generator(z)
    d_loss, _ = losses(discriminator(x), discriminator(fake.detach()))
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    _, g_loss = losses(discriminator(x), discriminator(fake))
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return d_loss, g_loss


def _swapped(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    def turned(real, fake):
        return losses(fake, real)

    return gan_step(generator, discriminator, turned, g_optimizer, d_optimizer, x, z)


def _discriminator_alone(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    fake = generator(z)
    d_loss, _ = losses(discriminator(x), discriminator(fake.detach()))
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    return d_loss.item(), 0.0


def _asked_too_early(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    fake = generator(z)
    d_loss, g_loss = losses(discriminator(x), discriminator(fake))
    d_optimizer.zero_grad()
    d_loss.backward(retain_graph=True)
    d_optimizer.step()
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return d_loss.item(), g_loss.item()


def _generator_never_zeroed(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    fake = generator(z)
    d_loss, _ = losses(discriminator(x), discriminator(fake.detach()))
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    _, g_loss = losses(discriminator(x), discriminator(fake))
    g_loss.backward()
    g_optimizer.step()
    return d_loss.item(), g_loss.item()


def _discriminator_never_zeroed(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    fake = generator(z)
    d_loss, _ = losses(discriminator(x), discriminator(fake.detach()))
    d_loss.backward()
    d_optimizer.step()
    _, g_loss = losses(discriminator(x), discriminator(fake))
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return d_loss.item(), g_loss.item()


def _cut_for_the_generator(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    fake = generator(z)
    d_loss, _ = losses(discriminator(x), discriminator(fake.detach()))
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    _, g_loss = losses(discriminator(x), discriminator(fake).detach())
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return d_loss.item(), g_loss.item()


def _learns_the_other_s_loss(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    fake = generator(z)
    d_loss, _ = losses(discriminator(x), discriminator(fake.detach()))
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    g_loss, _ = losses(discriminator(x), discriminator(fake))
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return d_loss.item(), g_loss.item()


def _one_backward(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    d_loss, g_loss = losses(discriminator(x), discriminator(generator(z)))
    d_optimizer.zero_grad()
    g_optimizer.zero_grad()
    (d_loss + g_loss).backward()
    d_optimizer.step()
    g_optimizer.step()
    return d_loss.item(), g_loss.item()


def _discriminator_steps_again(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    fake = generator(z)
    d_loss, _ = losses(discriminator(x), discriminator(fake.detach()))
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    _, g_loss = losses(discriminator(x), discriminator(fake))
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    d_optimizer.step()
    return d_loss.item(), g_loss.item()


def _loss_of_afterwards(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    fake = generator(z)
    d_loss, _ = losses(discriminator(x), discriminator(fake.detach()))
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    d_loss, g_loss = losses(discriminator(x), discriminator(fake))
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return d_loss.item(), g_loss.item()


def _nobody_moves(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    fake = generator(z)
    d_loss, _ = losses(discriminator(x), discriminator(fake.detach()))
    d_optimizer.zero_grad()
    d_loss.backward()
    _, g_loss = losses(discriminator(x), discriminator(fake))
    g_optimizer.zero_grad()
    g_loss.backward()
    return d_loss.item(), g_loss.item()


def _judges_the_noise(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    fake = generator(z)
    d_loss, _ = losses(discriminator(x), discriminator(z))
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    _, g_loss = losses(discriminator(x), discriminator(fake))
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return d_loss.item(), g_loss.item()


def _losses_of_one_s_own(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    softplus = torch.nn.functional.softplus
    fake = generator(z)
    d_loss = softplus(-discriminator(x)).mean() + softplus(discriminator(fake.detach())).mean()
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    g_loss = softplus(-discriminator(fake)).mean()
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return d_loss.item(), g_loss.item()


def _one_step_of_the_discriminator(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    """Right for a single step of the discriminator; the generator stays what it is."""
    d_loss, g_loss = losses(discriminator(x), discriminator(generator(z).detach()))
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    return d_loss.item(), g_loss.item()


def gan_step_detached(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    """Detaches for the discriminator's step, and uses the same samples for the generator's."""
    fake = generator(z)
    d_loss, _ = losses(discriminator(x), discriminator(fake.detach()))
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()

    _, g_loss = losses(discriminator(x), discriminator(fake))
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return d_loss.item(), g_loss.item()


def gan_step_without_grad(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    """Makes the discriminator's samples without a graph, and the generator's anew; warns on stderr."""
    with torch.no_grad():
        fake = generator(z)
    d_loss = losses(discriminator(x), discriminator(fake))[0]
    discriminator.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    print("discriminator", d_loss.item(), file=sys.stderr)

    fake = discriminator(generator(z))
    g_loss = losses(fake.detach(), fake)[1]
    generator.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return float(d_loss), float(g_loss)


def gan_step_with_grad(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    """Asks for each network's own gradients, so that nothing flows where it should not."""

    def learn(network, optimizer, loss):
        parameters = list(network.parameters())
        for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters)):
            parameter.grad = gradient
        optimizer.step()
        return loss.detach()

    d_loss = learn(discriminator, d_optimizer, losses(discriminator(x), discriminator(generator(z)))[0])
    g_loss = learn(generator, g_optimizer, losses(discriminator(x), discriminator(generator(z)))[1])
    return d_loss, g_loss


def gan_step_in_two(generator, discriminator, losses, g_optimizer, d_optimizer, x, z):
    """A function for each; all gradients cleared before either, and the judge frozen while the generator learns."""

    def clear():
        g_optimizer.zero_grad()
        d_optimizer.zero_grad()

    def judge(samples):
        return discriminator(samples)

    clear()
    d_loss = losses(judge(x), judge(generator(z).detach()))[0]
    d_loss.backward()
    d_optimizer.step()
    clear()
    for parameter in discriminator.parameters():
        parameter.requires_grad_(False)
    g_loss = losses(judge(x), judge(generator(z)))[1]
    g_loss.backward()
    g_optimizer.step()
    for parameter in discriminator.parameters():
        parameter.requires_grad_(True)
    return d_loss.tolist(), g_loss.tolist()


EXERCISE = Spec(
    name="gan/step",
    function="gan_step",
    use=Use(probe="gan_step"),
    parameters=("generator", "discriminator", "losses", "g_optimizer", "d_optimizer", "x", "z"),
    inputs=("x", "z", "weight", "bias", "slope", "bend", "offset", "rate", "stale"),
    returns=("d_losses", "discriminator", "g_losses", "generator", "left_alone", "without_graph"),
    title="Two steps, and a cut between them",
    why="The two networks share a graph and want opposite things. Where it is cut decides who learns what.",
    minutes=15,
    difficulty=4,
    weights={"inputs unmutated": 0.5, "values": 2.5, "edge cases": 1.0},
    ours=gan_step,
    rounding=step_rounding,
    cases=step_cases,
    packages=("numpy", "engine"),
    withheld=(),
    picture="none",
    misconceptions=(
        Misconception(
            "no detach",
            "The discriminator's `backward()` went on through `fake` into the generator and used its graph up, so the "
            "generator's own pass finds nothing. Cut it for the discriminator: `discriminator(fake.detach())`.",
            _no_detach,
        ),
        Misconception(
            "no detach, fresh samples",
            "Both networks end up right. But the discriminator's `backward()` ran through the generator as well, and "
            "left gradients there that you then throw away: twice the work, and wrong as soon as someone does not zero "
            "them. Use `generator(z).detach()` for the discriminator.",
            _no_detach_fresh_samples,
        ),
        Misconception(
            "no detach, added up",
            "The generator follows the discriminator's loss as well as its own: without `detach()` gradients of both "
            "have added up in it.",
            _no_detach_and_zeroed_first,
        ),
        Misconception(
            "detached for both",
            "The discriminator learns, the generator never moves: its own loss must go through `fake`, so detach only "
            "what the discriminator learns from.",
            _detached_twice,
        ),
        Misconception(
            "detached logits",
            "You detach what the discriminator says of the samples, so it learns nothing from them. Detach the "
            "samples: `discriminator(fake.detach())`.",
            _detached_logits,
        ),
        Misconception(
            "zeroed afterwards",
            "The generator's `backward()` leaves gradients in the discriminator too, and the next step adds to them. "
            "Zero the discriminator's gradients just before its own `backward()`.",
            _zeroed_once,
        ),
        Misconception(
            "never zeroed",
            "Gradients add up from step to step, and from one network's loss to the other's. `zero_grad()` comes "
            "before each of the two `backward()`.",
            _never_zeroed,
        ),
        Misconception(
            "generator first",
            "You let the generator step first. The discriminator learns first, so that the generator asks one who "
            "knows its latest samples.",
            _generator_first,
        ),
        Misconception(
            "at the same time",
            "The generator learns from what the discriminator said before its step. Let the discriminator step first, "
            "then ask it again.",
            _at_the_same_time,
        ),
        Misconception(
            "discriminator steps twice",
            "The discriminator steps along the generator's loss as well: it helps the other to win.",
            _both_by_one_optimizer,
        ),
        Misconception(
            "keeps the graph",
            "You return the losses with their graphs; whoever collects them keeps every graph in memory. Return "
            "`d_loss.item(), g_loss.item()`.",
            _keeps_the_graph,
        ),
        Misconception(
            "swapped",
            "`losses` takes what the discriminator says of real samples first, then what it says of generated ones.",
            _swapped,
        ),
        Misconception(
            "discriminator alone",
            "The discriminator's step is right. The generator needs one of its own: ask the discriminator about `fake` "
            "once more, this time without `detach`.",
            _discriminator_alone,
        ),
        Misconception(
            "asked too early",
            "The generator's loss is made of what the discriminator said before its step, and that step has changed "
            "the weights which its gradient needs. Ask again after the step: `losses(discriminator(x), "
            "discriminator(fake))`.",
            _asked_too_early,
        ),
        Misconception(
            "generator never zeroed",
            "The discriminator is right. The generator's gradients add up from step to step: "
            "`g_optimizer.zero_grad()` before its `backward()`.",
            _generator_never_zeroed,
        ),
        Misconception(
            "discriminator never zeroed",
            "The discriminator's gradients add up: those of its last steps, and what the generator's `backward()` "
            "left in it on its way through. `d_optimizer.zero_grad()` before its own `backward()`.",
            _discriminator_never_zeroed,
        ),
        Misconception(
            "cut for the generator",
            "The generator's gradient comes through the discriminator, and here that way is cut: no `detach`, and no "
            "`torch.no_grad()`, around `discriminator(fake)` in the generator's step. Only its optimizer steps, so "
            "the discriminator stays as it is.",
            _cut_for_the_generator,
        ),
        Misconception(
            "learns the other's loss",
            "Your generator makes the discriminator's loss small: it helps it to find the samples out. Its own is "
            "the second of what `losses` returns: `_, g_loss = losses(...)`.",
            _learns_the_other_s_loss,
        ),
        Misconception(
            "one backward",
            "One `backward()` for the sum of both losses gives each network the gradients of both, and of a "
            "generated sample the two want opposite things. Two passes: first the discriminator's, with "
            "`fake.detach()`, then the generator's.",
            _one_backward,
        ),
        Misconception(
            "discriminator steps again",
            "The discriminator's optimizer steps a second time, along what the generator's `backward()` left in it. "
            "Each optimizer steps once, after its own network's `backward()`.",
            _discriminator_steps_again,
        ),
        Misconception(
            "loss of afterwards",
            "Both networks are right. The discriminator's loss that you return is the one after its step: the second "
            "call of `losses` wrote over it. Keep only what you need of it: `_, g_loss = losses(...)`.",
            _loss_of_afterwards,
        ),
        Misconception(
            "nobody moves",
            "The losses are there, but neither network moves. Either no optimizer steps, or `zero_grad()` clears the "
            "gradients between `backward()` and `step()`: clear, `backward()`, step.",
            _nobody_moves,
        ),
        Misconception(
            "judges the noise",
            "The discriminator gets `z` itself. These are the generator's random numbers; what it judges are the "
            "samples made of them, `fake = generator(z)`.",
            _judges_the_noise,
        ),
        Misconception(
            "losses of one's own",
            "You work the losses out by yourself, or call `gan_losses`. Here `losses` is an argument, so that the "
            "step works for any two losses: `losses(discriminator(x), discriminator(fake))`.",
            _losses_of_one_s_own,
        ),
    ),
    half_right=(_one_step_of_the_discriminator,),
    honest=(
        gan_step_detached,
        gan_step_without_grad,
        gan_step_with_grad,
        gan_step_in_two,
    ),
    hints=(
        "Two training steps, one after the other. What may the discriminator's `backward()` not reach?",
        "`fake = generator(z)` once. The discriminator sees `fake.detach()`; the generator's loss needs `fake` itself, "
        "judged again after the discriminator's step.",
        "`d_loss, _ = losses(discriminator(x), discriminator(fake.detach()))`, zero, backward, step; then "
        "`_, g_loss = losses(discriminator(x), discriminator(fake))`, and the same three with `g_optimizer`.",
    ),
)
