"""`python -m autograders doctor`: whether answers can be graded on this machine, and if not, what is missing.

Each level of the sandbox is tried, not guessed at. Exit status 0: answers can be graded here; 1: they cannot.
"""

import importlib.metadata
import json
import os
import platform
import textwrap
from dataclasses import asdict, dataclass
from pathlib import Path

from autograders.sandbox import SandboxUnavailable, levels

PACKAGES = ("numpy", "nbgrader")
CONFIG = "nbgrader_config.py"
STEPS = {  # of our own, and the setting in which nbgrader looks for each
    "autograders.nbgrader_plugin.Rebuild": "sanitize_preprocessors",
    "autograders.nbgrader_plugin.Judge": "autograde_preprocessors",
}
WIDTH = 110


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `needed`: without it nothing can be graded here."""

    name: str
    works: bool
    text: str
    needed: bool = False


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor found; `level` is the one that answers are graded at, or None and `refusal` says why."""

    level: str | None
    refusal: str
    sandbox: tuple[Finding, ...]
    software: tuple[Finding, ...]
    classroom: tuple[Finding, ...]

    @property
    def can_grade(self) -> bool:
        """Whether answers can be graded here."""
        others = (*self.software, *self.classroom)
        return self.level is not None and all(finding.works for finding in others if finding.needed)

    def as_json(self) -> str:
        """All of it for programs."""
        return json.dumps({"can_grade": self.can_grade, **asdict(self)}, indent=2)

    def as_text(self) -> str:
        """All of it for people."""
        if self.can_grade:
            lines = [f"Answers can be graded here, at the level {self.level}."]
        else:
            lines = _wrapped("Answers cannot be graded here" + (f": {self.refusal}" if self.refusal else "."))
        for title in ("sandbox", "software", "classroom"):
            lines += ["", title.capitalize(), *_rows(getattr(self, title))]
        return "\n".join(lines)


def add_arguments(parser) -> None:
    """The command's options, for argparse."""
    parser.add_argument("--json", action="store_true", help="print it as JSON, for programs")
    parser.add_argument("--classroom", type=Path, help="nbgrader's course directory (or set CHAINRULE_CLASSROOM)")


def run(options) -> int:
    """Examine this machine and print what was found; returns the exit status."""
    diagnosis = examine(options.classroom)
    print(diagnosis.as_json() if options.json else diagnosis.as_text())
    return 0 if diagnosis.can_grade else 1


def examine(classroom: Path | None = None) -> Diagnosis:
    """Look at this machine: sandbox, software, and the settings of the classroom in the folder `classroom`."""
    level, refusal = None, ""
    try:
        level = levels.choose().NAME
    except SandboxUnavailable as error:
        refusal = str(error)
    sandbox = tuple(_level(module) for module in levels.LEVELS)
    return Diagnosis(level, refusal, sandbox, _software(), (_settings(_folder(classroom)),))


def _level(module) -> Finding:
    problem = levels.problem(module)
    return Finding(module.NAME, not problem, problem or f"not promised: {module.LACKS}")


def _software() -> tuple[Finding, ...]:
    findings = [Finding("Python", True, platform.python_version(), needed=True)]
    for name in PACKAGES:
        try:
            findings.append(Finding(name, True, importlib.metadata.version(name), needed=True))
        except importlib.metadata.PackageNotFoundError:
            findings.append(Finding(name, False, f"not installed: python -m pip install {name}", needed=True))
    return tuple(findings)


def _folder(given: Path | None) -> Path:
    folder = given or os.environ.get("CHAINRULE_CLASSROOM") or Path(__file__).resolve().parents[1] / "classroom"
    return Path(folder).expanduser().absolute()


def _settings(folder: Path) -> Finding:
    """Whether nbgrader, started in the folder, would grade with our steps rather than with its own."""
    path = folder / CONFIG
    if not path.is_file():
        return Finding(CONFIG, False, f"not found in {folder}: `make teach` makes it, or name the folder: --classroom")
    from traitlets.config.loader import PyFileConfigLoader

    try:
        steps = PyFileConfigLoader(CONFIG, path=str(folder)).load_config().Autograde
    except Exception as error:  # an instructor's own program: whatever it raises is a finding
        reason = f"{path} does not run ({type(error).__name__}: {error}): correct it"
        return Finding(CONFIG, False, reason, needed=True)
    missing = [name for name, setting in STEPS.items() if not _names(steps.get(setting), name)]
    if missing:
        reason = f"{path} grades without {' and '.join(missing)}: call course.nbgrader_config.configure in it"
        return Finding(CONFIG, False, reason, needed=True)
    return Finding(CONFIG, True, f"in {folder}, grades with the sandbox and the judge")


def _names(steps, name: str) -> bool:
    # a value that was only appended to is no list: nbgrader's own steps would still run
    return isinstance(steps, list) and name in steps


def _rows(findings: tuple[Finding, ...]) -> list[str]:
    name_width = max(len(finding.name) for finding in findings)
    lines = []
    for finding in findings:
        begin = f"  {'yes' if finding.works else 'no ':3}  {finding.name:{name_width}}  "
        lines += _wrapped(finding.text, begin)
    return lines


def _wrapped(text: str, begin: str = "") -> list[str]:
    # a path or a command that is longer than a line stays whole, to be copied
    whole = {"break_long_words": False, "break_on_hyphens": False}
    return textwrap.wrap(text, WIDTH, initial_indent=begin, subsequent_indent=" " * len(begin), **whole)
