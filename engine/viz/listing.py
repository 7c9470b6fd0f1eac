"""The pieces of the caller's code that recorded something, with some lines around them."""

import linecache

from .computation import Source

AROUND = 2  # lines shown before and after those that recorded something


def pieces_of_code(places):
    """([Source], {number of a node: (number of its source, line number)}) for {number of a node: (file, line number)}.

    A node whose place is None, or whose file is not to be had, has no line.
    """
    wanted = {}
    for place in places.values():
        if place is not None and linecache.getline(*place):
            wanted.setdefault(place[0], set()).add(place[1])
    sources, where = [], {}
    for file, numbers in wanted.items():
        for first, last in _stretches(sorted(numbers), len(linecache.getlines(file))):
            lines = tuple(line.rstrip("\n") for line in linecache.getlines(file)[first - 1 : last])
            where.update(((file, number), len(sources)) for number in range(first, last + 1))
            sources.append(Source(_short(file), first, lines))
    return sources, {node: (where[place], place[1]) for node, place in places.items() if place in where}


def _stretches(numbers, end):
    """(first, last) of the pieces of a file that hold these lines with some around them."""
    pieces = []
    for number in numbers:
        first, last = max(1, number - AROUND), min(end, number + AROUND)
        if pieces and first <= pieces[-1][1] + 1:
            pieces[-1][1] = last
        else:
            pieces.append([first, last])
    return pieces


def _short(file):
    """A file's name without its folders; a cell of a notebook has none that says anything."""
    name = file.replace("\\", "/").rsplit("/", 1)[-1]
    return "notebook" if name.startswith(("ipykernel", "<ipython")) or name.split(".")[0].isdigit() else name
