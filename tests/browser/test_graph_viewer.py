"""The viewer of graphs in headless Chromium, on a bare page: what a learner does with it, by mouse and by keyboard."""

import json
import re

import graph_documents as documents
import numpy as np
import pytest
import viewer_page

import engine

pytestmark = pytest.mark.slow

ROOT = "document.querySelector('#viewer > div').shadowRoot"  # in the page
AT_REST = {"selected": None, "step": -1, "open": []}


@pytest.fixture
def seen(page):
    """What one does with the viewer and sees of it. Fails if the page reported an error."""
    errors = []
    listen = lambda error: errors.append(str(error))  # noqa: E731
    page.on("pageerror", listen)
    page.emulate_media(reduced_motion="reduce", color_scheme="light")
    page.set_viewport_size({"width": 1200, "height": 900})
    page.unroute_all()
    page.set_default_timeout(10_000)
    yield Seen(viewer_page.bare(page))
    page.remove_listener("pageerror", listen)
    assert not errors, errors


class Seen:
    def __init__(self, page):
        self.page = page

    def show(self, document, traits=None):
        self.document = document
        viewer_page.show(self.page, document, traits)

    def node(self, label):
        """The first node with this label or name."""
        return next(each for each in self.document["nodes"] if label in (each["label"], each["name"]))

    def box(self, id):
        return self.page.locator(f'[data-id="{id if isinstance(id, str) else f"n{id}"}"]')

    def tag(self, id):
        return self.box(id).locator(".tag").text_content()

    def panel(self):
        return self.page.locator(".panel").inner_text()

    def next(self, times=1):
        for _ in range(times):
            self.page.get_by_role("button", name="Next step").click()

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def button(self, name, exact=False):
        return self.page.get_by_role("button", name=name, exact=exact)

    def spoken(self):
        return self.page.locator(".spoken").text_content()

    def lit(self, kind):
        """Ids of the boxes of a class: "now", "selected", "dim", "lit"."""
        return [each.get_attribute("data-id") for each in self.page.locator(f".box.{kind}").all()]

    def told(self):
        return self.page.evaluate("window.told")

    def kernel(self, name, value):
        self.page.evaluate("([name, value]) => window.kernel.change(name, value)", [name, value])

    def corner(self, id):
        box = self.box(id).locator(".face").last.bounding_box()
        return box["x"], box["y"]


def written(value, digits=4):
    """A number as the viewer writes it."""
    text = f"{float(f'{value:.{digits}g}'):.15g}"
    return text.replace("-", "−")


# ---- the chain rule, step by step


def test_single_numbers_are_the_true_ones_at_every_step(seen):
    """z = a b, loss = z z + a at a = 2, b = -3: by hand, dz = 2 z = -12, db = a dz = -24, da = b dz + 1 = 37."""
    seen.show(documents.scalars())
    a, b, z, loss = (seen.node(name)["id"] for name in ("a", "b", "z", "loss"))
    assert seen.box(a).locator(".tag").count() == 0
    seen.next()
    assert (seen.lit("now"), seen.tag(loss)) == ([f"n{loss}"], "∂ 1")
    assert {seen.tag(each) for each in (a, b, z)} == {"∂ –"}
    seen.next()
    assert (seen.tag(a), seen.tag(z)) == ("∂ +…", "∂ –"), "a has got one of two parts: neither 1 nor 0"
    seen.next(2)
    assert (seen.tag(z), seen.tag(b), seen.tag(a)) == ("∂ −12", "∂ −24", "∂ 37")
    for words in ("∂loss/∂a += g × b", "(−12) × (−3) = 36", "(−12) × 2 = −24"):
        assert words in seen.panel() and words in seen.spoken()
        assert seen.page.locator(".note text", has_text=words).count() == 1
    assert seen.page.locator(".flow").count() == 2


def test_each_step_writes_the_rule_and_the_shapes_of_the_document(seen):
    """In the order of `backward`; what is summed, added up, and not yet there is said."""
    document = documents.perceptron()
    seen.show(document)
    for step, id in enumerate(document["backward"]):
        seen.next()
        assert seen.lit("now") == [f"n{id}"]
        assert f"step {step + 1} of {len(document['backward'])}" in seen.spoken()
        for edge in document["edges"]:
            if edge["target"] == id and edge["text"]:
                assert edge["text"] in seen.spoken() and edge["text"] in seen.panel()
                note = seen.page.locator(".note", has_text=edge["text"])
                assert note.locator("text", has_text=edge["shapes"]).count()
                assert (f"sum(dim {edge['summed'][0]})" in seen.panel()) if edge["summed"] else True
        for node in document["nodes"]:
            tag = seen.box(node["id"]).locator(".tag")
            users = [edge["target"] for edge in document["edges"] if edge["source"] == node["id"]]
            reached = [document["backward"].index(user) for user in users]
            if node["kind"] == "input":
                assert tag.count() == 0
            elif min(reached, default=0) > step:
                assert tag.text_content() == "∂ –"
            elif max(reached, default=0) <= step:
                assert tag.text_content().startswith("∂ ") and tag.text_content() not in ("∂ –", "∂ +…")
    assert any(edge["summed"] for edge in document["edges"]), "the test's graph has a broadcast"
    assert seen.button("Next step").get_attribute("aria-disabled") == "true"


