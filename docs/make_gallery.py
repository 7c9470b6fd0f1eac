"""Writes docs/gallery.md and its pictures, assets/graphs/*.svg: each is what the lines above it show in a notebook.

    python docs/make_gallery.py

tests/engine/test_gallery.py holds the page and the pictures current.
"""

import ast
import linecache
import pathlib
import sys
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from engine.files import write_atomically  # noqa: E402

PAGE = ROOT / "docs" / "gallery.md"
PICTURES = ROOT / "assets" / "graphs"
INTRODUCTION = """\
# Pictures of computation graphs

Made by `python docs/make_gallery.py`, which runs the lines above each picture; do not edit. Here the pictures are
still. In a notebook, and in a file saved as `.html`, they are alive: step backward and forward through the chain rule,
look at the numbers in a node, open and close modules, go from a box to its line of code and back.

[graphs.md](graphs.md) says how a graph becomes a picture. All examples begin with

```python
{setup}
```
"""
SETUP = """\
import engine as torch
import engine.nn.functional as F
from engine import nn, viz"""


@dataclass(frozen=True)
class Example:
    """A heading, a few sentences, and code whose last line is the graph, as in a notebook's cell."""

    name: str
    heading: str
    words: str
    code: str


EXAMPLES = [
    Example(
        "mlp",
        "A multilayer perceptron",
        "`capture` watches forward and backward. Parameters are blue, data is green and leans, operations have round "
        "ends, the output has a double frame; a module is a frame around what it computes.",
        """\
torch.manual_seed(0)
x, y = torch.randn(32, 64), torch.randint(0, 10, (32,))
model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))

with viz.capture() as g:
    loss = F.cross_entropy(model(x), y)
    loss.backward()
g""",
    ),
    Example(
        "rnn",
        "A recurrent network, unrolled",
        "Without `capture`, `viz.graph` shows what is behind a tensor. Each weight is drawn once; its line branches to "
        "every step that uses it, and there its gradients are added up.",
        """\
torch.manual_seed(0)
inputs = [torch.randn(1, 4) for _ in range(3)]
U, W, b = [torch.randn(*shape, requires_grad=True) for shape in ((4, 8), (8, 8), (8,))]

h = torch.zeros(1, 8)
for step in range(3):
    h = torch.tanh(inputs[step] @ U + h @ W + b)
loss = h.square().mean()
viz.graph(loss)""",
    ),
    Example(
        "residual",
        "A residual network",
        "The way around each block is a line past it: the gradient has a way back to the first block on which nothing "
        "changes it.",
        """\
class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x):
        return x + self.second(F.relu(self.first(x)))

torch.manual_seed(0)
x = torch.randn(8, 16)
model = nn.Sequential(Residual(16), Residual(16), nn.Linear(16, 1))

with viz.capture() as g:
    loss = model(x).square().mean()
    loss.backward()
g""",
    ),
    Example(
        "transformer",
        "Twelve layers of a transformer",
        "What repeats is one box. In a notebook a click opens it.",
        """\
torch.manual_seed(0)
tokens, target = torch.randint(0, 100, (4, 16)), torch.randint(0, 10, (4,))
embed = nn.Embedding(100, 32)
encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True), 12)
head = nn.Linear(32, 10)

with viz.capture() as g:
    loss = F.cross_entropy(head(encoder(embed(tokens)).mean(1)), target)
    loss.backward()
g""",
    ),
    Example(
        "error",
        "A mistake",
        "If an operation fails inside `capture`, the graph shows how far it came: the failing operation in red, the "
        "shapes with their dimensions under each other, and the line.",
        """\
torch.manual_seed(0)
images = torch.randn(32, 64)
W = torch.randn(64, 10, requires_grad=True)
b = torch.zeros(32, requires_grad=True)

try:
    with viz.capture() as g:
        logits = images @ W + b
except RuntimeError:
    pass  # a notebook would show the error, and the picture by itself
g""",
    ),
    Example(
        "comparison",
        "Two graphs compared",
        "Which of my operations is the first with another value than the reference's, and where does the gradient part "
        "from it? Mine forgot to divide by the square root of the width.",
        """\
def attention(q, k, v, scaled):
    scores = q @ k.mT
    if scaled:
        scores = scores / q.shape[-1] ** 0.5
    return F.softmax(scores, dim=-1) @ v

torch.manual_seed(0)
q, k, v = [torch.randn(4, 8, requires_grad=True) for _ in range(3)]

with viz.capture() as mine:
    attention(q, k, v, scaled=False).square().sum().backward()
with viz.capture() as reference:
    attention(q, k, v, scaled=True).square().sum().backward()
viz.compare(mine, reference)""",
    ),
]


def page():
    """The page's text."""
    sections = [INTRODUCTION.format(setup=SETUP)]
    for each in EXAMPLES:
        picture = f"![{each.heading}](../assets/graphs/{each.name}.svg)"
        sections.append(f"## {each.heading}\n\n{each.words}\n\n```python\n{each.code}\n```\n\n{picture}\n")
    return "\n".join(sections)


def pictures():
    """{file name: the SVG text} of all examples."""
    return {f"{each.name}.svg": value_of(each).svg() for each in EXAMPLES}


def value_of(example):
    """What a notebook would show below the code: the value of its last line. Each example runs by itself."""
    name = f"{example.name}.py"
    lines = example.code.splitlines(keepends=True)
    linecache.cache[name] = (len(example.code), None, lines, name)  # where lines of code are looked up
    *statements, last = ast.parse(example.code).body
    namespace = {"__name__": "gallery"}
    exec(SETUP, namespace)
    exec(compile(ast.Module(statements, []), name, "exec"), namespace)
    return eval(compile(ast.Expression(last.value), name, "eval"), namespace)


def main():
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures().items():
        write_atomically(PICTURES / name, picture.encode("utf-8"))
    write_atomically(PAGE, page().encode("utf-8"))


if __name__ == "__main__":
    main()
