"""The learner's folder: new chapters arrive, and what the learner changed is never touched.

A file that still has the bytes it was delivered with is replaced by its new version. One that the
learner changed stays, and the new version is put beside it with a note. What was delivered is kept in
`.chainrule/delivered.json`: for every file the digest it has (`current`) and, while a replacement is
under way, the digest it is about to get (`pending`), so that a run can stop at any moment.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from course import index
from course.files import digest, write_atomically
from course.nbgrader_config import WORKSPACE_CONFIG, ensure_exchange

RECORD = Path(".chainrule", "delivered.json")
JUPYTER_CONFIG = Path(".chainrule", "jupyter")
NOTE = "UPDATED.md"
INSTRUCTORS_PANELS = ["formgrader", "create-assignment", "course-list"]
# JupyterLab greets nobody with a pop-up that asks whether it may fetch news.
NO_NEWS = json.dumps({"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}, indent=1)
INSTRUCTORS_SERVERS = ["nbgrader.server_extensions.formgrader", "nbgrader.server_extensions.course_list"]


@dataclass(frozen=True)
class Message:
    """Something that the learner should know. `kind` is new, restored, updated, beside or problem."""

    kind: str
    text: str

    def __str__(self):
        return self.text


def update(build_root, workspace):
    """Bring the released chapters in `build_root/release`, and the index, to `workspace`; returns a list of Message.

    Nothing that the learner changed or added is written to or removed. Safe to stop and to run again
    at any moment. Raises OSError if the folder cannot be written. A JupyterLab whose environment has
    `workspace/.chainrule/jupyter` in JUPYTER_CONFIG_PATH leaves out nbgrader's panels for instructors.
    """
    workspace = Path(workspace)
    workspace.mkdir(parents=True, exist_ok=True)
    delivery = _Delivery(workspace)
    ensure_exchange()
    _bring_settings(delivery)
    for notebook in sorted(Path(build_root).glob("release/*/*.ipynb")):
        _update_chapter(delivery, notebook.stem, notebook.read_bytes())
    if (Path(build_root) / index.NAME).exists():
        _update_index(delivery, (Path(build_root) / index.NAME).read_bytes())
    return delivery.messages


def _bring_settings(delivery):
    """What nbgrader and JupyterLab read about the course; a file that the learner changed stays theirs."""
    panels = {"disabledExtensions": {f"@jupyter/nbgrader:{panel}": True for panel in INSTRUCTORS_PANELS}}
    servers = {"ServerApp": {"jpserver_extensions": dict.fromkeys(INSTRUCTORS_SERVERS, False)}}
    jupyter = JUPYTER_CONFIG.as_posix()
    delivery.bring("nbgrader_config.py", WORKSPACE_CONFIG.encode())
    delivery.bring(f"{jupyter}/labconfig/page_config.json", json.dumps(panels, indent=1).encode())
    delivery.bring(f"{jupyter}/labconfig/default_setting_overrides.json", NO_NEWS.encode())
    delivery.bring(f"{jupyter}/jupyter_server_config.json", json.dumps(servers, indent=1).encode())


def _update_index(delivery, data):
    """Bring the index notebook with the learner's progress as it is now, unless its cells are the learner's own."""
    from course.progress import progress_in  # here: it needs the engine

    path, version = delivery.workspace / index.NAME, digest(data)
    found = path.read_bytes() if path.exists() else None
    if found is None or index.is_courses(found):
        wanted = index.with_progress(data, progress_in(delivery.workspace))
        if found is None or not index.shows_the_same(found, wanted):
            write_atomically(path, wanted)
    known = delivery.offered(index.NAME)
    if found is None and known is None:
        delivery.say("new", f"{index.NAME} is new: the map of the course, and where you are in it.")
    elif found is None:
        delivery.say("restored", f"{index.NAME} was missing, so it is there again.")
    elif known != version and not index.is_courses(found):
        beginning = f"{index.NAME} has cells of your own, so it was left as it is."
        delivery.say("problem", f"{beginning} If you rename it, the next start brings the course's new one.")
    if known != version:
        delivery.offer(index.NAME, version)


def _update_chapter(delivery, name, data):
    relative = f"{name}/{name}.ipynb"
    result = delivery.bring(relative, data)
    if result == "new":
        delivery.say("new", f"{relative} is new.")
    elif result == "restored":
        delivery.say("restored", f"{relative} was missing, so it is there again, as it was at the start.")
    elif result == "updated":
        delivery.say("updated", f"{relative} was updated; you had not changed it yet.")
    beside = f"{name}/{name} (new {digest(data)[:8]}).ipynb"
    outdated = result == "changed" and delivery.current(relative) != digest(data)
    if outdated and delivery.offered(name) != digest(data):
        _offer(delivery, name, data, beside)
    wanted = outdated and (delivery.workspace / beside).exists()
    delivery.withdraw(name, except_for=[beside, f"{name}/{NOTE}"] if wanted else [])


def _offer(delivery, name, data, beside):
    """Put the new version beside the notebook that the learner changed, with a note."""
    learners = (delivery.workspace / name / f"{name}.ipynb").read_bytes()
    delivery.bring(beside, data)
    note = _note(name, Path(beside).name, _new_cells(learners, data))
    if delivery.bring(f"{name}/{NOTE}", note.encode()) == "changed":
        delivery.say("problem", f"{name}/{NOTE} is your own file, so no note about the new version was written.")
    delivery.offer(name, digest(data))
    delivery.say("beside", f"{name}: there is a new version. Yours was not touched; the new one is beside it: {beside}")


def _note(name, beside, changes):
    what = "".join(f"- {line}\n" for line in changes) or "- small changes in the notebook's settings\n"
    return f"""\
