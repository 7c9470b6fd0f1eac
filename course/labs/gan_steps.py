"""Lab: a GAN learns, one update at a time, and shows what the discriminator says of every place and where samples go.

On the left the discriminator's field, with the generator's samples and, for some of them, an arrow: where a small step
would most lower the generator's loss. On the right both losses, and how many samples each mode got. A `Film` keeps what
the learner's own networks were at some steps of their training.
"""

import copy
import html

import numpy as np
from matplotlib.collections import LineCollection

import engine as torch
from course.labs.pictures import DIVERGING, GREY, ORANGE, PALE_GREY, PURPLE, Ground, figure

WIDTH, HEIGHT = 9.4, 4.7  # inches
REACH = 4.0  # the picture goes from -REACH to REACH
PLACES = 45  # along a side, where the discriminator is asked
LEVELS = 0.1, 0.3, 0.5, 0.7, 0.9  # of its probability, for the contours
ARROWS = 64
LONGEST, PER_SLOPE = 0.9, 0.7  # how long an arrow may be, and how long it is for a slope of 1
MOVED = {"discriminator": "the discriminator", "generator": "the generator"}


class Film:
    """What a generator and a discriminator were after their updates at some steps, and their losses at all of them.

    generator, discriminator: modules that are being trained. steps: the numbers of the steps that are kept.
    """

    def __init__(self, generator, discriminator, steps):
        self.generator, self.discriminator = generator, discriminator
        self.steps = frozenset(steps)
        self.frames = []  # (step, who moved last, the generator's state, the discriminator's)
        self.losses = []  # (the discriminator's, the generator's)
        self._before = None

    def before(self, step):
        """To be called before step number `step`, which begins with the discriminator."""
        self._before = _state(self.generator) if step in self.steps else None

    def after(self, step, d_loss, g_loss):
        """To be called after it, with both losses as numbers."""
        self.losses.append((float(d_loss), float(g_loss)))
        if self._before is not None:
            judge = _state(self.discriminator)
            self.frames.append((step, "discriminator", self._before, judge))
            self.frames.append((step, "generator", _state(self.generator), judge))