def test_gradients_shown_are_those_that_autograd_computes(seen):
    """Every number in the heat map of W1's gradient, against numpy by hand."""
    seen.show(documents.perceptron())
    w1 = seen.node("W1")
    seen.button("To the end").click()
    seen.page.evaluate("id => window.viewer.select(id)", w1["id"])
    engine.manual_seed(0)
    x, y = engine.randn(4, 3).numpy(), engine.randn(4, 2).numpy()
    weight1, weight2 = (0.5 * engine.randn(3, 8)).numpy(), (0.5 * engine.randn(8, 2)).numpy()
    h = np.maximum(x @ weight1, 0)
    p = h @ weight2
    g = 2 * (p + np.tanh(p) - y) / y.size
    g = (g * (2 - np.tanh(p) ** 2)) @ weight2.T * (h > 0)
    expected = x.T @ g
    grid = seen.page.locator(".grid")
    grid.focus()
    for row in expected:
        for value in row:
            shown = seen.page.locator(".told").inner_text().split("= ")[1].replace("−", "-")
            assert float(shown) == pytest.approx(value, rel=1e-4, abs=1e-7)
            seen.press("ArrowRight")
        seen.press("ArrowDown", *["ArrowLeft"] * len(row))
    assert written(w1["grad"]["norm"]) in seen.panel()


def test_no_gradient_yet_never_looks_like_zero(seen):
    seen.show(documents.perceptron())
    b1 = seen.node("b1")["id"]
    seen.next()
    seen.page.evaluate("id => window.viewer.select(id)", b1)
    seen.button("Gradient", exact=True).click()
    assert "No gradient yet" in seen.panel()
    assert not re.search(r"\b0\b", seen.page.locator(".inside .none").inner_text())
    seen.button("Go there").click()
    assert "No gradient yet" not in seen.panel() and seen.page.locator(".grid").count() == 1
    assert "sum(dim 0)" in seen.spoken()
    x = seen.node("x")["id"]
    seen.page.evaluate("id => window.viewer.select(id)", x)
    assert "No gradient comes here" in seen.panel()


def test_forward_lights_nodes_in_order_with_their_values(seen):
    document = documents.scalars()
    seen.show(document)
    seen.button("Forward", exact=True).click()
    for node in document["nodes"]:
        seen.next()
        assert seen.lit("now") == [f"n{node['id']}"]
        if node["value"]:
            assert seen.tag(node["id"]) == written(node["value"]["slice"]["rows"][0][0])
        assert len(seen.lit("later")) == len(document["nodes"]) - node["id"] - 1
    seen.button("To the start").click()
    seen.next()
    seen.page.evaluate("id => window.viewer.select(id)", len(document["nodes"]) - 1)
    assert "Not computed yet" in seen.panel()


def test_the_walk_by_keyboard(seen):
    """Arrow keys on the slider and its buttons, full stop and comma in the picture."""
    document = documents.perceptron()
    seen.show(document)
    seen.page.get_by_role("slider").focus()
    seen.press("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowRight")
    assert seen.lit("now") == [f"n{document['backward'][1]}"]
    assert "step 2 of" in seen.page.get_by_role("slider").get_attribute("aria-valuetext")
    seen.box(document["backward"][1]).focus()
    seen.press(".", ".", ",")
    assert seen.lit("now") == [f"n{document['backward'][2]}"]


# ---- predict, then reveal


@pytest.mark.parametrize(("answer", "word"), [
    ("-6", "right"), ("-6.02", "right"), ("6", "off by the sign"), ("-12", "2 times too large"),
    ("-1.5", "4 times too small"), ("12", "2 times too large and by the sign"), ("0", "not 0"),
    ("a lot", "no number"), ("-12/5", "not this time: it is −6"),
])  # fmt: skip
def test_a_predicted_number_gets_a_word(seen, answer, word):
    seen.show(documents.scalars())
    seen.page.get_by_label("Predict first").check()
    seen.page.evaluate("window.viewer.goto(1)")
    seen.next()
    card = seen.page.locator(".card")
    assert "What does × send back to × (z)?" in card.inner_text()
    assert seen.page.locator(".now").count() == 1 and seen.lit("asked"), "nothing is revealed before the answer"
    assert "−6" not in seen.panel()
    seen.page.get_by_label("The number").fill(answer)
    seen.press("Enter")
    assert word in card.inner_text().lower(), "each of the two factors is sent -6"
    assert "∂loss/∂z += g × z" in seen.panel()
    seen.press("ArrowRight")
    assert "What does" in card.inner_text(), "the keyboard goes on to the next question"


