"""How long folding and layout of a graph take, and how many lines cross, beside Graphviz's `dot` where it is there.

    python benchmarks/graph_layout.py

"whole" is every node in a box of its own, no groups; "opened" is the graph as it is first seen, its groups folded. The
times in JavaScript are node's, where that is there. Lines that share a way are drawn as one here, so their crossings
with another line count once; dot draws each by itself.
"""

import json
import math
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import engine  # noqa: E402
from engine import viz  # noqa: E402
from engine.viz import layers  # noqa: E402
from engine.viz.containers import contain  # noqa: E402
from engine.viz.fold import fold  # noqa: E402
from engine.viz.layout import layout  # noqa: E402
from timing import REPEATS, seconds  # noqa: E402

PIECES = 8  # straight pieces for each of dot's curves
JS = pathlib.Path(viz.__file__).parent / "js"


# ---- graphs that chapters draw ----------------------------------------------------------------------


class Named(dict):
    """Parameters by name, made when they are first asked for."""

    def of(self, name, *shape):
        return self.setdefault(name, engine.randn(*shape, requires_grad=True))


def whole_graph(loss, names):
    return viz.graph(loss, {**names, "loss": loss}).document()


def transformer(blocks, width=8, heads=2, length=4):
    names = Named()
    x = engine.randn(2, length, width) @ names.of("embed", width, width)
    for number in range(blocks):
        x = transformer_block(x, f"blocks.{number}", names, heads)
    return whole_graph(x.sum(), names)


