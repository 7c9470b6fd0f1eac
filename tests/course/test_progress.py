"""Where a learner stands: read from the workspace, true whatever was done in which order, and never in the way."""

import base64
import json
import re
from xml.etree import ElementTree

import pytest

pytest.importorskip("yaml", reason="chapters' headers are YAML")

from autograders import check, marks  # noqa: E402
from autograders.spec import load  # noqa: E402
from course import progress as progresses  # noqa: E402
from course.contents import chapters  # noqa: E402
from course.progress import Progress, progress, progress_in  # noqa: E402
from course.progress_page import link_to  # noqa: E402

CHAPTERS = chapters()
NAMES = [name for chapter in CHAPTERS for name in chapter.exercises]
FIRST, SECOND = CHAPTERS[:2]
SEEN_ON = "2026-01-02"


def after(*names, **more):
    """The progress of who passed these."""
    return Progress(CHAPTERS, dict.fromkeys(names, "2026-01-01"), **more)


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A learner's workspace as the current folder, and a kernel that remembers nothing."""
    (tmp_path / ".chainrule").mkdir()
    (tmp_path / ".chainrule" / "delivered.json").write_text('{"files": {}, "offers": {}}')
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    for kind in (marks.seen, marks.passed):
        monkeypatch.setattr(kind, "_this_session", {})
    return tmp_path


# ---- the next step


def test_who_begins_begins_with_the_first_chapter():
    step = after().next
    assert (step.chapter, step.begins) == (FIRST, True)
    first, *others = [state.words for state in after().states.values()]
    assert first == "not begun, next" and set(others) == {"not begun"}
    assert after().count == (0, len(NAMES)) and not after().left_out


def test_it_goes_on_exercise_by_exercise_through_all_chapters():
    """Whoever passes what is next, again and again, passes everything, in the course's order."""
    done = []
    while (step := after(*done).next) is not None:
        assert step.begins == (step.exercise.name == step.chapter.exercises[0])
        done.append(step.exercise.name)
        assert not after(*done).left_out
    assert done == NAMES
    assert {state.words for state in after(*done).states.values()} == {"passed"}


def test_what_was_left_out_is_named_and_comes_again_at_the_end():
    """A hard exercise is no wall: the way goes on behind it."""
    skipped = FIRST.exercises[1]
    some = after(FIRST.exercises[0], FIRST.exercises[2])
    assert some.next.exercise.name == FIRST.exercises[3]
    assert [step.exercise.name for step in some.left_out] == [skipped]
    nearly = after(*(name for name in NAMES if name != skipped))
    assert nearly.next.exercise.name == skipped and not nearly.next.begins and not nearly.left_out
    assert nearly.states[1].words == f"{len(FIRST.exercises) - 1} of {len(FIRST.exercises)} passed, next"


def test_a_chapter_that_was_left_out_is_begun_at_its_start():
    jumped = after(*SECOND.exercises)
    assert jumped.next.chapter is CHAPTERS[2] and jumped.next.begins
    assert [step.exercise.name for step in jumped.left_out] == list(FIRST.exercises)
    assert [step.begins for step in jumped.left_out] == [True] + [False] * (len(FIRST.exercises) - 1)


def test_marks_of_exercises_that_the_course_no_longer_has_count_for_nothing():
    gone = after("room/gone", own={"room/gone": True})
    assert gone.count == (0, len(NAMES)) and gone.next.begins
    assert "room/gone" not in gone._repr_html_()


# ---- what is read


def test_a_check_that_passes_is_progress(workspace):
    """From the check to the page: the mark, the file in the own engine, the solution that was looked at."""
    spec = load("autograd/unbroadcast")
    assert progress().count[0] == 0
    check(spec.name, spec.misconceptions[0].answer, solution=True)
    check(spec.name, spec.honest[0])
    now = progress()
    assert list(now.passed) == list(now.seen) == [spec.name] and now.problems == ()
    assert f"✓ {spec.title}: passed on {now.passed[spec.name]}, its solution was seen on" in repr(now)
    assert now.own == {spec.name: True}
    assert "Parts that are yours, once you say torch.use(mine()): autograd.unbroadcast." in repr(now)
    with open(workspace / "my_engine" / "autograd" / "unbroadcast.py", "a") as file:
        file.write("raise SystemExit('nothing of this is run')\n")
    assert progress().own == {spec.name: False} and "in your own engine, changed by hand" in repr(progress())


def test_a_subfolder_belongs_to_its_workspace(workspace, monkeypatch):
    (workspace / ".chainrule" / "passed.json").write_text(json.dumps({NAMES[0]: "2026-01-01"}))
    (workspace / "01-tensors").mkdir()
    monkeypatch.chdir(workspace / "01-tensors")
    assert progress().count[0] == 1


