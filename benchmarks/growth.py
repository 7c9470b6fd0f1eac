"""How the time of a step grows with batch, width, depth and length, beside PyTorch's: python -m benchmarks.growth

Draws benchmarks/results/growth.png on log axes and prints the exponent p of time ~ size^p, fitted to the upper half of
the sizes (below it, what each operation costs by itself hides the rest). A step whose exponent is well above PyTorch's
is named.
"""

import math
import statistics

from benchmarks import machine, picture, race, results
from benchmarks.peers import LABELS, OURS, TORCH

ROUNDS = 3
SURPRISE = 0.15  # by which our exponent may be above PyTorch's
PATH = results.FOLDER / "growth.png"
GROWTHS = {  # size: {workload: its values}
    "batch": {"mlp": (16, 64, 256, 1024), "cnn": (8, 16, 32, 64, 128)},
    "width": {"mlp": (32, 128, 512, 2048), "transformer": (32, 64, 128, 256)},
    "depth": {"tiny_mlp": (1, 4, 16, 64), "transformer": (1, 2, 4, 8)},
    "length": {"lstm": (7, 28, 112, 448), "transformer": (16, 64, 256), "chain": (1000, 4000, 16_000, 64_000)},
}


def main():
    found = {}
    for size, growing in GROWTHS.items():
        for name, values in growing.items():
            found[size, name] = times(name, size, values)
            print(line(size, name, found[size, name]), flush=True)
    draw(found)
    print("written:", PATH)


def times(name, size, values):
    """{peer: {value: seconds}}."""
    found = {OURS: {}, TORCH: {}}
    for value in values:
        for peer, raced in race.race(name, found, ROUNDS, {size: value}).items():
            found[peer][value] = raced.seconds
    return found


def line(size, name, found):
    ours, torch = exponent(found[OURS]), exponent(found[TORCH])
    text = f"{size:6}  {name:12}  exponent {ours:5.2f}, PyTorch's {torch:5.2f}; "
    pairs = [(value, 1000 * taken, 1000 * found[TORCH][value]) for value, taken in found[OURS].items()]
    text += "; ".join(f"{value}: {ours_ms:.2f} and {torch_ms:.2f} ms" for value, ours_ms, torch_ms in pairs)
    return text + ("  GROWS FASTER than PyTorch's" if ours > torch + SURPRISE else "")


def exponent(seconds):
    """The slope of log time against log size, over the upper half of the sizes (three at least)."""
    points = sorted(seconds.items())[-max(3, math.ceil(len(seconds) / 2)) :]
    return statistics.linear_regression(*zip(*[(math.log(size), math.log(taken)) for size, taken in points])).slope


def draw(found, path=PATH):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 7), layout="constrained")
    FigureCanvasAgg(figure)
    shapes = dict(zip(dict.fromkeys(name for _, name in found), "os^DvP"))
    for axes, size in zip(figure.subplots(2, 2).flat, GROWTHS):
        for name in GROWTHS[size]:
            for peer, colour, style in ((TORCH, "#D55E00", "--"), (OURS, picture.OURS, "-")):
                seconds = found[size, name][peer]
                label = f"{name}, {LABELS[peer]}: {exponent(seconds):.2f}"
                milliseconds = [1000 * each for each in seconds.values()]
                axes.loglog(list(seconds), milliseconds, style, marker=shapes[name], color=colour, label=label)
        axes.set_title(size, loc="left", fontsize=11)
        axes.set_ylabel("ms a step", fontsize=9)
        axes.grid(color="#dddddd", linewidth=0.7)
        axes.legend(
            fontsize=7.5, frameon=False, title="step: exponent of the growth", title_fontsize=7.5, loc="upper left",
            bbox_to_anchor=(1, 1), handlelength=3.5)
    kind = machine.describe()
    kind = f"{kind['processor']}, {kind['threads']} threads, {kind['BLAS']}"
    figure.suptitle(f"Time of a training step against its size ({kind})", fontsize=10)
    path.parent.mkdir(exist_ok=True)
    picture.save(figure, path)


if __name__ == "__main__":
    main()