def _state(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def gan_steps(films, z, centres, losses, count):
    """Show the lab.

    films: {name: Film}. z: a tensor (N, K), the generator's input, the same for every frame. centres: an array (M, 2)
    of the modes. losses(real, fake): both losses of logits. count(samples): of an array (N, 2) the samples of each
    mode, an array (M,), and how many modes are covered. Returns the `GanSteps`, whose `film` and `frame` can be set
    from code.
    """
    lab = GanSteps(films, z, centres, losses, count)
    lab.show()
    return lab


class GanSteps:
    """The lab's state: which film is shown, and which of its frames."""

    def __init__(self, films, z, centres, losses, count):
        for name, film in films.items():
            if not film.frames:
                raise ValueError(f"gan_steps: the film {name!r} has no frames; call before() and after() at its steps")
        if np.shape(centres)[1:] != (2,):
            raise ValueError(f"gan_steps: expected centres (M, 2), got shape {np.shape(centres)}")
        self.films, self.z, self.centres = dict(films), z, np.asarray(centres, np.float32)
        self.losses, self.count = losses, count
        self.film = next(iter(self.films))
        self.frame = len(self.films[self.film].frames) - 1
        self._networks = {
            name: (copy.deepcopy(film.generator).eval(), copy.deepcopy(film.discriminator).eval())
            for name, film in films.items()}
        steps = max(len(film.losses) for film in self.films.values())
        self._picture = Picture(self.centres, len(z), steps)

    def look(self):
        """All numbers of the picture: samples, field, arrows, counts and losses."""
        film = self.films[self.film]
        self.frame = min(max(self.frame, 0), len(film.frames) - 1)
        step, moved, generator_state, discriminator_state = film.frames[self.frame]
        generator, discriminator = self._networks[self.film]
        generator.load_state_dict(generator_state)
        discriminator.load_state_dict(discriminator_state)
        with torch.no_grad():
            samples = generator(self.z)
            field = discriminator(torch.tensor(_grid())).sigmoid().numpy().reshape(PLACES, PLACES)
            of_centres = discriminator(torch.tensor(self.centres))
        samples.requires_grad_()
        logits = discriminator(samples)
        d_loss, g_loss = self.losses(of_centres, logits)
        (gradient,) = torch.autograd.grad(g_loss, samples)
        counts, modes = self.count(samples.detach().numpy())
        return {
            "step": step, "moved": moved, "samples": samples.detach().numpy(), "field": field,
            "flow": -gradient.numpy() * len(self.z),  # of each sample's own loss, not of the mean
            "counts": np.asarray(counts), "modes": int(modes), "history": np.array(film.losses),
            "real": of_centres.sigmoid().mean().item(), "fake": logits.sigmoid().mean().item(), "g_loss": g_loss.item()}

    def describe(self, seen=None):
        """The picture in one line of text."""
        seen = seen or self.look()
        slopes = np.linalg.norm(seen["flow"], axis=1)
        return (
            f"{self.film}, step {seen['step']}, {MOVED[seen['moved']]} has moved: {seen['modes']} of "
            f"{len(self.centres)} modes, {seen['counts'].sum()} of {len(self.z)} samples are near one. The "
            f"discriminator gives the modes {seen['real']:.2f} and the samples {seen['fake']:.2f}. The loss of the "
            f"generator is {seen['g_loss']:.3f}, its slope at a sample {slopes.mean():.2f} on average.")

    def to_html(self, seen=None):
        """The picture of what is chosen, with its line of text as the alternative."""
        seen = seen or self.look()
        return self._picture.draw(seen, self.describe(seen))

    def show(self):
        """A still picture, folded away, and the controls (without a kernel only the first is left)."""
        from IPython.display import HTML, display

        seen = self.look()
        said = html.escape(self.describe(seen))
        display(HTML(f"<details><summary>The lab as a still picture. {said}</summary>{self.to_html(seen)}</details>"))
        display(self.widget())

    def widget(self):
        """The sliders and a button that plays, and the picture below them."""
        import ipywidgets

        wide, last = ipywidgets.Layout(width="26em"), len(self.films[self.film].frames) - 1
        film = ipywidgets.SelectionSlider(options=list(self.films), value=self.film, description="training")
        play = ipywidgets.Play(value=self.frame, min=0, max=last, interval=250)
        frame = ipywidgets.IntSlider(self.frame, 0, last, description="update", layout=wide)
        said, picture = ipywidgets.HTML(), ipywidgets.HTML()
        ipywidgets.link((play, "value"), (frame, "value"))
        ipywidgets.link((play, "max"), (frame, "max"))

        def redraw(_=None):
            self.film, self.frame = film.value, frame.value
            seen = self.look()
            said.value = f"<code>{html.escape(self.describe(seen))}</code>"
            picture.value = self.to_html(seen)

        def another(_):
            frame.max = len(self.films[film.value].frames) - 1
            redraw()

        film.observe(another, "value")
        frame.observe(redraw, "value")
        redraw()
        return ipywidgets.VBox([ipywidgets.HBox([play, frame, film]), said, picture])


def _grid():
    """The places where the discriminator is asked, (PLACES², 2), row by row from below."""
    line = np.linspace(-REACH, REACH, PLACES, dtype=np.float32)
    return np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)


