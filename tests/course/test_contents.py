"""What the chapters' headers say is all that the map, the tables and the index know: it is there, and it is true."""

import importlib.util
import re
from xml.etree import ElementTree

import pytest

pytest.importorskip("yaml", reason="chapters' headers are YAML")

from autograders import spec as specs  # noqa: E402
from course import contents, map_picture  # noqa: E402
from course.contents import HeaderError, chapters, without_detours  # noqa: E402

CHAPTERS = chapters()
ROOT = contents.CHAPTERS.parents[1]
HEADER = """\
---
chainrule:
  needs: []
  minutes: 90
  write: a loop
  result: a number
---

# 1 · One
"""


@pytest.fixture(scope="module")
def recipe():
    specification = importlib.util.spec_from_file_location("make_course_map", ROOT / "docs" / "make_course_map.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_every_chapter_is_there_in_order():
    files = sorted(path.stem for path in contents.CHAPTERS.glob("*.md"))
    assert [chapter.name for chapter in CHAPTERS] == files
    numbers = [chapter.number for chapter in CHAPTERS]
    assert numbers == sorted(set(numbers)) and numbers[0] == 1, "one each; a chapter that is still to come leaves a gap"


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_a_header_agrees_with_its_chapter(chapter, recipe):
    """Title, minutes and exercises are what the text says and the builder finds."""
    builder = pytest.importorskip("course.builder", reason="reads chapters with jupytext")
    text = (contents.CHAPTERS / f"{chapter.name}.md").read_text("utf-8")
    assert f"# {chapter.number} · {chapter.title}\n" in text
    used = {}
    builder.render(contents.CHAPTERS / f"{chapter.name}.md", used)
    assert tuple(used) == chapter.exercises and len(used) >= 1
    said = re.search(r"\*\*Time:\*\* about (\d+) minutes, (\d+) of them for (?:the )?(\w+)\s+exercises", text)
    counts = {"four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8}
    assert (int(said[1]), counts[said[3]]) == (chapter.minutes, len(chapter.exercises))
    assert int(said[2]) == recipe._minutes(chapter)
    assert chapter.minutes <= 90


def test_no_exercise_is_left_out_of_the_course():
    assert sorted(name for chapter in CHAPTERS for name in chapter.exercises) == sorted(specs.names())


def test_the_map_and_the_tables_are_current(recipe):
    """Run python docs/make_course_map.py after changing a header."""
    assert recipe.PICTURE.read_text("utf-8") == recipe.picture(), "run: python docs/make_course_map.py"
    for page, text in recipe.with_tables().items():
        assert page.read_text("utf-8") == text, f"{page.name}: run: python docs/make_course_map.py"


def test_the_map_has_a_box_for_each_chapter_and_a_line_for_each_need():
    """The drawing says what the headers say: titles once each, as many arrows as needs without detours."""
    root = ElementTree.fromstring(map_picture.svg(CHAPTERS))
    texts = [element.text for element in root.iter() if element.tag.endswith("}text")]
    assert sorted(texts) == sorted(f"{chapter.number}  {chapter.title}" for chapter in CHAPTERS)
    paths = [element for element in root.iter() if element.tag.endswith("}path")]
    assert len(paths) == 2 * sum(map(len, without_detours(CHAPTERS).values())), "a line and its head each"
    assert all(chapter.title in map_picture.describe(CHAPTERS) for chapter in CHAPTERS)


def written(folder, **texts):
    for name, text in texts.items():
        (folder / f"{name[1:].replace('_', '-')}.md").write_text(text, encoding="utf-8")
    return chapters(folder)


def test_a_new_chapter_takes_its_place_by_its_header_alone(tmp_path):
    """Needs are names, so a chapter may be moved; the map draws each need above its user."""
    two = HEADER.replace("needs: []", "needs: [one]\n  before: patience").replace("1 · One", "2 · Two")
    three = HEADER.replace("needs: []", "needs: [one, two]").replace("1 · One", "3 · Three")
    found = written(tmp_path, _01_one=HEADER, _02_two=two, _03_three=three)
    assert [(each.title, each.needs, each.needs_in_words) for each in found] == [
        ("One", (), ""), ("Two", (1,), "patience, 1"), ("Three", (1, 2), "1, 2")]
    assert without_detours(found) == {1: [], 2: [1], 3: [2]}
    root = ElementTree.fromstring(map_picture.svg(found))
    heights = [float(element.get("y")) for element in root.iter() if element.tag.endswith("}text")]
    titles = [element.text for element in root.iter() if element.tag.endswith("}text")]
    assert [title for _, title in sorted(zip(heights, titles))] == ["1  One", "2  Two", "3  Three"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (HEADER, "# 1 · One\n", "01-one.md: its header needs a part `chainrule:` with needs, minutes, write, result"),
        ("chainrule:\n", "other:\n", "needs a part `chainrule:`"),
        ("  minutes: 90\n", "", "`minutes` in its header should be a whole number, got None"),
        ("90", "long", "`minutes` in its header should be a whole number, got 'long'"),
        ("needs: []", "needs: [zero]", "it needs 'zero', and the chapters before it are: "),
        ("needs: []", "needs: [one]", "it needs 'one'"),
        ("result:", "results:", "`result` in its header should be a text, got None"),
        ("  write:", "  colour: red\n  write:", "says 'colour', which is none of needs, "),
        ("needs: []", "needs: [", "its header is no YAML"),
        ("# 1 · One", "One", "a chapter begins with its title"),
    ],
)
def test_a_header_that_says_too_little_is_refused_by_name(tmp_path, old, new, message):
    assert old in HEADER
    with pytest.raises(HeaderError, match=re.escape(message)):
        written(tmp_path, _01_one=HEADER.replace(old, new))