def transformer_block(x, prefix, names, heads):
    batch, length, width = x.shape
    normed = layer_norm(x, f"{prefix}.norm1", names)
    q, k, v = [
        linear(normed, f"{prefix}.{each}", width, names).reshape(batch, length, heads, -1).transpose(1, 2)
        for each in ("query", "key", "value")
    ]
    mixed = (q @ k.transpose(-2, -1) / math.sqrt(width // heads)).softmax(-1) @ v
    x = x + linear(mixed.transpose(1, 2).reshape(batch, length, width), f"{prefix}.out", width, names)
    hidden = linear(layer_norm(x, f"{prefix}.norm2", names), f"{prefix}.up", 2 * width, names).relu()
    return x + linear(hidden, f"{prefix}.down", width, names)


def linear(x, name, width, names):
    return x @ names.of(f"{name}.weight", x.shape[-1], width) + names.of(f"{name}.bias", width)


def layer_norm(x, name, names):
    centered = x - x.mean(-1, keepdim=True)
    spread = ((x - x.mean(-1, keepdim=True)) ** 2).mean(-1, keepdim=True)
    weight, bias = [names.of(f"{name}.{each}", x.shape[-1]) for each in ("weight", "bias")]
    return centered / (spread + 1e-5).sqrt() * weight + bias


def lstm(steps, width=4):
    names = Named()
    h = c = engine.zeros(5, width)
    for _ in range(steps):
        gates = engine.randn(5, 3) @ names.of("W_ih", 3, 4 * width) + h @ names.of("W_hh", width, 4 * width)
        i, f, g, o = (gates + names.of("b", 4 * width)).chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
    return whole_graph(h.square().sum(), names)


def residual(blocks, width=4):
    names = Named()
    x = engine.randn(5, width) @ names.of("embed", width, width)
    for number in range(blocks):
        hidden = linear(x, f"{number}.first", width, names).relu()
        x = (x + linear(hidden, f"{number}.second", width, names)).relu()
    return whole_graph(x.sum(), names)


GRAPHS = {
    "residual net, 12 blocks": lambda: residual(12),
    "LSTM, 5 steps": lambda: lstm(5),
    "LSTM, 20 steps": lambda: lstm(20),
    "transformer, 1 block": lambda: transformer(1),
    "transformer, 12 blocks": lambda: transformer(12),
    "transformer, 60 blocks": lambda: transformer(60),
}


# ---- what is measured -------------------------------------------------------------------------------


def whole(document):
    """The document without its groups."""
    return {**document, "groups": [], "nodes": [{**node, "group": None} for node in document["nodes"]]}


def milliseconds(document, opened):
    return seconds(lambda: layout(fold(document, opened))) * 1000


def milliseconds_in_javascript(document, opened):
    """The median after as many calls to warm up."""
    script = f"""
        import {{ fold }} from "{(JS / "fold.js").as_uri()}";
        import {{ layout }} from "{(JS / "layout.js").as_uri()}";
        import {{ readFileSync }} from "fs";
        const [document, opened] = JSON.parse(readFileSync(0));
        const taken = [];
        for (let index = 0; index < {2 * REPEATS}; index++) {{
          const begun = performance.now();
          layout(fold(document, opened));
          taken.push(performance.now() - begun);
        }}
        console.log(taken.slice({REPEATS}).sort((a, b) => a - b)[{REPEATS // 2}]);"""
    command = ["node", "--input-type=module", "-e", script]
    given = json.dumps([document, opened])
    return float(subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout)


def our_crossings(document, opened):
    containers, _ = contain(fold(document, opened))
    for container in containers:
        layers.build_layers(container)
    return sum(layers.crossings(container.rows) for container in containers)


def crossings_in_dot(document):
    """Pairs of edges without a common end whose curves meet in dot's drawing."""
    source = "digraph { node [shape=box];" + "".join(f"n{node['id']};" for node in document["nodes"])
    source += "".join(f"n{edge['source']} -> n{edge['target']};" for edge in document["edges"]) + "}"
    answer = subprocess.run(["dot", "-Tjson"], input=source, capture_output=True, text=True, check=True)
    drawn = json.loads(answer.stdout)
    names = {each["_gvid"]: each["name"] for each in drawn["objects"]}
    edges = [(names[edge["tail"]], names[edge["head"]], list(curve(edge["pos"]))) for edge in drawn["edges"]]
    return len({tuple(sorted(pair)) for pair in meeting(edges)})


def curve(position):
    """Points on the Bézier curves that dot's `pos` describes: "e,endx,endy x,y x,y ..."."""
    points = [tuple(map(float, each.split(","))) for each in position.split() if each[0] not in "es"]
    yield points[0]
    for start in range(0, len(points) - 3, 3):
        a, b, c, d = points[start : start + 4]
        for piece in range(1, PIECES + 1):
            t = piece / PIECES
            weights = ((1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t * t, t**3)
            yield tuple(sum(w * point[axis] for w, point in zip(weights, (a, b, c, d))) for axis in (0, 1))


def meeting(edges):
    """Pairs of numbers of edges that meet, by a sweep from top to bottom."""
    ways = [(way, number) for number, (*_, way) in enumerate(edges)]
    pieces = [(min(a[1], b[1]), max(a[1], b[1]), a, b, n) for way, n in ways for a, b in zip(way, way[1:])]
    open_pieces = []
    for piece in sorted(pieces, key=lambda each: each[0]):
        open_pieces = [other for other in open_pieces if other[1] >= piece[0]]
        for other in open_pieces:
            apart = edges[piece[4]][0] != edges[other[4]][0] and edges[piece[4]][1] != edges[other[4]][1]
            if apart and intersect(piece[2], piece[3], other[2], other[3]):
                yield piece[4], other[4]
        open_pieces.append(piece)


def intersect(a, b, c, d):
    def side(p, q, r):
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0


def main():
    engine.manual_seed(0)
    has_dot, has_node = (shutil.which(name) is not None for name in ("dot", "node"))
    columns = f"{'whole, ms':>11}{'js':>7}{'crossings':>11}{'dot':>7}"
    print(f"{'graph':26}{'nodes':>7}{columns}{'opened, ms':>12}{'js':>7}{'boxes':>7}")
    for name, make in GRAPHS.items():
        document = make()
        flat = whole(document)
        row = f"{name:26}{len(document['nodes']):7}"
        of_dot = crossings_in_dot(document) if has_dot and len(document["nodes"]) < 1000 else "-"
        for given, opened in ((flat, []), (document, document["open"])):
            in_js = f"{milliseconds_in_javascript(given, opened):.0f}" if has_node else "-"
            row += f"{milliseconds(given, opened):{11 if given is flat else 12}.0f}{in_js:>7}"
            if given is flat:
                row += f"{our_crossings(flat, []):11}{of_dot:>7}"
        boxes = layout(fold(document, document["open"]))["boxes"]
        print(f"{row}{sum(not box['open'] for box in boxes):7}")
    if not has_dot:
        print("dot is not installed, so there is nothing to compare with")


if __name__ == "__main__":
    main()