@pytest.mark.parametrize(("shape", "element", "words"), [
    ("(8,)", "", ["the shape is right"]),
    ("8", "", ["the shape is right"]),
    ("(4, 8)", "", ["that is the shape of g", "summed over dim 0", "(8,)"]),
    ("(8, 1)", "", ["the shape is another"]),
    ("", "", ["no shape was given"]),
])  # fmt: skip
def test_a_predicted_shape_gets_a_word(seen, shape, element, words):
    document = documents.perceptron()
    bias = next(each["id"] for each in document["nodes"] if each["label"] == "b1")
    addition = next(each["target"] for each in document["edges"] if each["source"] == bias)
    for edge in document["edges"]:  # ask about the bias alone
        if edge["target"] == addition and edge["source"] != bias:
            edge["grad"] = None
    seen.show(document)
    seen.page.evaluate("step => window.viewer.goto(step)", document["backward"].index(addition) - 1)
    seen.page.get_by_label("Predict first").check()
    seen.next()
    seen.page.get_by_label("Its shape").fill(shape)
    seen.press("Enter")
    said = seen.page.locator(".card").inner_text().lower()
    for each in words:
        assert each in said


def test_an_element_can_be_predicted_and_a_question_skipped(seen):
    document = documents.perceptron()
    seen.show(document)
    seen.page.get_by_label("Predict first").check()
    seen.next()
    seen.press("Escape")
    assert seen.lit("now") == [f"n{document['backward'][0]}"] and not seen.page.locator(".card").inner_text()
    seen.next()
    seen.page.get_by_label("Its shape").fill("2 x 4")
    seen.page.get_by_label(re.compile("^Element")).fill("1/8")
    seen.button("Check").click()
    said = seen.page.locator(".card").inner_text()
    assert "the other way round" in said and "right: it is 0.125" in said
    seen.next()
    seen.next()  # a second time: the question is skipped
    assert seen.lit("now") == [f"n{document['backward'][2]}"]
    seen.next()
    seen.button("Show me").click()
    assert seen.lit("now") == [f"n{document['backward'][3]}"]


# ---- inside a node


def test_inside_a_node_every_number_is_the_document_s(seen):
    document = documents.perceptron()
    seen.show(document)
    w1 = seen.node("W1")
    seen.box(w1["id"]).click()
    for tab, tensor in (("Value", w1["value"]), (".grad", w1["stored"])):
        seen.button(tab, exact=True).click()
        terms = dict(zip(seen.page.locator("dt").all_inner_texts(), seen.page.locator("dd").all_inner_texts()))
        for key in ("min", "max", "mean", "std", "norm"):
            assert terms[key] == written(tensor[key]), (tab, key)
        assert terms["elements"] == "24"
        bars = seen.page.locator(".histogram title").all_text_contents()
        assert [int(each) for each in bars] == tensor["histogram"]["counts"]
        grid = seen.page.locator(".grid")
        assert grid.locator("span").count() == 24
        grid.locator("span").nth(9).hover()
        value = tensor["slice"]["rows"][1][1]
        assert seen.page.locator(".told").inner_text() == f"[1, 1] = {written(value, 7)}"
    for words in ("parameter", "(3, 8)", "float32", "cpu", "adds up over several backward passes"):
        assert words in seen.panel()


def test_what_is_not_finite_is_marked(seen):
    document = documents.perceptron()
    node = document["nodes"][3]
    rows = [[1.0, "nan"], ["inf", "-inf"]]
    node["value"] |= {"shape": [2, 2], "size": 4, "nan": 1, "inf": 2, "slice": {"of": "[:, :]", "rows": rows}}
    node["badges"] = ["value: nan", "value: inf", "saved: in place"]
    seen.show(document)
    seen.box(3).click()
    seen.button("Value", exact=True).click()
    assert seen.page.locator(".grid .beyond").all_inner_texts() == ["NaN", "∞", "−∞"]
    assert "NaN" in seen.box(3).locator(".marks").text_content()
    badges = seen.page.locator(".badge").all_inner_texts()
    assert badges == ["NaN", "∞", "∗ in place"]


def test_a_gradient_s_badge_waits_for_the_gradient(seen):
    document = documents.perceptron()
    w1 = next(each for each in document["nodes"] if each["label"] == "W1")
    w1["badges"] = ["grad: zero"]
    seen.show(document)
    assert "all 0" in seen.box(w1["id"]).locator(".marks").text_content(), "before the walk all that is known is marked"
    seen.next()
    assert seen.box(w1["id"]).locator(".marks").count() == 0
    seen.button("To the end").click()
    assert "all 0" in seen.box(w1["id"]).locator(".marks").text_content()


