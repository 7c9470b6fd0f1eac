"""Every link leads somewhere: in the pages of the repository, and in the notebooks as a learner's workspace has them.

A relative link has to name a file or folder, and what follows its # a heading there (or a cell, in a notebook). Links
to other places are https, and to hosts that someone has looked at. Paths of our own files in `code` have to exist, too.
Nothing is fetched.
"""

import json
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("assets/*.md"), *ROOT.glob("course/*.md")]
    + list(ROOT.glob("course/chapters/*.md"))
)
HOSTS = {  # reviewed: what they hold is free to read, needs no account, and is its subject's own site
    "cs.toronto.edu",
    "cupy.dev",
    "distributed.dask.org",
    "github.com",
    "jupytext.readthedocs.io",
    "keepachangelog.com",
    "semver.org",
}
OURS = r"(?:engine|autograders|course|docs|tests|examples|assets|benchmarks)/[\w./-]*"
INDEX = "index.ipynb"


def prose(text):
    """A page's text without code and comments, in which nothing is a link."""
    text = re.sub(r"^(```+|~~~+).*?^\1", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    return re.sub(r"(`+)(?:(?!\1).)+\1", "", text)


def links_in(text):
    """The targets of all links and images of a page, inline, by reference, as <https://...> and in HTML."""
    text = prose(text)
    inline = re.findall(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?([^\s)>]+)>?(?:\s+\"[^\"]*\")?\s*\)", text)
    by_reference = re.findall(r"^\[[^\]]+\]:\s+(\S+)", text, re.MULTILINE)
    bare = re.findall(r"<(https?:[^>]+)>|(?<![(<\"'\w])(https?://[^\s)>\]]+)", text)
    in_html = re.findall(r"<(?:a|img)\b[^>]*?\b(?:href|src)=[\"']([^\"']+)", text)
    return [*inline, *by_reference, *("".join(pair) for pair in bare), *in_html]


def anchors_of(text):
    """The anchors that GitHub gives to a page's headings."""
    text = re.sub(r"^(```+|~~~+).*?^\1", "", text, flags=re.DOTALL | re.MULTILINE)
    anchors = []
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", text, re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        again = sum(each == anchor or re.fullmatch(rf"{re.escape(anchor)}-\d+", each) is not None for each in anchors)
        anchors.append(f"{anchor}-{again}" if again else anchor)
    return anchors


def problem_with(target, page, files):
    """What is wrong with a link on `page`, or "". `files`: {path: its anchors}, those that can be linked to."""
    parts = urlsplit(target)
    if parts.scheme or target.startswith("//"):
        if parts.scheme != "https" or not re.fullmatch(r"(?:[a-z0-9-]+\.)+[a-z]{2,}", parts.netloc):
            return "a link to another place is https://host/..."
        return "" if parts.netloc.removeprefix("www.") in HOSTS else f"{parts.netloc} is not among the reviewed HOSTS"
    place = normal(f"{Path(page).parent.as_posix()}/{unquote(parts.path)}") if parts.path else page
    if place not in files:
        return f"there is no {place}"
    if parts.fragment and unquote(parts.fragment) not in files[place]:
        return f"{place} has no #{parts.fragment}"
    return ""


def normal(path):
    """A relative path without . and .., as text; ".." in front if it leads out."""
    parts = []
    for part in Path(path).parts:
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts) or "."


@pytest.fixture(scope="module")
def repository():
    """{path: anchors} of all that is in the repository, but for what is built there."""
    files = {".": ()}
    for top in ROOT.iterdir():
        if top.name in ("workspace", "classroom", "build") or top.name.startswith(".") and top.name != ".ci":
            continue
        for path in [top, *(top.rglob("*") if top.is_dir() else ())]:
            anchors = anchors_of(path.read_text("utf-8")) if path.suffix == ".md" else ()
            files[path.relative_to(ROOT).as_posix()] = anchors
    return files


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory):
    """{path in a workspace: the notebook} of all that a learner gets, the index with its output."""
    builder = pytest.importorskip("course.builder", reason="builds the notebooks: pip install 'chainrule[course]'")
    from course import contents, index
    from course.progress import progress_in

    built = builder.build_index(tmp_path_factory.mktemp("build")).read_bytes()
    folder = tmp_path_factory.mktemp("workspace")
    found = {INDEX: json.loads(index.with_progress(built, progress_in(folder)))}
    for chapter in contents.chapters():
        found[chapter.notebook] = json.loads(builder.render(contents.CHAPTERS / f"{chapter.name}.md"))
    return found


