"""One drawing as SVG, PDF and PNG; the notebook's output, the .html file and the widget, where no browser is needed."""

import base64
import gzip
import html.parser
import io
import json
import re
import shutil
import subprocess
import sys
import tomllib
import zlib
from pathlib import Path
from xml.etree import ElementTree

import documents
import numpy as np
import pytest

from engine.viz import pdf, pdf_fonts, png, script, svg
from engine.viz.export import WRITERS, save
from engine.viz.lighten import as_json, lightened, weight
from engine.viz.page import bundle, drawing_of, fragment, page
from engine.viz.shapes import Drawing, Part, Text
from engine.viz.words import text

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"
EVIL = "</script><!--<script>&\"'\x00\ud800\u2028"


def document():
    """A graph with a group, a note and labels that look like markup."""
    product = {"label": "@", "group": 0, "name": EVIL}
    nodes = [{"kind": "parameter", "label": "W"}, product, {"kind": "output", "label": "loss"}]
    made = documents.document(nodes, [(0, 1), (1, 2)], [{"id": 0, "label": "fc"}], [0])
    made["notes"] = ["Gradients are unknown: ∂loss/∂W = gᵀ @ x² ≥ 0"]
    return made


@pytest.fixture(scope="module")
def drawing():
    return drawing_of(document())


# ---- SVG


def test_the_svg_is_well_formed_whatever_the_labels_and_has_presentation_attributes_only(drawing):
    root = ElementTree.fromstring(svg.write(drawing))
    assert root.tag == f"{SVG}svg" and root.get("role") == "img"
    assert root.find(f"{SVG}title").text == drawing.title
    assert "W: parameter" in root.find(f"{SVG}desc").text
    elements = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert elements <= {"svg", "title", "desc", "g", "rect", "path", "text"}
    attributes = {name for element in root.iter() for name in element.attrib}
    assert not attributes & {"id", "class", "style", "href"} and not any(name.startswith("on") for name in attributes)
    assert svg.write(drawing) == svg.write(drawing_of(document()))


def test_the_svg_writes_every_text(drawing):
    written = [element.text for element in ElementTree.fromstring(svg.write(drawing)).iter(f"{SVG}text")]
    assert {"W", "fc", "@", "loss"} <= set(written)
    assert len(written) == sum(isinstance(shape, Text) for shape in drawing.shapes())


# ---- PDF


def test_the_pdf_s_table_says_where_its_objects_start(drawing):
    content = pdf.write(drawing)
    start = int(re.search(rb"startxref\n(\d+)\n%%EOF\n$", content)[1])
    assert content[start:].startswith(b"xref\n0 ")
    table = re.findall(rb"(\d{10}) (\d{5}) ([nf]) \n", content[start:])
    for number, (offset, _, kind) in enumerate(table):
        assert kind == b"f" or content[int(offset) :].startswith(b"%d 0 obj\n" % number)
    assert len(table) == int(re.search(rb"/Size (\d+)", content)[1]) == content.count(b" obj\n") + 1
    assert content == pdf.write(drawing_of(document()))


def operators(content):
    """What the PDF draws, decompressed."""
    found = re.search(rb"/Length (\d+) /Filter /FlateDecode >>\nstream\n", content)
    stream = content[found.end() : found.end() + int(found[1])]
    assert content[found.end() + int(found[1]) :].startswith(b"\nendstream")
    return zlib.decompress(stream).decode("ascii")


def pdf_of(written, bold=False, anchor="start", size=10):
    shape = Text(50, 20, written, size, "#000000", bold, anchor)
    return operators(pdf.write(Drawing(100, 50, "", "", (Part("", (shape,)),))))