def test_other_slices_are_asked_of_the_kernel(seen):
    """A late answer does not replace a newer one; an error is told; without a kernel nothing can be asked."""
    document = documents.deep()
    images = next(each for each in document["nodes"] if each["label"] == "images")
    seen.show(document)
    seen.box(images["id"]).click()
    assert seen.page.locator(".index").count() == 0
    seen.show(document, {**AT_REST})
    seen.box(images["id"]).click()
    seen.page.get_by_label("index of dim 0").fill("1")
    seen.press("Tab")
    seen.page.get_by_label("index of dim 1").fill("2")
    seen.press("Tab")
    asked = seen.page.evaluate("window.asked.map((each) => each.request)")
    assert asked == [{"node": images["id"], "which": "value", "index": index} for index in ([1, 0], [1, 2])]
    answer = images["value"] | {"slice": {"of": "[1, 2, :, :]", "rows": [[5.5, 6.5]]}}
    resolve = "([late, newest]) => { asked[1].resolve(newest); asked[0].resolve(late); }"
    seen.page.evaluate(resolve, [images["value"], answer])
    seen.page.locator(".grid span").nth(1).hover()
    assert seen.page.locator(".told").inner_text() == "[1, 2, 0, 1] = 6.5"
    seen.page.get_by_label("index of dim 1").fill("0")
    seen.press("Tab")
    seen.page.evaluate("asked[2].reject(new Error('the kernel is gone'))")
    seen.page.locator(".problem", has_text="the kernel is gone").wait_for()


# ---- groups


def test_a_group_opens_and_closes_where_it_is(seen):
    """By click and by Enter; its corner does not move on the screen."""
    document = documents.network()
    seen.show(document)
    repeat = next(each for each in document["groups"] if each["kind"] == "repeat")
    box = f"g{repeat['id']}"
    assert seen.box(box).locator(".label").text_content() == "Sequential × 1236 operations", "the label and its detail"
    assert seen.box(box).get_attribute("aria-expanded") == "false"
    assert seen.box(box).locator(".face").count() == 3, "looks stacked"
    before, count = seen.corner(box), seen.page.locator(".box").count()
    seen.box(box).click()
    assert seen.box(box).get_attribute("aria-expanded") == "true"
    assert seen.page.locator(".box").count() == count + 12
    assert seen.corner(box) == pytest.approx(before, abs=1)
    assert seen.page.evaluate(f"{ROOT}.activeElement.dataset.id") == box
    seen.press("Enter")
    assert (seen.page.locator(".box").count(), seen.corner(box)) == (count, pytest.approx(before, abs=1))
    seen.press("Enter")
    seen.box(box).locator(".title").click()
    assert seen.page.locator(".box").count() == count
    seen.button("Open all").click()
    seen.box("g4").focus()
    seen.press("ArrowUp", "ArrowDown")
    seen.page.wait_for_timeout(50)
    stage = seen.page.locator(".stage").bounding_box()
    before = seen.corner("g4")
    assert stage["y"] < before[1] < stage["y"] + stage["height"], "what has the focus is in sight"
    seen.box("g4").focus()
    seen.press("Enter")
    assert seen.box("g4").get_attribute("aria-expanded") == "false"
    assert seen.corner("g4") == pytest.approx(before, abs=1), "the layout alone would move it by 26 pixels"


def test_boxes_glide_unless_motion_is_to_be_reduced(seen):
    seen.show(documents.network())
    moving = f"{ROOT}.getAnimations().length"
    seen.box("g1").click()
    assert seen.page.evaluate(moving) == 0
    seen.page.emulate_media(reduced_motion="no-preference")
    seen.box("g1").locator(".title").click()
    assert seen.page.evaluate(moving) > 3


def test_open_all_stays_sensible(seen):
    """Two levels of a huge graph are not opened at once, and that is said; a small one opens whole."""
    seen.show(documents.network())
    seen.button("Open all").click()
    assert seen.page.locator(".box[aria-expanded=false]").count() == 0
    seen.button("Close all").click()
    assert seen.page.locator(".box[aria-expanded=true]").count() == 0
    seen.show(documents.blocks(10, 1000))
    seen.button("Open all").click()
    assert seen.page.locator(".box").count() == 12
    assert "1,500 boxes" in seen.spoken()


def test_ten_thousand_nodes_open_as_few_boxes(seen):
    seen.show(documents.blocks(100, 100))
    assert seen.page.locator(".box").count() == 102
    seen.next(3)
    assert seen.lit("now") == ["g99"]
    seen.page.evaluate("window.viewer.select(5000)")
    assert seen.lit("selected") == ["n5000"] and seen.page.locator(".box").count() == 202


