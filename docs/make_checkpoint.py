"""Writes course/checkpoints/transformer.safetensors: chapter 10's transformer after a longer training than the page's.

    python docs/make_checkpoint.py [STEPS]

It runs the chapter's own cells, with their solutions, up to the training, and trains for STEPS (12000) in the place of
the page's own number; nothing else is different. tests/course/test_checkpoint.py holds the file to the chapter.
"""

import linecache
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import engine as torch  # noqa: E402
from course import builder  # noqa: E402
from course.checkpoints import path_of  # noqa: E402

CHAPTER = ROOT / "course" / "chapters" / "10-attention.md"
STEPS = 12000


def chapter_until_training():
    """The names that the chapter's cells define, run up to the one that sets STEPS."""
    import matplotlib
    import nbformat

    matplotlib.use("agg")
    names = {"__name__": "__main__"}
    notebook = nbformat.reads(builder.render(CHAPTER).decode(), as_version=4)
    for number, cell in enumerate(cell for cell in notebook.cells if cell.cell_type == "code"):
        if cell.source.startswith("STEPS ="):
            return names
        filename = f"<cell {number}>"
        linecache.cache[filename] = (len(cell.source), None, cell.source.splitlines(keepends=True), filename)
        exec(compile(cell.source, filename, "exec"), names)
    raise ValueError(f"{CHAPTER.name} has no cell that begins with STEPS =")


def main(steps=STEPS):
    """Train, save, and say how long it took and how good it is."""
    chapter = chapter_until_training()
    model = chapter["model"]
    begun, used = time.perf_counter(), time.process_time()
    chapter["Training"](model, steps).run()
    took = f"{time.perf_counter() - begun:.0f} s, {time.process_time() - used:.0f} s of processor time"
    print(f"{steps} steps: {took}; {chapter['held_out'](model):.3f} nats on held-out text")
    torch.save(model.state_dict(), path_of("transformer"))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
