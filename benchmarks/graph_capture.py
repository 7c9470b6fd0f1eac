"""What it costs to look at a training step: the step alone, captured, and made into a document; as ratios to the step.

    python benchmarks/graph_capture.py
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import engine  # noqa: E402
from engine import nn, viz  # noqa: E402
from engine.nn import functional as F  # noqa: E402
from timing import seconds  # noqa: E402


class Block(nn.Module):
    def __init__(self, width, heads=2):
        super().__init__()
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x):
        normed = self.first(x)
        x = x + self.attention(normed, normed, normed, need_weights=False)[0]
        return x + self.mlp(self.second(x))


def transformer(blocks, width=64):
    model = nn.Sequential(*[Block(width) for _ in range(blocks)], nn.Linear(width, 10))
    x, y = engine.randn(16, 32, width), engine.randint(0, 10, (16 * 32,))
    return lambda: F.cross_entropy(model(x).reshape(-1, 10), y).backward()


def mlp(width=128):
    model = nn.Sequential(nn.Linear(784, width), nn.ReLU(), nn.Linear(width, 10))
    x, y = engine.randn(64, 784), engine.randint(0, 10, (64,))
    return lambda: F.cross_entropy(model(x), y).backward()


def captured(step):
    with viz.capture() as graph:
        step()
    return graph


def main():
    engine.manual_seed(0)
    print(f"{'step':26}{'nodes':>7}{'step ms':>9}{'captured':>10}{'+ picture':>11}")
    for name, step in {"MLP": mlp(), "transformer, 2 blocks": transformer(2), "transformer, 12 blocks": transformer(12)}.items():
        nodes = len(captured(step).nodes)
        alone, watched = seconds(step), seconds(lambda: captured(step))
        shown = seconds(lambda: captured(step)._repr_mimebundle_())
        print(f"{name:26}{nodes:7}{alone * 1000:9.1f}{watched / alone:9.1f}x{shown / alone:10.1f}x")


if __name__ == "__main__":
    main()