# ---- mistakes and comparisons


def test_a_mistake_shows_where_the_shapes_do_not_fit(seen, screenshots):
    document = documents.mistaken()
    failed = next(each for each in document["nodes"] if each["kind"] == "failed")
    seen.show(document)
    assert seen.lit("selected") == [f"n{failed['id']}"], "what failed is what one sees first"
    assert "failed" in seen.box(failed["id"]).locator(".marks").text_content()
    assert failed["error"]["message"] in seen.panel()
    rows = seen.page.locator("pre div").all_inner_texts()
    assert [re.findall(r"\b\d+", row) for row in rows] == [["4", "8"], ["7", "2"]]
    assert rows[0].index("4") == rows[1].index("7") and rows[0].index("8") == rows[1].rindex("2")
    assert seen.page.locator("pre mark").all_inner_texts() == ["8", "7"]
    assert "h @ W2" in seen.page.locator(".excerpt").inner_text()
    seen.page.screenshot(path=screenshots / "graph-viewer-mistake.png")


def test_shapes_that_do_not_broadcast_are_marked_from_the_right(seen):
    document = documents.mistaken()
    failed = next(each for each in document["nodes"] if each["kind"] == "failed")
    failed["op"] = "add"
    failed["error"]["shapes"] = [["a", [32, 1, 10]], ["bias", [8, 12]]]
    seen.show(document)
    rows = seen.page.locator("pre div").all_inner_texts()
    assert rows[0].index("10") == rows[1].index("12")
    assert seen.page.locator("pre mark").all_inner_texts() == ["10", "12"]


def test_a_comparison_leads_to_the_first_difference(seen, screenshots):
    """Mine is the reference plus a bias of 0.25; every number of the three slices, and the marks of each status."""
    document = documents.compared()
    seen.show(document)
    nodes = document["nodes"]
    value, gradient = (next(each for each in nodes if which in each["match"]["first"]) for which in ("value", "grad"))
    count = sum(each["match"]["status"] == "differs" for each in nodes)
    assert f"≠ {count} differs, + 1 extra, − 0 missing" in seen.page.locator(".strip").first.inner_text()
    seen.button("First differing value").click()
    assert seen.lit("selected") == [f"n{value['id']}"] and value["label"] == "b"
    assert "Differs from the reference" in seen.panel() and "Difference, at most 0.25" in seen.panel()
    grids = [seen.page.locator(".grid").nth(place).locator("span").all_inner_texts() for place in range(3)]
    assert grids == [["0.25", "0.25"], ["0", "0"], ["0.25", "0.25"]], "mine, the reference, the difference"
    seen.button("First differing gradient").click()
    assert seen.lit("selected") == [f"n{gradient['id']}"]
    assert f"Difference, at most {written(gradient['match']['grad_difference'])}" in seen.panel()
    marks = {each["id"]: seen.box(each["id"]).locator(".marks").text_content() for each in nodes}
    assert marks[value["id"]] == "≠ first value" and marks[gradient["id"]] == "≠ first gradient"
    for each in nodes:
        expected = {"same": "✓", "extra": "+", "differs": "≠"}[each["match"]["status"]]
        assert marks[each["id"]].startswith(expected)
        assert each["match"]["status"] in seen.box(each["id"]).get_attribute("aria-label")
    seen.page.screenshot(path=screenshots / "graph-viewer-comparison.png")


# ---- code, search, paths, heat


def test_code_and_nodes_lead_to_each_other(seen):
    document = documents.perceptron()
    seen.show(document)
    relu = seen.node("relu")
    seen.box(relu["id"]).click()
    seen.page.locator(".excerpt").click()
    number = relu["line"]["number"]
    marked = seen.page.locator(".line[aria-current]")
    assert marked.inner_text().startswith(str(number)) and "relu()" in marked.inner_text()
    assert seen.page.locator(".source").is_visible() and not seen.page.locator(".inside").is_visible()
    same_line = [f"n{each['id']}" for each in document["nodes"] if each["line"] == relu["line"]]
    marked.hover()
    assert seen.lit("lit") == same_line
    seen.page.get_by_role("slider").hover()
    assert seen.lit("lit") == []
    marked.focus()
    seen.press("ArrowDown")
    after = [f"n{each['id']}" for each in document["nodes"] if each["line"] and each["line"]["number"] == number + 1]
    assert seen.lit("lit") == after
    seen.press("Enter")
    assert seen.lit("selected") == [after[-1]]