def test_where_there_is_no_workspace_it_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert progress().problems == (progresses.NO_WORKSPACE,)
    assert "the folder that make lab opens" in repr(progress()) and "<code>make lab</code>" in progress()._repr_html_()


@pytest.mark.parametrize("damaged", [b"{", b"[]", b'{"a": 1}', b"\xff"])
def test_a_damaged_file_is_told_and_left_alone(workspace, damaged):
    """What else is known still shows."""
    file = workspace / ".chainrule" / "passed.json"
    file.write_bytes(damaged)
    (workspace / ".chainrule" / "seen.json").write_text(json.dumps({NAMES[0]: SEEN_ON}))
    now = progress()
    assert file.read_bytes() == damaged
    (problem,) = now.problems
    assert "`.chainrule/passed.json` cannot be read" in problem and "The file stays as it is" in problem
    assert now.count[0] == 0 and f"its solution was seen on {SEEN_ON}" in repr(now)
    assert "cannot be read" in now._repr_html_()


def test_looking_writes_nothing(workspace):
    before = {path: path.stat().st_mtime_ns for path in workspace.rglob("*")}
    repr(progress()), progress_in(workspace)._repr_html_()
    assert before == {path: path.stat().st_mtime_ns for path in workspace.rglob("*")}


# ---- what is shown


def some():
    return after(
        FIRST.exercises[0],
        *SECOND.exercises,
        seen={FIRST.exercises[0]: SEEN_ON},
        own={"autograd/matmul_vjp": True},
    )


SOME = some()


def test_the_page_holds_nothing_that_jupyterlab_would_leave_out():
    """JupyterLab cleans the output of a notebook that it does not trust: no svg, no script, no style sheet, no id."""
    html = SOME._repr_html_()
    page = ElementTree.fromstring(html.replace("&nbsp;", " ").replace("<details open ", '<details open="" ')
                                  .replace('style="max-width: 100%">', 'style="max-width: 100%"/>'))  # fmt: skip
    kinds = {element.tag for element in page.iter()}
    assert kinds <= set("div p strong a img table thead tbody tr th td h3 details summary ul li code".split())
    names = {name for element in page.iter() for name in element.keys()}
    assert names <= {"style", "href", "alt", "src", "open"}


def test_the_map_marks_what_is_passed_begun_and_next_in_forms_and_words():
    """A tick, a bar, a ring with a word on it: no colour carries it alone."""
    data = re.search(r'src="data:image/svg\+xml;base64,([^"]+)"', SOME._repr_html_())[1]
    root = ElementTree.fromstring(base64.b64decode(data))
    texts = [element.text for element in root.iter() if element.tag.endswith("}text")]
    assert f"1 of {len(FIRST.exercises)}" in texts and f"✓ {len(SECOND.exercises)} of {len(SECOND.exercises)}" in texts
    assert texts.count("next") == 1 and SOME.next.chapter is CHAPTERS[2]
    alt = re.search(r'alt="([^"]+)"', SOME._repr_html_())[1]
    for number, state in {1: "1 of 6 passed", 2: "passed", 3: "not begun, next"}.items():
        words = f"{number} {CHAPTERS[number - 1].title} ({state})"
        assert words in alt and words in root.find("{*}desc").text


def test_the_table_says_what_the_map_shows():
    rows = re.findall(r"<tr>(.*?)</tr>", SOME._repr_html_())[1:]
    cells = [re.sub(r"<[^>]+>", "", re.findall(r"<td[^>]*>(.*?)</td>", row)[-1]) for row in rows]
    states = SOME.states.values()
    assert cells == [f"✓ {state.words}" if state.words == "passed" else state.words for state in states]


def test_every_exercise_has_a_link_to_its_own_cell():
    """The cells that links name are in the notebooks that the builder makes."""
    builder = pytest.importorskip("course.builder", reason="builds the notebooks that links lead to")
    links = set(re.findall(r'href="([^"]+)"', SOME._repr_html_()))
    for chapter in CHAPTERS:
        notebook = json.loads(builder.render(builder.index.TEXT.parent / "chapters" / f"{chapter.name}.md"))
        cells = {cell["id"] for cell in notebook["cells"]}
        for name in chapter.exercises:
            link = link_to(chapter, load(name))
            assert link in links
            place, _, cell = link.partition("#cell-id=")
            assert place == f"{chapter.name}/{chapter.name}.ipynb" and cell in cells
    assert len(links) == len(NAMES) + len(CHAPTERS)


def test_the_same_progress_looks_the_same():
    """No time or number of a run is in it, so that a notebook that is up to date is left alone."""
    assert SOME._repr_html_() == some()._repr_html_() and repr(SOME) == repr(some())


def test_who_has_passed_everything_is_told():
    everything = after(*NAMES, own=dict.fromkeys(NAMES, True))
    assert repr(everything).startswith("You have passed every exercise of the course.")
    assert "Still the engine's" not in repr(everything)
    assert "<details open" not in everything._repr_html_()


