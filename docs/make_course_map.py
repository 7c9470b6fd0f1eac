"""Writes what pages say about all chapters at once: assets/course-map.svg, the tables of README.md and course/README.md.

    python docs/make_course_map.py

Everything comes from the headers of course/chapters/*.md and from the specs of their exercises;
tests/course/test_contents.py holds it current.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from autograders import spec as specs  # noqa: E402
from course.contents import chapters  # noqa: E402
from course.map_picture import describe, svg  # noqa: E402
from engine.files import write_atomically  # noqa: E402

PICTURE = ROOT / "assets" / "course-map.svg"
README, COURSE_README = ROOT / "README.md", ROOT / "course" / "README.md"
BEGIN, END = "<!-- made by docs/make_course_map.py -->", "<!-- until here -->"


def picture():
    """The text of the SVG file."""
    return svg(chapters())


def with_tables():
    """{page: its text, with today's tables between the two marks}."""
    return {README: _filled(README, _readme_table()), COURSE_README: _filled(COURSE_README, _course_table())}


def _filled(page, made):
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    text, count = pattern.subn(lambda found: f"{BEGIN}\n\n{made}\n\n{END}", page.read_text("utf-8"))
    if count != 1:
        raise ValueError(f"{page}: expected one place between {BEGIN!r} and {END!r}, found {count}")
    return text


def _readme_table():
    rows = [(f"{chapter.number} · {chapter.title}", chapter.write, chapter.result) for chapter in chapters()]
    return _table(("chapter", "you write", "and have in the end"), rows)


def _course_table():
    heads = ("chapter", "needs", "minutes, of them for exercises", "exercises in `autograders/specs/`", "lab")
    rows = [
        (
            f"[`{chapter.name}`](chapters/{chapter.name}.md)",
            chapter.needs_in_words,
            f"{chapter.minutes}, {_minutes(chapter)}",
            ", ".join(f"`{room}/`" for room in dict.fromkeys(name.partition("/")[0] for name in chapter.exercises)),
            chapter.lab or "none yet",
        )
        for chapter in chapters()
    ]
    return f"{_table(heads, rows)}\n\n![{describe(chapters())}](../assets/{PICTURE.name})"


def _minutes(chapter):
    """What the exercises say they take, all together, to five minutes."""
    return 5 * round(sum(specs.load(name).minutes for name in chapter.exercises) / 5)


def _table(heads, rows):
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines).replace("| --- |", "|---|").replace(" --- |", "---|")


def main():
    write_atomically(PICTURE, picture().encode("utf-8"))
    for page, text in with_tables().items():
        write_atomically(page, text.encode("utf-8"))


if __name__ == "__main__":
    main()