def test_search_finds_by_name_operation_module_and_shape(seen):
    document = documents.network()
    seen.show(document)
    search = seen.page.get_by_role("searchbox")
    for wanted, is_found in {
        "log_softmax": lambda each: each["op"] == "log_softmax",
        "12.weight": lambda each: each["label"] == "12.weight",
        "net.3.0": lambda each: each["module"] == "net.3.0",
        "(3, 8)": lambda each: each["shape"] == [3, 8],
    }.items():
        ids = [each["id"] for each in document["nodes"] if is_found(each)]
        search.fill(wanted)
        count = int(seen.page.locator(".search .count").inner_text().split()[0])
        assert count >= len(ids) > 0, wanted
        search.press("Enter")
        assert seen.lit("selected"), "what is found is shown, even in a closed group"
    search.fill("12.weight")
    search.press("Enter")
    first = seen.lit("selected")
    seen.button("Next found").click()
    search.press("Shift+Enter")
    assert seen.lit("selected") == first
    search.fill("nothing like it")
    assert seen.page.locator(".search .count").inner_text() == "0 found"
    search.press("Escape")
    assert search.input_value() == "" and seen.lit("dim") == []


def test_all_paths_from_a_parameter_to_the_loss(seen):
    """From W2: through p and tanh and the sum, not through what lies before or beside."""
    document = documents.perceptron()
    seen.show(document)
    w2 = seen.node("W2")["id"]
    seen.box(w2).click()
    seen.button("Paths to loss").click()
    on_path = {w2}
    for edge in document["edges"]:  # forward order
        if edge["source"] in on_path:
            on_path.add(edge["target"])
    assert set(seen.lit("dim")) == {f"n{each['id']}" for each in document["nodes"] if each["id"] not in on_path}
    assert len(on_path) == 8
    seen.button("Paths to loss").click()
    assert seen.lit("dim") == []
    nodes = [{"label": "W", "kind": "parameter"}, {}, {"label": "unused"}, {"label": "loss", "kind": "output"}]
    seen.show(documents.document(nodes, [(0, 1), (1, 2), (1, 3)]))
    seen.box(0).click()
    seen.button("Paths to loss").click()
    assert seen.lit("dim") == ["n2"], "what leads nowhere is on no path to the loss"


def test_heat_has_a_legend_with_units_and_says_what_is_unknown(seen):
    document = documents.network()
    seen.show(document)
    seen.page.get_by_label("Colour boxes by").select_option(label="Bytes of results")
    legend = seen.page.locator(".strip")
    linear = next(each for each in document["nodes"] if each["label"] == "linear" and each["group"] == 0)
    assert seen.box(linear["id"]).locator(".detail").text_content() == f"{linear['bytes']} B"
    repeat = sum(each["bytes"] for each in document["nodes"] if each["group"] not in (None, 0) and each["bytes"])
    assert seen.box("g1").locator(".detail").text_content() == f"{written(repeat / 1000, 3)} kB"
    assert f"{written(repeat / 1000, 3)} kB" in legend.inner_text() and "not measured" in legend.inner_text()
    shares = {"g1": "100.0%", linear["id"]: f"{100 * linear['bytes'] / repeat:.1f}%"}
    for box, share in shares.items():
        assert f" {share}" in seen.box(box).locator(".face").last.get_attribute("style")
    seen.page.get_by_label("Colour boxes by").select_option(label="Time forward")
    assert "hatching" in seen.box(seen.node("x")["id"]).locator(".face").get_attribute("style"), "not measured is not 0"
    assert seen.box(seen.node("x")["id"]).locator(".detail").text_content() == "–"
    seen.page.get_by_label("Colour boxes by").select_option(label="Colour by kind")
    assert legend.is_hidden() and seen.box(linear["id"]).locator(".detail").text_content() == "(5, 3)"


# ---- for everybody


def test_the_table_says_all_that_the_picture_says(seen, screenshots):
    document = documents.perceptron()
    seen.show(document)
    seen.button("Table").click()
    table = seen.page.get_by_role("table")
    assert table.locator("thead th[scope=col]").count() == 8
    assert table.locator("tbody th[scope=row]").count() == len(document["nodes"])
    w2 = seen.node("W2")
    row = table.locator("tbody tr").nth(w2["id"])
    assert "no gradient yet" in row.inner_text() and "(8, 2)" in row.inner_text()
    seen.button("To the end").click()
    low, high = (written(w2["grad"][key], 3) for key in ("min", "max"))
    assert f"{low} … {high}" in row.inner_text()
    product = table.locator("tbody tr").nth(seen.node("p")["id"]).inner_text()
    assert "∂loss/∂W2 = hᵀ @ g" in product and f"{w2['id'] + 1}. W2" in product
    row.get_by_role("button").click()
    assert seen.page.locator(".panel h3").inner_text() == "W2"
    seen.page.screenshot(path=screenshots / "graph-viewer-table.png")