# A new version of this chapter

`{name}.ipynb` is yours: you have worked in it, so it was left as it is.
The new version is beside it: `{beside}`.

## New or changed in it

{what}
## What to do

You may simply go on in your notebook: answers are graded by the exercise they belong to, whichever version they
stand in. To move to the new version, copy your answers into it, move your old notebook out of this folder, and
rename the new one to `{name}.ipynb`, the name under which it is handed in. Then this note goes away by itself.
"""


def _new_cells(learners, data, limit=20):
    """The first lines of the cells in the new version that the learner's notebook does not have."""
    try:
        old = {cell.get("id") for cell in json.loads(learners)["cells"]}
    except (ValueError, KeyError, TypeError, AttributeError):
        return ["your notebook could not be read, so the two versions were not compared"]
    new = [cell for cell in json.loads(data)["cells"] if cell["id"] not in old]
    lines = [next((line.strip() for line in cell["source"] if line.strip()), "(an empty cell)") for cell in new]
    more = [f"and {len(lines) - limit} more cells"] if len(lines) > limit else []
    return [f"the cell that begins `{line[:70].replace('`', '')}`" for line in lines[:limit]] + more


class _Delivery:
    """Files on their way to one workspace, the record of what was delivered, and the messages about it."""

    def __init__(self, workspace):
        self.workspace = workspace
        self.messages = []
        self.files, self.offers = self._read()

    def say(self, kind, text):
        self.messages.append(Message(kind, text))

    def bring(self, relative, data):
        """Write `data` to the file unless the learner changed it: same, new, restored, updated or changed."""
        path, wanted = self.workspace / relative, digest(data)
        known = self.files.get(relative, {})
        result = "restored" if known.get("current") else "new"
        if path.exists():
            found = digest(path.read_bytes())
            if found == wanted:
                self._remember(relative, {"current": wanted})
                return "same"
            if found not in known.values():
                return "changed"
            result = "updated"
        self._remember(relative, {**known, "pending": wanted})
        write_atomically(path, data)
        self._remember(relative, {"current": wanted})
        return result

    def current(self, relative):
        """The digest of the version that the file was last delivered in, or None."""
        return self.files.get(relative, {}).get("current")

    def offered(self, name):
        """The digest of the version last put beside the chapter's notebook, or None."""
        return self.offers.get(name)

    def offer(self, name, version):
        self.offers[name] = version
        self._write()

    def withdraw(self, name, except_for):
        """Remove what was put beside a chapter's notebook and is no longer of use, unless the learner changed it."""
        for relative in [file for file in self.files if file.startswith(f"{name}/")]:
            if relative == f"{name}/{name}.ipynb" or relative in except_for:
                continue
            path = self.workspace / relative
            if path.exists() and digest(path.read_bytes()) in self.files[relative].values():
                path.unlink()
            del self.files[relative]
            self._write()

    def _remember(self, relative, digests):
        if self.files.get(relative) != digests:
            self.files[relative] = digests
            self._write()

    def _read(self):
        path = self.workspace / RECORD
        if not path.exists():
            return {}, {}
        try:
            record = json.loads(path.read_bytes())
            return {name: dict(digests) for name, digests in record["files"].items()}, dict(record["offers"])
        except (ValueError, KeyError, TypeError, AttributeError):
            self.say("problem", f"{RECORD} could not be read; every notebook here is treated as changed by you.")
            return {}, {}

    def _write(self):
        record = {"files": self.files, "offers": self.offers}
        write_atomically(self.workspace / RECORD, json.dumps(record, indent=1, sort_keys=True).encode())