def text_of(notebook):
    """The Markdown of a notebook, and the HTML that it shows."""
    texts = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", ())]
    return "\n\n".join([*texts, *("".join(output["data"]["text/html"]) for output in outputs)])


def in_jupyterlab(notebook):
    """What can follow the # in a link to a notebook: a cell, or a heading, as JupyterLab writes its id."""
    headings = re.findall(r"^#{1,6} +(.+?) *$", prose(text_of(notebook)), re.MULTILINE)
    return {f"cell-id={cell['id']}" for cell in notebook["cells"]} | {each.replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_of_pages_lead_somewhere(page, repository):
    text, name = page.read_text("utf-8"), page.relative_to(ROOT).as_posix()
    if page.parent.name == "chapters":  # where it is read, only the other notebooks are beside it: see below
        text = "\n".join(link for link in links_in(text) if urlsplit(link).scheme)
    problems = {link: problem_with(link, name, repository) for link in links_in(text)}
    assert not {link: problem for link, problem in problems.items() if problem}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_that_pages_name_are_there(page, repository):
    """Such as `engine/optim/sgd.py` under "Where to read the engine's own version"."""
    text = re.sub(r"^(```+|~~~+).*?^\1", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    named = set(re.findall(rf"`({OURS})`", text))
    assert not {path for path in named if "NN-" not in path and normal(path) not in repository}


def test_links_of_notebooks_lead_somewhere(notebooks):
    """In the learner's workspace: other notebooks and places in them, nothing of the repository."""
    places = {name: in_jupyterlab(notebook) for name, notebook in notebooks.items()}
    for name, notebook in notebooks.items():
        links = [link for link in links_in(text_of(notebook)) if not link.startswith("data:image/")]
        problems = {link: problem_with(link, name, places) for link in links}
        assert not {link: problem for link, problem in problems.items() if problem}, name
    assert len(links_in(text_of(notebooks[INDEX]))) > 30, "those of the index were looked at"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[words](docs/nowhere.md)", "there is no docs/nowhere.md"),
        ("![a picture\nover two lines](assets/none.png)", "there is no assets/none.png"),
        ("[out](../elsewhere.md)", "there is no ../elsewhere.md"),
        ("[words](docs/grading.md#no-such-heading)", "docs/grading.md has no #no-such-heading"),
        ("[here](#nor-here)", "README.md has no #nor-here"),
        ('<img alt="x" src="assets/none.svg">', "there is no assets/none.svg"),
        ("[by reference][1]\n\n[1]: docs/none.md", "there is no docs/none.md"),
        ('[titled](none.md "a title")', "there is no none.md"),
        ("[plain](http://cupy.dev)", "a link to another place is https://host/..."),
        ("[typing](https://cupy,dev/x)", "a link to another place is https://host/..."),
        ("see https://example.org/page", "example.org is not among the reviewed HOSTS"),
        ("<https://example.org>", "example.org is not among the reviewed HOSTS"),
        ("[`code`](CHANGELOG.md#no)", "CHANGELOG.md has no #no"),
    ],
)
def test_a_broken_link_is_found(text, problem, repository):
    assert problem in [problem_with(link, "README.md", repository) for link in links_in(text)]


@pytest.mark.parametrize(
    "text",
    [
        "[words](docs/grading.md)",
        "[a folder](examples/)",
        "[a heading](docs/grading-many.md#slow-and-hostile-answers)",
        '[titled](CONTRIBUTING.md "a title") `[code](no.md)`',
        "```\n[code](no.md)\n```",
        "<!-- [a comment](no.md) -->",
        "[elsewhere](https://www.cupy.dev/page?x=1#y)",
    ],
)
def test_a_good_link_is_left_alone(text, repository):
    assert {problem_with(link, "README.md", repository) for link in links_in(text)} <= {""}


def test_anchors_are_github_s():
    text = "# A `b` & c\n\n```\n# not this\n```\n\n## Two words!\n\n## Two words!\n"
    assert anchors_of(text) == ["a-b--c", "two-words", "two-words-1"]