def test_keys_reach_every_box(seen):
    """One tab stop for the picture, arrow keys within it; each box says in words what it is."""
    document = documents.perceptron()
    seen.show(document)
    assert seen.page.locator(".box[tabindex='0']").count() == 1
    seen.page.locator(".box[tabindex='0']").focus()
    visited = set()
    for way in ("Up " * 12, "Right Down Left Down Down Right ", "Down Right " * 8):
        for direction in way.split():
            seen.press(f"Arrow{direction}")
            visited.update(seen.lit("selected"))
    assert len(visited) >= len(document["nodes"]) - 1
    assert seen.box(seen.node("W1")["id"]).get_attribute("aria-label").startswith("W1, parameter, (3, 8)")
    face = seen.page.evaluate_handle(f"{ROOT}.activeElement.querySelector('.face')")
    assert face.evaluate("each => getComputedStyle(each).outlineStyle") == "solid", "the focus is seen"
    seen.press("Escape")
    assert seen.lit("selected") == []


def test_everything_that_can_be_pressed_has_a_name(seen):
    seen.show(documents.compared())
    seen.box(3).click()
    nameless = seen.page.evaluate(f"""[...{ROOT}.querySelectorAll('button, input, select, [role]')]
      .filter((each) => !(each.ariaLabel || each.textContent.trim() || each.closest('label')))
      .filter((each) => !['status', 'search'].includes(each.role)).map((each) => each.outerHTML)""")
    assert nameless == []


def test_the_page_scrolls_over_the_picture_and_zooms_with_ctrl(seen):
    seen.show(documents.perceptron())
    stage = seen.page.locator(".sheet").bounding_box()
    middle = stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] / 2
    transform = f"{ROOT}.querySelector('.sheet > svg').style.transform"
    before = seen.page.evaluate(transform)
    assert seen.page.locator(".sheet").evaluate("""(sheet) => new Promise((done) => {
      const isLeft = sheet.dispatchEvent(new WheelEvent('wheel', { deltaY: 50, cancelable: true, bubbles: true }));
      requestAnimationFrame(() => done(isLeft));
    })"""), "the event is left to the page"
    assert seen.page.evaluate(transform) == before
    seen.page.mouse.move(*middle)
    seen.page.keyboard.down("Control")
    seen.page.mouse.wheel(0, -200)
    seen.page.keyboard.up("Control")
    seen.page.wait_for_function(f"{transform} !== {json.dumps(before)}")
    assert float(re.search(r"scale\((.+)\)", seen.page.evaluate(transform))[1]) > 1.2


def test_a_drag_moves_the_picture_and_chooses_nothing(seen):
    seen.show(documents.perceptron())
    id = seen.node("relu")["id"]
    x, y = seen.corner(id)
    seen.page.mouse.move(x + 10, y + 10)
    seen.page.mouse.down()
    seen.page.mouse.move(x + 60, y + 30, steps=5)
    seen.page.mouse.up()
    seen.page.wait_for_timeout(50)
    assert seen.corner(id) == pytest.approx((x + 50, y + 20), abs=1)
    assert seen.lit("selected") == []
    seen.box(id).focus()
    seen.press("Shift+ArrowLeft")
    seen.page.wait_for_timeout(50)
    assert seen.corner(id) == pytest.approx((x + 110, y + 20), abs=1)
    seen.press("0", "+")
    seen.page.wait_for_timeout(50)


@pytest.mark.parametrize(("system", "jupyter", "expected"), [
    ("dark", None, "dark"), ("light", None, "light"), ("dark", "true", "light"), ("light", "false", "dark"),
])  # fmt: skip
def test_light_and_dark_as_jupyterlab_or_else_the_system(seen, system, jupyter, expected):
    seen.page.emulate_media(color_scheme=system)
    seen.show(documents.scalars())
    if jupyter:
        seen.page.evaluate("value => document.body.dataset.jpThemeLight = value", jupyter)
    seen.page.wait_for_function(f"document.querySelector('#viewer > div').dataset.theme === '{expected}'")
    ground = seen.page.locator(".viewer").evaluate("each => getComputedStyle(each).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground))) < 200) == (expected == "dark")
    seen.page.emulate_media(media="print")
    ground = seen.page.locator(".viewer").evaluate("each => getComputedStyle(each).backgroundColor")
    seen.page.emulate_media(media="screen")
    assert sum(map(int, re.findall(r"\d+", ground))) > 700, "paper is light"


def test_texts_can_be_read_on_their_grounds():
    """Contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3) for every pair of ink and ground, light and dark."""
    text = (viewer_page.MODULES / "style.js").read_text()
    for theme in re.findall(r"const (?:LIGHT|DARK) = `(.*?)`", text, re.DOTALL):
        colours = dict(re.findall(r"--([\w-]+): (#\w+)", theme))
        kinds = [name.removesuffix("-ink") for name in colours if name.endswith("-ink")]
        pairs = [(f"{kind}-ink", f"{kind}-fill") for kind in kinds]
        pairs += [(ink, "ground") for ink in ("ink", "soft", "accent", "link", "failed-frame")]
        pairs += [("soft", f"{kind}-fill") for kind in ("op", "parameter", "output", "input", "module")]
        pairs += [("ink", "accent-soft"), ("ink", "zero"), ("on-strong", "positive"), ("on-strong", "negative")]
        for ink, ground in pairs:
            assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)


