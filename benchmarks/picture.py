"""The results as a picture: a row a workload, a mark a peer, on a log axis where PyTorch is 1.

    python -m benchmarks.picture        # draws the newest committed result again
"""

import io
import pathlib

from benchmarks import peers, results
from benchmarks.results import geometric_mean
from engine.files import write_atomically

PATH = pathlib.Path(__file__).resolve().parents[1] / "assets" / "benchmarks.png"
MARKS = {  # peer: colour (of Okabe & Ito, told apart by colour-blind eyes), shape
    "tinygrad": ("#CC79A7", "D"), "autograd": ("#009E73", "^"), "dezero": ("#E69F00", "s"), "scalars": ("#56B4E9", "v")}
OURS = "#0072B2"
TICKS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 1000, 10_000)


def write(found, path=PATH):
    save(draw(found), path)
    return path


def save(figure, path):
    content = io.BytesIO()
    figure.savefig(content, dpi=160, facecolor="white", metadata={"Software": None})
    write_atomically(path, content.getvalue())


def draw(found):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = found["workloads"]
    figure = Figure(figsize=(9.2, 5.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for place, row in enumerate(rows.values()):
        draw_row(axes, place, row)
        beside_the_axis = axes.get_yaxis_transform()
        axes.annotate(
            row["title"].partition(", ")[2], (0, place), (-4, -11), beside_the_axis, "offset points", ha="right",
            va="center", fontsize=7, color="#555555", annotation_clip=False)
    axes.axvline(1, color="#444444", linewidth=1.2, zorder=1)
    axes.set(xscale="log", ylim=(len(rows) - 0.4, -0.6), yticks=range(len(rows)))
    axes.set_yticklabels([row["title"].partition(", ")[0] for row in rows.values()], fontsize=9.5)
    least, most = axes.get_xlim()
    axes.set_xlim(min(0.4, least), most * 1.15)
    least, most = axes.get_xlim()
    ticks = [tick for tick in TICKS if least <= tick <= most]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("time of a step / PyTorch eager's, log scale: left of 1 is faster than PyTorch", fontsize=9)
    axes.grid(axis="x", color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    legend(axes, rows)
    mean = geometric_mean(rows)
    title = f"Chainrule's steps take {mean:.2f} of PyTorch's time (geometric mean of {len(rows)})"
    axes.set_title(title, fontsize=11, loc="left")
    figure.text(0.995, 0.005, caption(found), ha="right", va="bottom", fontsize=7, color="#555555")
    figure.get_layout_engine().set(rect=(0, 0.055, 1, 0.945))
    return figure


def draw_row(axes, place, row):
    """The line from PyTorch to ours, our dot with its figure, and the others as multiples of PyTorch."""
    ours = row["ratios"][peers.TORCH]
    axes.plot([1, ours], [place, place], color=OURS, linewidth=3, solid_capstyle="round", zorder=2)
    for peer, (colour, shape) in MARKS.items():
        if peer in row["ratios"]:
            theirs = ours / row["ratios"][peer]
            axes.plot(theirs, place, shape, color=colour, markersize=7, markeredgecolor="white", zorder=3)
    axes.plot(ours, place, "o", color=OURS, markersize=9, markeredgecolor="white", zorder=4)
    box = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"}
    axes.annotate(
        f"{ours:.2f}", (ours, place), (0, 7), textcoords="offset points", ha="center", fontsize=8, color=OURS, bbox=box,
        zorder=2)


def legend(axes, rows):
    axes.plot([], [], "o", color=OURS, markersize=9, label=peers.LABELS[peers.OURS])
    axes.plot([], [], "-", color="#444444", linewidth=1.2, label=peers.LABELS[peers.TORCH])
    for peer, (colour, shape) in MARKS.items():
        if any(peer in row["ratios"] for row in rows.values()):
            axes.plot([], [], shape, color=colour, markersize=7, label=peers.LABELS[peer])
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.11), ncols=6, frameon=False, fontsize=8, handletextpad=0.4)


def caption(found):
    machine, versions = found["machine"], found["versions"]
    packages = ", ".join(f"{name} {version}" for name, version in versions.items())
    return f"{found['date']}: {machine['processor']}, {machine['threads']} threads, {machine['BLAS']}\n{packages}"


if __name__ == "__main__":
    print("written:", write(results.read_all()[0]))