def test_the_pdf_finds_letters_in_helvetica_in_symbol_and_raised_and_boxes_the_rest():
    runs = [(run.font, run.code, run.scale) for run in pdf_fonts.runs("∂L = gᵀ·é数")]
    assert runs == [
        ("Symbol", b"\xb6", 1.0),
        ("Helvetica", b"L = g", 1.0),
        ("Helvetica", b"T", 0.7),
        ("Helvetica", "·é".encode("cp1252"), 1.0),
        ("ZapfDingbats", b"n", 1.0),
    ]
    drawn = pdf_of("数")
    assert "1 Tr" in drawn and "1 Tr" not in pdf_of("a"), "a box is an outline"


def test_the_pdf_s_texts_start_where_their_anchor_says():
    width = 10 * (0.667 + 0.556)  # "Ab" in Helvetica
    for anchor, x in (("start", 50), ("middle", 50 - width / 2), ("end", 50 - width)):
        assert float(re.search(r"1 0 0 -1 (\S+) 20 Tm", pdf_of("Ab", anchor=anchor))[1]) == pytest.approx(x, abs=1e-3)


def adobe_s_metrics(font):
    """({glyph's name: width}, {code: width}) from the files that matplotlib brings."""
    matplotlib = pytest.importorskip("matplotlib", reason="it brings the metrics of the standard fonts")
    content = (Path(matplotlib.get_data_path()) / "fonts" / "pdfcorefonts" / f"{font}.afm").read_text("latin-1")
    found = re.findall(r"^C (-?\d+) ; WX (\d+) ; N (\w+) ;", content, re.MULTILINE)
    return {name: int(width) for _, width, name in found}, {int(code): int(width) for code, width, _ in found}


def test_the_pdf_raises_and_lowers_small_letters():
    size, height = re.search(r"/F1 (\S+) Tf 0 Tr 1 0 0 -1 \S+ (\S+) Tm <54>", pdf_of("ᵀ")).groups()  # y goes downwards
    assert float(size) == 7 and float(height) < 20
    assert float(re.search(r"/F1 7 Tf 0 Tr 1 0 0 -1 \S+ (\S+) Tm <31>", pdf_of("₁"))[1]) > 20


@pytest.mark.parametrize("font", [pdf_fonts.REGULAR, pdf_fonts.BOLD])
def test_the_pdf_s_widths_are_those_of_adobe_s_metrics(font):
    agl = pytest.importorskip("fontTools.agl", reason="knows Adobe's names of letters")
    widths, _ = adobe_s_metrics(font)
    for letter in map(chr, [*range(32, 127), *map(ord, "é×÷…—±ÜñçøÅ·°«»’”•íïµßþ€¦¶")]):
        (run,) = pdf_fonts.runs(letter, bold=font == pdf_fonts.BOLD)
        name = {"·": "periodcentered", "µ": "mu"}.get(letter) or agl.UV2AGL[ord(letter)]
        assert run.font == font and run.width * 1000 == pytest.approx(widths[name]), letter


def test_the_pdf_s_symbols_are_those_of_adobe_s_metrics():
    agl = pytest.importorskip("fontTools.agl", reason="knows Adobe's names of letters")
    widths, of_code = adobe_s_metrics("Symbol")
    for letter in "αβγδεπστφωςΓΔΣΩΠ−≤≥≠∂√∞→←∇∏∑∈⊕≈":
        (run,) = pdf_fonts.runs(letter)
        name = {"Δ": "Delta", "Ω": "Omega"}.get(letter) or agl.UV2AGL[ord(letter)]
        assert run.font == "Symbol" and run.width * 1000 == pytest.approx(widths[name]) == of_code[run.code[0]], letter


