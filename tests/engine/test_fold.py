"""From a document to what is drawn of it: open and closed groups, the lines between them, the words on boxes."""

import random

import pytest
from documents import Drawing, chain, document, mlp, random_document, transformer

from engine.viz.fold import fold


def shown(scene):
    """The items as nested lists of ids."""
    return [[item["id"], shown(item)] if item["items"] is not None else item["id"] for item in scene["items"]]


def lines(scene):
    return [(line["source"], line["target"], line["edges"]) for line in scene["lines"]]


def items(scene):
    """All items, a group before what is in it."""
    found = list(scene["items"])
    for item in found:
        found += item["items"] or []
    return found


def nested():
    """x -> [first -> [second] -> third], the brackets being groups 0 and 1; x goes to second, too."""
    groups = [{"id": 0, "label": "outer", "type": "Outer"}, {"id": 1, "parent": 0, "label": "inner", "type": "Inner"}]
    nodes = [
        {"label": "x", "kind": "input"},
        {"label": "first", "group": 0},
        {"label": "second", "group": 1},
        {"label": "third", "group": 0},
    ]
    return document(nodes, [(0, 1), (0, 2), (1, 2), (2, 3), (2, 3)], groups)


@pytest.mark.parametrize(
    ("opened", "items", "ends"),
    [
        ([], ["n0", "g0"], [("n0", "g0", [0, 1])]),
        ([1], ["n0", "g0"], [("n0", "g0", [0, 1])]),
        (
            [0],
            ["n0", ["g0", ["n1", "g1", "n3"]]],
            [("n0", "n1", [0]), ("n0", "g1", [1]), ("n1", "g1", [2]), ("g1", "n3", [3, 4])],
        ),
        (
            [1, 0],
            ["n0", ["g0", ["n1", ["g1", ["n2"]], "n3"]]],
            [("n0", "n1", [0]), ("n0", "n2", [1]), ("n1", "n2", [2]), ("n2", "n3", [3, 4])],
        ),
    ],
)
def test_a_group_is_one_box_until_it_and_all_around_it_are_open(opened, items, ends):
    scene = fold(nested(), opened)
    assert shown(scene) == items
    assert lines(scene) == ends


def test_boxes_say_name_and_shape_groups_their_type_and_size():
    nodes = [
        {"label": "W", "kind": "parameter", "shape": [64, 10], "group": 0},
        {"label": "@", "name": "logits", "group": 0},
        {"label": "b", "kind": "parameter", "shape": [10], "group": 1},
        {"label": "+", "shape": [], "group": 1},
        {"label": "a name that is much too long to be read", "shape": None},
        {"label": "… 41 more nodes", "kind": "more", "hidden": 1234, "shape": None, "group": 2},
    ]
    groups = [
        {"id": 0, "label": "layers.0", "type": "Linear"},
        {"id": 1, "parent": 0, "label": "Block × 12", "type": "Block", "kind": "repeat"},
        {"id": 2, "label": "steps", "kind": "part"},
    ]
    given = document(nodes, [(0, 1), (1, 3), (2, 3), (3, 4)], groups)
    words = {item["id"]: (item["label"], item["detail"]) for item in items(fold(given, [0, 1]))}
    assert words == {
        "g0": ("layers.0", "Linear"),
        "n0": ("W", "(64, 10)"),
        "n1": ("@", "logits · (32, 10)"),
        "g1": ("Block × 12", ""),
        "n2": ("b", "(10,)"),
        "n3": ("+", "scalar"),
        "n4": ("a name that i…ong to be read", ""),
        "g2": ("steps", "1,234 operations"),
    }
    closed = {item["id"]: item["detail"] for item in fold(given, [])["items"]}
    assert closed["g0"] == "Linear · 2 operations"
    assert {item["id"]: item["detail"] for item in items(fold(given, [0]))}["g1"] == "1 operation"


def test_groups_without_nodes_and_numbers_of_no_group_are_passed_over():
    given = document(["+"], [], [{"id": 0}, {"id": 1, "parent": 0}])
    assert shown(fold(given, [0, 1, 7])) == ["n0"]


def test_a_document_of_nothing_and_one_of_a_node():
    assert fold(document([], []), []) == {"items": [], "lines": []}
    assert shown(fold(document(["+"], []), [])) == ["n0"]


@pytest.mark.parametrize("seed", range(50))
def test_every_node_is_seen_once_or_in_one_closed_group_and_every_edge_between_two_boxes_once(seed):
    chosen = random.Random(seed)
    given = random_document(chosen)
    scene = fold(given, given["open"])
    found = items(scene)
    assert len({item["id"] for item in found}) == len(found)
    open_groups = {item["group"] for item in found if item["items"] is not None}
    parents = {group["id"]: group["parent"] for group in given["groups"]}
    box = {}
    for node in given["nodes"]:
        around, group = [], node["group"]
        while group is not None:
            around.insert(0, group)
            group = parents[group]
        closed = [group for group in around if group not in open_groups]
        box[node["id"]] = f"g{closed[0]}" if closed else f"n{node['id']}"
    assert {item["id"] for item in found if item["items"] is None} == set(box.values())
    drawn = {edge: (source, target) for source, target, edges in lines(scene) for edge in edges}
    ends = {index: (box[edge["source"]], box[edge["target"]]) for index, edge in enumerate(given["edges"])}
    assert drawn == {index: each for index, each in ends.items() if each[0] != each[1]}
    assert sum(len(line["edges"]) for line in scene["lines"]) == len(drawn)


def test_opening_takes_nothing_away_elsewhere():
    """What is in a container does not depend on what else is open."""
    given = transformer(2).document()
    everything = fold(given, given["open"])
    but_one = fold(given, [group["id"] for group in given["groups"] if group["label"] != "norm1"])
    assert [item["id"] for item in items(everything) if item["group"] is not None] == [
        item["id"] for item in items(but_one) if item["group"] is not None
    ]


def test_deep_nests_and_long_chains_fold():
    """Without recursion: 10,000 groups in each other, and 10,000 nodes one after another."""
    drawing = Drawing()
    entered = [drawing.within(f"level {level}") for level in range(10_000)]
    drawing.op("+")
    for each in entered:
        each.__enter__()
        drawing.op("+", len(drawing.nodes) - 1)
    nest = drawing.document()
    assert len(fold(nest, nest["open"])["lines"]) == 10_000
    assert len(fold(nest, nest["open"][:5_000])["items"]) == 2
    assert len(fold(nest, nest["open"][:5_000])["lines"]) == 5_001
    assert len(fold(chain(10_000), [])["items"]) == 10_000


def test_an_mlp_is_seen_layer_by_layer():
    scene = fold(mlp(2).document(), [])
    assert [(item["label"], item["detail"]) for item in scene["items"]] == [
        ("x", "(32, 64)"),
        ("layers.0", "Linear · 3 operations"),
        ("relu", "(8, 8)"),
        ("layers.1", "Linear · 3 operations"),
        ("y", "(32,)"),
        ("cross_entropy", "scalar"),
        ("loss", "scalar"),
    ]