class Picture:
    """The figure: axes and words are drawn once, and what moves above them (see Ground)."""

    def __init__(self, centres, samples, steps):
        self.figure = figure(WIDTH, HEIGHT)
        self.scratch = figure(1, 1).add_subplot()  # contours are computed on it
        self.line = np.linspace(-REACH, REACH, PLACES)
        moving = self._field(centres) + self._curves(steps) + self._bars(len(centres), samples)
        self.ground = Ground(self.figure, moving)

    def _field(self, centres):
        axes = self.figure.add_axes((0.03, 0.06, 0.44, 0.88))
        axes.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), xticks=[], yticks=[])
        axes.set_title("“real”: orange, “generated”: purple; circles: the modes", fontsize=9)
        half = REACH / (PLACES - 1)  # so that a pixel's middle is where the discriminator was asked
        extent = (-REACH - half, REACH + half, -REACH - half, REACH + half)
        self.field = axes.imshow(
            np.full((PLACES, PLACES), 0.5), cmap=DIVERGING, vmin=-0.15, vmax=1.15, extent=extent, origin="lower",
            interpolation="bilinear")
        self.contours = LineCollection([], colors=GREY)
        axes.add_collection(self.contours)
        (rings,) = axes.plot(*centres.T, "o", markersize=13, markerfacecolor="none", markeredgecolor="black")
        (self.dots,) = axes.plot([], [], "o", color="black", markersize=2.5)
        nowhere = np.zeros(ARROWS)
        self.arrows = axes.quiver(
            nowhere, nowhere, nowhere, nowhere, angles="xy", scale_units="xy", scale=1, width=0.005, color="#0072b2")
        return [self.field, self.contours, rings, self.dots, self.arrows, *axes.spines.values()]

    def _curves(self, steps):
        axes = self.figure.add_axes((0.54, 0.57, 0.44, 0.37))
        axes.set_title("losses: discriminator purple, generator orange, dashed", fontsize=9, loc="left")
        axes.set(xlim=(0, steps), ylim=(0, 3))
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel("step", fontsize=8, labelpad=1)
        axes.tick_params(labelsize=8)
        self.curves = [axes.plot([], [], dashes, color=colour, linewidth=1)[0]
                       for colour, dashes in ((PURPLE, "-"), (ORANGE, "--"))]
        self.cursor = axes.axvline(0, color="black", linewidth=1)
        return [*self.curves, self.cursor]

    def _bars(self, modes, samples):
        axes = self.figure.add_axes((0.54, 0.09, 0.44, 0.29))
        axes.set(xlim=(-0.5, modes - 0.5), ylim=(0, samples / 2), xticks=range(modes), yticks=[])
        axes.set_xlabel("mode, counted counter-clockwise", fontsize=8, labelpad=1)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right", "left"]].set_visible(False)
        self.bars = list(axes.bar(range(modes), np.zeros(modes), color=PALE_GREY, edgecolor="black", width=0.7))
        self.numbers = [axes.text(mode, 0, "", fontsize=9, ha="center", va="bottom") for mode in range(modes)]
        self.title = axes.text(0, 1.12, "", fontsize=9, transform=axes.transAxes)
        self.tallest = samples / 2
        return [*self.bars, *self.numbers, self.title]

    def draw(self, seen, alt):
        """The <img> for these numbers."""
        self.field.set_data(seen["field"])
        self._draw_contours(seen["field"])
        self.dots.set_data(*seen["samples"].T)
        flow = PER_SLOPE * seen["flow"][:ARROWS]
        length = np.linalg.norm(flow, axis=1, keepdims=True)
        flow = flow * np.minimum(1, LONGEST / np.maximum(length, 1e-12))
        if len(flow) < ARROWS:
            flow = np.pad(flow, ((0, ARROWS - len(flow)), (0, 0)))
        start = np.resize(seen["samples"], (max(len(seen["samples"]), ARROWS), 2))[:ARROWS]
        self.arrows.set_offsets(start)
        self.arrows.set_UVC(*flow.T)
        for curve, heights in zip(self.curves, seen["history"].T):
            curve.set_data(np.arange(len(heights)), heights)
        self.cursor.set_xdata([seen["step"]] * 2)
        for bar, number, count in zip(self.bars, self.numbers, seen["counts"]):
            bar.set_height(min(count, self.tallest))
            number.set_text(str(count))
            number.set_y(min(count, self.tallest))
        self.title.set_text(f"{seen['modes']} of {len(self.bars)} modes; how many samples each got")
        return self.ground.draw(alt)

    def _draw_contours(self, field):
        found = self.scratch.contour(self.line, self.line, field, levels=LEVELS)
        lines, widths = [], []
        for level, segments in zip(LEVELS, found.allsegs):
            lines += segments
            widths += [1.6 if level == 0.5 else 0.7] * len(segments)
        found.remove()
        self.contours.set_segments(lines)
        self.contours.set_linewidths(widths or [1])