def rendered(content, tmp_path):
    """The PDF as an array of grey values, a pixel each."""
    if shutil.which("pdftoppm") is None:
        pytest.skip("pdftoppm draws the PDF: apt-get install poppler-utils")
    matplotlib = pytest.importorskip("matplotlib.image", reason="reads the picture that pdftoppm draws")
    (tmp_path / "graph.pdf").write_bytes(content)
    command = ["pdftoppm", "-r", "96", "-png", "-singlefile", "graph.pdf", "graph"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return grey(matplotlib.imread(tmp_path / "graph.png"))


def grey(image):
    """On white; height x width."""
    alpha = image[..., 3:] if image.shape[-1] == 4 else 1
    return (image[..., :3] * alpha + 1 - alpha).mean(-1)


def blurred(image, size=6):
    height, width = (side // size * size for side in image.shape)
    return image[:height, :width].reshape(height // size, size, width // size, size).mean((1, 3))


@pytest.mark.parametrize("make", [document, lambda: documents.transformer().document(opened=[])])
def test_the_pdf_and_the_png_show_the_same_picture(make, tmp_path):
    """Letters differ, for the fonts do; blurred a little, hardly anything else does."""
    image = pytest.importorskip("matplotlib.image")
    drawing = drawing_of(make())
    of_pdf = blurred(rendered(pdf.write(drawing), tmp_path))
    of_png = blurred(grey(image.imread(io.BytesIO(png.paint(drawing, scale=1)))))
    height, width = (min(sides) for sides in zip(of_pdf.shape, of_png.shape))
    assert abs(of_pdf.shape[0] - of_png.shape[0]) <= 1 and abs(of_pdf.shape[1] - of_png.shape[1]) <= 1
    difference = np.abs(of_pdf[:height, :width] - of_png[:height, :width])
    assert difference.mean() < 0.01 and (difference > 0.25).mean() < 0.01
    assert of_pdf.std() > 0.02, "both are more than an empty sheet"


# ---- PNG


def test_the_png_has_a_size_in_dots_by_its_scale(drawing):
    pytest.importorskip("matplotlib")
    for scale in (1, 2.5):
        content = png.paint(drawing, scale=scale)
        assert content[:8] == b"\x89PNG\r\n\x1a\n"
        size = int.from_bytes(content[16:20]), int.from_bytes(content[20:24])
        assert size == pytest.approx((drawing.width * scale, drawing.height * scale), abs=1.5)
    assert content == png.paint(drawing, scale=2.5)


def test_a_dollar_sign_in_a_label_is_no_formula():
    """matplotlib would read one, and refuse this."""
    pytest.importorskip("matplotlib")
    assert png.paint(drawing_of(documents.document([r"$\nope{$"], [])))


@pytest.mark.parametrize("scale", [0, -1, "2", None, True, float("inf"), float("nan")])
def test_the_png_refuses_a_scale_that_is_no_positive_number(drawing, scale):
    with pytest.raises(ValueError, match=r"scale\): expected a positive number, got"):
        png.paint(drawing, scale)


def test_pictures_of_any_size_are_written_or_refused_in_words(tmp_path):
    """A PDF's page has at most 14,400 points a side, a PNG's side at most 65,535 dots."""
    long = Drawing(100, 80_000, "", "", (Part("", (Text(50, 79_990, "end", 10, "#000000"),)),))
    width, height = re.search(rb"/MediaBox \[0 0 (\S+) (\S+)\]", pdf.write(long)).groups()
    assert float(height) == 14_400 and float(width) == 18
    with pytest.raises(ValueError, match=r"got 2, expected at most 0\.819, because the picture is 80,000 pixels long"):
        png.paint(long)


def test_without_matplotlib_the_png_says_what_to_do(drawing, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ModuleNotFoundError, match="pip install matplotlib"):
        png.paint(drawing)


# ---- the script


def modules(folder, **texts):
    for name, written in texts.items():
        (folder / f"{name}.js").write_text(written)
    return folder


def test_the_script_joins_modules_in_the_order_they_need_each_other(tmp_path):
    modules(
        tmp_path,
        top='// Top.\n\nimport { a } from "./left.js";\nimport { b, c } from "./right.js";\n\n'
        "export function start() {\n  return a + b;\n}\n",
        left='import { b } from "./right.js";\n\nexport const a = b + 1;\n',
        right="export const b = 1;\nexport async function c() {}\nconst exported = 'export const x';\n",
    )
    joined = script.joined(tmp_path, "top.js")
    code = [line for line in joined.splitlines() if line and not line.startswith("//")]
    assert code == [
        "const b = 1;", "async function c() {}", "const exported = 'export const x';", "const a = b + 1;",
        "function start() {", "  return a + b;", "}"]  # fmt: skip


IMPORT = 'import { a } from "./other.js";'


@pytest.mark.parametrize(
    ("texts", "complaint"),
    [
        ({"top": f"{IMPORT}\nlet b = 1;", "other": "let b;\nexport const a = 1;"}, "other.js and top.js both have b"),
        ({"top": IMPORT, "other": 'import { b } from "./top.js";\nexport const a = 1;'}, "must not form a circle"),
        ({"top": 'import {\n  a,\n} from "./other.js";'}, "top.js: cannot join 'import {'"),
        ({"top": 'import { a as b } from "./other.js";', "other": "export const a = 1;"}, "cannot join"),
        ({"top": 'import { a } from "https://example.org/a.js";'}, "cannot join"),
        ({"top": "export default 3;"}, "cannot join 'export default 3;'"),
        ({"top": "const a = 1;\nexport { a };"}, "cannot join"),
    ],
)  # fmt: skip
def test_the_script_refuses_what_cannot_be_joined(tmp_path, texts, complaint):
    with pytest.raises(ValueError, match=re.escape(complaint)):
        script.joined(modules(tmp_path, **texts), "top.js")


def test_our_own_modules_make_a_valid_script(tmp_path):
    joined = script.script()
    for name in ("start", "replacePictures", "render"):
        assert re.search(rf"^(async )?function {name}\(", joined, re.MULTILINE)
    assert not re.search(r"https?://(?!www\.w3\.org/)", joined), "nothing is loaded from anywhere"
    if shutil.which("node") is None:
        pytest.skip("node reads the script: apt-get install nodejs")
    (tmp_path / "script.mjs").write_text(joined, encoding="utf-8")
    checked = subprocess.run(["node", "--check", "script.mjs"], cwd=tmp_path, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


def test_an_installed_engine_has_the_scripts():
    """pyproject.toml's package data names every file in js/, so that a wheel holds them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["engine"]
    packed = {path for pattern in patterns for path in (ROOT / "engine").glob(pattern)}
    assert packed == {path for path in script.FOLDER.iterdir() if path.suffix == ".js"} != set()


# ---- the notebook's output and the page


class Reader(html.parser.HTMLParser):
    """What an HTML parser makes of a text: its elements, and what stands in scripts."""

    def __init__(self, content):
        super().__init__()
        self.elements, self.scripts = [], []
        self.feed(content)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        if self.elements and self.elements[-1][0] == "script" and data.strip():
            self.scripts.append(data)


def given_to_the_script(content):
    """(key, what the script shows) of a fragment."""
    found = re.search(r'\nreplacePictures\("(\w+)", (.*)\);\n</script>', content)
    return found[1], json.loads(found[2])


def test_the_output_has_the_picture_and_the_document_whatever_the_labels():
    made = document()
    content = fragment(made, "<svg/>")
    reader = Reader(content)
    (div, marked), (image, attributes), (tag, kind) = reader.elements
    assert (div, image, tag, kind) == ("div", "img", "script", {"type": "module"})
    assert base64.b64decode(attributes["src"].removeprefix("data:image/svg+xml;base64,")) == b"<svg/>"
    first = "1. W: parameter, (32, 10), torch.float32"
    assert attributes["alt"].splitlines()[:3] == [made["title"], *made["notes"], first]
    key, shown = given_to_the_script(content)
    assert shown == made and marked == {"data-chainrule": key}
    assert content.count("</script") == content.count("<script") == 1 and "<!--" not in content
    content.replace("\ud800", "").encode("utf-8")
    assert "\ud800" not in content


def test_the_output_is_the_same_each_time_and_keyed_by_its_content():
    first, again = fragment(document(), "<svg/>"), fragment(document(), "<svg/>")
    assert first == again
    other = document()
    other["nodes"][0]["label"] = "V"
    assert given_to_the_script(fragment(other, "<svg/>"))[0] != given_to_the_script(first)[0]


def test_a_large_document_is_packed(monkeypatch):
    monkeypatch.setattr("engine.viz.page.LIMIT", 100)
    _, packed = given_to_the_script(fragment(document(), "<svg/>"))
    assert json.loads(gzip.decompress(base64.b64decode(packed))) == document()


def test_the_bundle_has_html_svg_pdf_and_text():
    shown = bundle(document())
    assert list(shown) == ["text/html", "image/svg+xml", "application/pdf", "text/plain"]
    drawing = drawing_of(document())
    assert shown["image/svg+xml"] == svg.write(drawing) and shown["text/plain"] == text(document())
    assert base64.b64decode(shown["application/pdf"]) == pdf.write(drawing)
    assert shown["text/html"] == fragment(document(), svg.write(drawing))
    assert bundle(document()) == shown


def test_the_page_stands_alone():
    content = page(document() | {"title": "<b>loss</b>"})
    assert content.startswith("<!doctype html>") and "<title>&lt;b&gt;loss&lt;/b&gt;</title>" in content
    for tag, attributes in Reader(content).elements:
        assert "href" not in attributes and attributes.get("src", "data:").startswith("data:"), (tag, attributes)


def tensor(size=256):
    histogram = {"from": 0.0, "to": 1.0, "counts": [100] * 24}
    rows = [[0.123456] * 16] * (size // 16) if size >= 16 else [[0.5] * size]
    statistics = dict.fromkeys(("min", "max", "mean", "std", "norm"), 0.5)
    shown = {"histogram": histogram, "slice": {"of": "", "rows": rows}}
    return {"shape": [size], "dtype": "torch.float32", **statistics, **shown}


def test_a_heavy_document_loses_the_least_needed_first_and_says_so():
    heavy = documents.chain(20)
    for part in [*heavy["nodes"], *heavy["edges"]]:
        part["grad"] = tensor()
    heavy["nodes"][3]["value"] = tensor(size=1)
    heavy["nodes"][4]["match"] = {"status": "same", "value": tensor(), "grad": None}
    whole = weight(heavy)
    assert whole == pytest.approx(len(as_json(heavy)), rel=0.25)
    assert lightened(heavy, whole) is heavy

    lighter = lightened(heavy, whole - 1)
    assert len(as_json(lighter)) < len(as_json(heavy))
    assert all(edge["grad"]["slice"] is None and edge["grad"]["histogram"] for edge in lighter["edges"])
    assert lighter["nodes"] == heavy["nodes"]
    assert "leaves out the slices of the tensors at edges;" in lighter["notes"][-1]

    lightest = lightened(heavy, 0)
    for gradient in [node["grad"] for node in lightest["nodes"]]:
        assert gradient["slice"] is gradient["histogram"] is None and gradient["mean"] == 0.5
    assert lightest["nodes"][4]["match"]["value"]["slice"] is None and lightest["nodes"][4]["match"]["status"] == "same"
    assert lightest["nodes"][3]["value"]["slice"] == heavy["nodes"][3]["value"]["slice"], "a single number stays"
    assert heavy["edges"][0]["grad"] == tensor(), "the document itself is as it was"


# ---- files


@pytest.mark.parametrize("ending", WRITERS)
def test_a_graph_is_saved_in_each_format_whole_or_not_at_all(ending, tmp_path, monkeypatch):
    if ending == ".png":
        pytest.importorskip("matplotlib")
    path = tmp_path / f"loss{ending.upper()}"
    save(document() | {"title": "loss"}, path)
    starts = {".svg": b"<svg ", ".pdf": b"%PDF-1.4", ".png": b"\x89PNG", ".html": b"<!doctype html>", ".json": b"{"}
    assert path.read_bytes().startswith(starts[ending])

    def full_disk(source, destination):
        raise OSError("No space left on device")

    path.write_text("the old picture")
    monkeypatch.setattr("os.replace", full_disk)
    with pytest.raises(OSError, match="No space"):
        save(document(), path)
    assert path.read_text() == "the old picture" and [each.name for each in tmp_path.iterdir()] == [path.name]


def test_the_json_is_the_document(tmp_path):
    save(documents.mlp().document(), tmp_path / "mlp.json")
    assert json.loads((tmp_path / "mlp.json").read_text("utf-8")) == documents.mlp().document()


def test_save_refuses_other_formats_and_missing_folders(tmp_path):
    with pytest.raises(ValueError, match=r"loss\.gif.*\.svg, \.pdf, \.png, \.html, \.json"):
        save(document(), tmp_path / "loss.gif")
    with pytest.raises(FileNotFoundError, match="missing"):
        save(document(), tmp_path / "missing" / "loss.svg")


# ---- the widget


class Graph:
    """What widget() needs of a graph."""

    def document(self):
        return document()

    def tensor(self, node, which, index):
        if node > 2:
            raise ValueError(f"tensor(node): there is no node {node}")
        return {"of": [node, which, list(index)]}


@pytest.fixture
def widget():
    pytest.importorskip("anywidget", reason="the widget is made with anywidget: pip install 'chainrule[course]'")
    from engine.viz.widget import widget

    return widget(Graph())


def test_the_widget_shares_what_is_looked_at(widget):
    assert widget.document == document() and (widget.selected, widget.step, widget.opened) == (None, -1, [0])
    widget.selected, widget.step, widget.opened = 2, 1, []
    synced = widget.get_state()
    assert (synced["selected"], synced["step"], synced["opened"], synced["document"]) == (2, 1, [], document())
    assert synced["_esm"].startswith(script.script()) and synced["_esm"].endswith("export default { render };\n")


@pytest.mark.parametrize(
    ("trait", "value"), [("selected", 3), ("selected", -1), ("selected", "W"), ("step", -2), ("opened", [0, 7])]
)
def test_the_widget_refuses_what_is_not_in_the_graph(widget, trait, value):
    import traitlets

    before = getattr(widget, trait)
    with pytest.raises(traitlets.TraitError, match=trait):
        setattr(widget, trait, value)
    assert getattr(widget, trait) == before


def test_the_widget_answers_from_the_graph(widget, monkeypatch):
    sent = []
    monkeypatch.setattr(type(widget), "send", lambda self, content, buffers=None: sent.append(content))
    for ask in ({"node": 1, "which": "grad", "index": [0, 2]}, {"node": 5, "which": "value", "index": []}):
        widget._handle_custom_msg({"ask": ask, "id": "7"}, [])
    found = {"answer": {"of": [1, "grad", [0, 2]]}, "id": "7"}
    assert sent == [found, {"error": "tensor(node): there is no node 5", "id": "7"}]


@pytest.mark.parametrize(
    "ask",
    [
        None,
        {},
        {"node": 1, "which": "grad"},
        {"node": 1, "which": "__class__", "index": []},
        {"node": "1", "which": "grad", "index": []},
        {"node": True, "which": "grad", "index": []},
        {"node": 1, "which": "grad", "index": 3},
        {"node": 1, "which": "grad", "index": ["0"]},
    ],
)
def test_the_widget_takes_no_other_questions(ask):
    from engine.viz.widget import answer

    reply = answer(Graph(), {"ask": ask, "id": 1})
    assert reply["error"].startswith("ask: got") and reply["id"] == 1


def test_where_there_are_no_widgets_its_output_is_the_graph_s_own(widget):
    data, _ = widget._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["text/html"] == bundle(document())["text/html"] and data["image/svg+xml"].startswith("<svg")


def test_without_anywidget_it_says_what_to_do(monkeypatch):
    from engine.viz import widget

    monkeypatch.setitem(sys.modules, "anywidget", None)
    widget._widget_type.cache_clear()
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'chainrule\[course\]'"):
        widget.widget(Graph())
