"""What chapters there are, and what each needs: read from the header of its text, which is the only place that says so.

    chainrule:
      needs: [tensors, autograd-by-hand]    # names of chapters, without their numbers; [] if only `before`
      before: Python                        # what one should know from elsewhere, if anything
      minutes: 90
      write: undo a broadcast, ...
      result: a classifier of digits
      lab: where the gradient goes          # left out where there is none

The map of the course, both tables of chapters and the index notebook are made from this.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

CHAPTERS = Path(__file__).parent / "chapters"
REQUIRED, OPTIONAL = {"needs": list, "minutes": int, "write": str, "result": str}, {"before": str, "lab": str}
CALLED = {list: "a list of chapters' names", int: "a whole number", str: "a text"}


class HeaderError(Exception):
    """A chapter's header doesn't say what the map of the course needs; the message names the file and what to add."""


@dataclass(frozen=True)
class Chapter:
    """One chapter. `needs` are chapters' numbers, `exercises` the names of its exercises in their order."""

    name: str
    title: str
    needs: tuple[int, ...]
    before: str
    minutes: int
    write: str
    result: str
    lab: str
    exercises: tuple[str, ...]

    @property
    def number(self):
        return int(self.name[:2])

    @property
    def notebook(self):
        """The learner's notebook, from the root of the workspace."""
        return f"{self.name}/{self.name}.ipynb"

    @property
    def needs_in_words(self):
        """As a table says it: "Python", "1, 2"."""
        return ", ".join([*([self.before] if self.before else []), *map(str, self.needs)])


def chapters(folder=CHAPTERS):
    """The course's chapters in order, as a tuple of Chapter. Raises HeaderError for a header that says too little."""
    files = sorted(Path(folder).glob("[0-9][0-9]-*.md"))
    numbers = {file.stem[3:]: int(file.stem[:2]) for file in files}
    return tuple(_chapter(file, numbers) for file in files)


def without_detours(chapters):
    """{number: the needed chapters' numbers} without those that another needed one needs already: what a map draws."""
    behind = {}  # {number: all that it needs, directly or not}
    for chapter in chapters:
        behind[chapter.number] = set(chapter.needs).union(*(behind[needed] for needed in chapter.needs))
    return {
        chapter.number: [
            needed for needed in chapter.needs if not any(needed in behind[other] for other in chapter.needs)
        ]
        for chapter in chapters
    }


def _chapter(file, numbers):
    text = file.read_text(encoding="utf-8")
    row = _row(file, text)
    title = re.search(r"^# (?:\d+ · )?(.+)$", text, re.MULTILINE)
    if not title:
        raise HeaderError(f"{file.name}: a chapter begins with its title, a line `# title`")
    for needed in row["needs"]:
        if numbers.get(needed, 100) >= numbers[file.stem[3:]]:
            known = ", ".join(name for name, number in numbers.items() if number < numbers[file.stem[3:]])
            raise HeaderError(f"{file.name}: it needs {needed!r}, and the chapters before it are: {known}")
    return Chapter(
        name=file.stem,
        title=title[1],
        needs=tuple(sorted(numbers[needed] for needed in row.pop("needs"))),
        before=row.pop("before", ""),
        lab=row.pop("lab", ""),
        exercises=tuple(re.findall(r"^:exercise: (\S+)$", text, re.MULTILINE)),
        **row,
    )


def _row(file, text):
    """What the header says under `chainrule`, with everything there and of its kind."""
    header = re.match(r"---\n(.*?)^---$", text, re.DOTALL | re.MULTILINE)
    try:
        row = (yaml.safe_load(header[1]) or {}).get("chainrule") if header else None
    except (yaml.YAMLError, AttributeError) as error:
        raise HeaderError(f"{file.name}: its header is no YAML: {error}") from error
    if not isinstance(row, dict):
        raise HeaderError(f"{file.name}: its header needs a part `chainrule:` with {', '.join(REQUIRED)}")
    kinds = REQUIRED | OPTIONAL
    for key in [*REQUIRED, *row]:
        if key not in kinds:
            raise HeaderError(f"{file.name}: its header says {key!r}, which is none of {', '.join(kinds)}")
        if type(row.get(key)) is not kinds[key]:
            wanted = CALLED[kinds[key]]
            raise HeaderError(f"{file.name}: `{key}` in its header should be {wanted}, got {row.get(key)!r}")
    return dict(row)