def contrast(first, second):
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * each for each in colour[1:])
    channels = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return sum(weight * each for weight, each in zip((0.2126, 0.7152, 0.0722), linear))


# ---- the kernel


def test_the_kernel_hears_what_the_learner_does_and_the_other_way_round(seen):
    """Each trait is set once: no echo goes back to the kernel, and nonsense from it is passed over."""
    document = documents.network()
    seen.show(document, {**AT_REST, "open": [0]})
    assert seen.told() == []
    seen.next()
    assert sorted(seen.told()) == [["selected", document["backward"][0]], ["step", 0]]
    seen.box("g1").click()
    assert seen.told()[-1] == ["open", [0, 1]]
    seen.page.evaluate("window.told.length = 0")
    seen.kernel("step", 2)
    assert seen.lit("now") == [f"n{document['backward'][2]}"]
    assert seen.told() == [["selected", document["backward"][2]]], "the step's node is chosen, the step not sent back"
    seen.page.evaluate("window.told.length = 0")
    seen.kernel("selected", 1)
    assert seen.page.locator(".panel h3").inner_text() == document["nodes"][1]["label"]
    assert [name for name, _ in seen.told()] in ([], ["open"])
    seen.page.evaluate("window.told.length = 0")
    seen.kernel("open", [])
    assert seen.page.locator(".box[aria-expanded=true]").count() == 0
    for name, value in (("step", "x"), ("step", 10**6), ("selected", 10**6), ("open", 3), ("open", [99])):
        seen.kernel(name, value)
    seen.kernel("selected", None)
    assert seen.lit("selected") == []


def test_the_kernel_s_traits_are_there_from_the_start(seen):
    document = documents.perceptron()
    seen.show(document, {"selected": 2, "step": 3, "open": []})
    assert seen.lit("now") == [f"n{document['backward'][3]}"] and seen.lit("selected") == ["n2"]
    assert seen.told() == []


def test_select_goto_and_destroy(seen):
    document = documents.perceptron()
    seen.show(document, {**AT_REST})
    seen.page.evaluate("window.viewer.goto(1e9)")
    assert seen.lit("now") == [f"n{document['backward'][-1]}"]
    seen.page.evaluate("window.viewer.goto(-5)")
    assert seen.lit("now") == []
    seen.page.evaluate("window.viewer.select(null)")
    seen.page.evaluate("window.viewer.destroy()")
    assert seen.page.locator(".viewer").count() == 0
    seen.kernel("step", 2)


# ---- odd graphs


def test_texts_are_never_markup(seen, screenshots):
    document = documents.hostile()
    seen.show(document)
    for node in document["nodes"]:
        seen.page.evaluate("id => window.viewer.select(id)", node["id"])
    seen.button("Table").click()
    seen.button("Code").click()
    seen.button("To the end").click()
    seen.button("Picture").click()
    seen.page.wait_for_timeout(100)
    assert seen.page.evaluate("window.hacked") is None
    assert seen.page.evaluate(f"{ROOT}.querySelectorAll('img, script').length") == 0
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing pushes the page wide"
    seen.page.screenshot(path=screenshots / "graph-viewer-hostile.png")


def test_the_empty_graph_and_a_single_node(seen):
    seen.show(documents.empty())
    assert "Nothing was recorded" in seen.page.locator(".stage").inner_text()
    seen.button("Table").click()
    seen.button("Next step").click(force=True)
    seen.show(documents.single())
    assert seen.page.locator(".box").count() == 1
    seen.next()
    assert "step 1 of 1" in seen.spoken()
    seen.box(0).focus()
    seen.press("ArrowUp", "Enter", "+", "-", "0", ".", ",", "Escape")


def test_a_narrow_column_has_the_panel_below(seen, screenshots):
    seen.page.set_viewport_size({"width": 620, "height": 1000})
    seen.show(documents.perceptron())
    seen.next(3)
    stage, panel = (seen.page.locator(each).bounding_box() for each in (".stage", ".panel"))
    assert panel["y"] >= stage["y"] + stage["height"] and panel["width"] > 550
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    seen.page.screenshot(path=screenshots / "graph-viewer-narrow.png")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_to_look_at(seen, screenshots, scheme):
    seen.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    seen.show(documents.perceptron())
    seen.next(7)
    seen.page.wait_for_timeout(50)
    seen.page.screenshot(path=screenshots / f"graph-viewer-{scheme}.png")
    assert seen.page.locator(".note").count() == 2
