"""From a document to a scene: what there is to draw when some of its groups are open.

A closed group is one box, which takes the ends of all lines to and from what is in it; lines within it
are not seen. The same as js/fold.js, in linear time and without recursion.
"""

from .glyphs import shortened

LONGEST_TEXT = 28  # characters of a name or label
LEAVES = ("parameter", "input")


def fold(document, open):
    """The scene of a document (docs/graphs.md) with the groups whose ids are in `open` open.

    A group is seen only if all groups around it are open too; ids in `open` that are no group's are passed
    over. A group without nodes is not shown. Returns {"items": [item], "lines": [line]}.
    """
    groups = _counted(document)
    stands_for, opened = _standing(document["groups"], set(open))
    made = {None: {"items": []}}  # {group: its item}; None is the whole picture
    of_node = []  # the item that each node is seen as
    for node in document["nodes"]:
        group = stands_for.get(node["group"])
        if group is None or group in opened:
            item = _node_item(node)
            _place(item, group, made, groups)
        elif group in made:
            item = made[group]
        else:
            item = made[group] = _group_item(groups[group], closed=True)
            _place(item, groups[group]["parent"], made, groups)
        of_node.append(item["id"])
    return {"items": made[None]["items"], "lines": _lines(document["edges"], of_node)}


def _standing(groups, open):
    """({group: the group it is seen as}, the groups that are seen open). A group in a closed one is seen as that."""
    stands_for, opened = {}, set()
    for group in groups:
        parent = group["parent"]
        if parent is None or parent in opened:
            stands_for[group["id"]] = group["id"]
            if group["id"] in open:
                opened.add(group["id"])
        else:
            stands_for[group["id"]] = stands_for[parent]
    return stands_for, opened


def _counted(document):
    """{id: group, with how many operations are in it and in the groups inside}."""
    groups = {group["id"]: {**group, "operations": 0} for group in document["groups"]}
    for node in document["nodes"]:
        if node["group"] is not None and node["kind"] not in LEAVES:
            groups[node["group"]]["operations"] += node["hidden"] or 1
    for group in reversed(groups.values()):
        if group["parent"] is not None:
            groups[group["parent"]]["operations"] += group["operations"]
    return groups


def _place(item, group, made, groups):
    """Put an item into the open group it is in, and that into those around it when it is the first there."""
    while group not in made:
        made[group] = _group_item(groups[group], closed=False)
        made[group]["items"].append(item)
        item, group = made[group], groups[group]["parent"]
    made[group]["items"].append(item)


def _node_item(node):
    details = [shortened(node["name"], LONGEST_TEXT)] if node["name"] else []
    details += [shape_text(node["shape"])] if node["shape"] is not None else []
    return {
        "id": f"n{node['id']}",
        "node": node["id"],
        "group": None,
        "kind": node["kind"],
        "label": shortened(node["label"], LONGEST_TEXT),
        "detail": " · ".join(details),
        "items": None,
    }


def _group_item(group, closed):
    """A closed group tells its type and its size; of an open one the size is to be seen."""
    details = [group["type"]] if group["type"] and not group["label"].startswith(group["type"]) else []
    if closed and group["operations"]:
        details.append(f"{group['operations']:,} operation{'' if group['operations'] == 1 else 's'}")
    return {
        "id": f"g{group['id']}",
        "node": None,
        "group": group["id"],
        "kind": group["kind"],
        "label": shortened(group["label"], LONGEST_TEXT),
        "detail": shortened(" · ".join(details), 2 * LONGEST_TEXT),
        "items": None if closed else [],
    }


def shape_text(shape):
    """A shape as Python prints it; "scalar" for ()."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})" if shape else "scalar"


def _lines(edges, of_node):
    """A line for each pair of items with edges between them, in the order of the first of these."""
    lines = {}
    for index, edge in enumerate(edges):
        source, target = of_node[edge["source"]], of_node[edge["target"]]
        if source != target:
            line = lines.setdefault((source, target), {"source": source, "target": target, "edges": []})
            line["edges"].append(index)
    return list(lines.values())
