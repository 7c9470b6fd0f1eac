"""The containers of a scene, and which of them each line passes. The same as js/containers.js.

A container is the whole picture or an open group. A line from one to another is cut into steps: out of the
containers around its source, across the one that holds both ends, into those around its target. A step begins and
ends at an item or at a port, where lines pass the container's border: "in:X" is where they come in from X, the item of
the container that holds both ends; "out:Y" is where they go out from item Y. So which ports a container has, and what
is linked to them, is the same whatever else is open.
"""

from dataclasses import dataclass, field


@dataclass(eq=False, repr=False)
class Container:
    """What is laid out by itself. `layers` gives it ranks and order, `places` places."""

    items: list
    parent: object = None  # the container it is in
    name: str | None = None  # the id of the item it is there
    depth: int = 0
    inner: dict = field(default_factory=dict)  # {open group's item: its Container}
    links: dict = field(default_factory=dict)  # {(from, to): None}, the different steps of all lines, in order
    onward: dict = field(default_factory=dict)  # {"out:Y": {where lines go from there in the parent: None}}
    cells: dict = field(default_factory=dict)  # {item or port: Cell}
    rows: list = field(default_factory=list)  # cells by rank, in order
    ways: dict = field(default_factory=dict)  # {(from, to): the cells from one to the other, a rank each}
    boxed: list = field(default_factory=list)  # of each rank: the length of its longest closed box
    starts: list = field(default_factory=list)  # and where it starts and ends, along the flow
    ends: list = field(default_factory=list)
    length: int = 0  # of its frame, along the flow
    left: int = 0  # how far its frame reaches to either side of its main line, across the flow
    right: int = 0
    main: int = 0  # the place of its main line
    origin: tuple = (0, 0)  # (along, across) of its places' zero in the picture


@dataclass(eq=False, repr=False)
class Line:
    """What is drawn as one line from a box to a box: some edges, the same two items at their ends."""

    source: str
    target: str
    edges: list
    steps: list = field(default_factory=list)  # (container, from, to)
    leaves: float = 0  # where it leaves its source and enters its target, across the flow, in the container of each
    enters: float = 0


def contain(scene):
    """(containers, lines): all containers, each after the one it is in, and the picture's lines with their steps."""
    containers = [Container(scene["items"])]
    for container in containers:  # the list grows while it is walked
        for item in container.items:
            if item["items"] is not None:
                inside = Container(item["items"], container, item["id"], container.depth + 1)
                container.inner[item["id"]] = inside
                containers.append(inside)
    home = {item["id"]: container for container in containers for item in container.items}
    lines = sorted((each for line in scene["lines"] for each in _drawn(line)), key=lambda line: line.edges[0])
    for line in lines:
        line.steps = _steps(line, home)
        _record(line.steps)
    return containers, lines


def _drawn(line):
    """Edges between the same two nodes, x × x, are drawn side by side, all edges to or from a closed group as one."""
    source, target, edges = line["source"], line["target"], line["edges"]
    both_nodes = source[0] == target[0] == "n"
    return [Line(source, target, each) for each in ([[edge] for edge in edges] if both_nodes else [edges])]


def _steps(line, home):
    """(container, from, to) through all containers from the line's source to its target."""
    start, end, here, there = line.source, line.target, home[line.source], home[line.target]
    leaving, entering = [], []
    while here is not there:
        if here.depth >= there.depth:
            leaving.append((here, start, f"out:{start}"))
            start, here = here.name, here.parent
        else:
            entering.append((there, end))
            end, there = there.name, there.parent
    arriving = [(container, f"in:{start}", to) for container, to in reversed(entering)]
    return [*leaving, (here, start, end), *arriving]


def _record(steps):
    for (container, start, end), after in zip(steps, [*steps[1:], None]):
        container.links[start, end] = None
        if end.startswith("out:"):
            container.onward.setdefault(end, {})[after[2]] = None
