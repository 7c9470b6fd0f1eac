"""Keeps the project's environment, .venv, as pyproject.toml wants it.

A finished installation leaves a stamp. Without it (a run that was interrupted), or when it belongs to something else
(pyproject.toml changed, the folder moved, Python was replaced), pip runs again. Only the standard library is used here.
"""

import contextlib
import errno
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from course.bootstrap import OLDEST, version_of
from course.pip_output import Progress, explain

# With all extras of a learner and a tester .venv has 0.9 GB (measured), and pip's downloads need room while it works.
GIGABYTES_FOR_NEW, GIGABYTES_TO_ADD = 1.5, 0.5


class Problem(Exception):
    """Something that the person at the keyboard can put right; the message is a line that says what and how."""


def install(root, extras):
    """Make sure that `root/.venv` has the project with these extras; returns the path of its Python.

    It returns at once if the stamp says so. What was installed before stays installed. Raises Problem.
    """
    environment = Environment(Path(root))
    if environment.missing(extras):
        with _problems_in_words(), _only_one(environment.lock):
            wanted = environment.missing(extras)  # again: another run may have installed it while this one waited
            if wanted:
                environment.install(wanted)
    return str(environment.python)


class Environment:
    """The environment `.venv` of the project in the folder `root`."""

    def __init__(self, root):
        self.root, self.folder = root, root / ".venv"
        self.python = self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        self.log = self.folder / "install.log"
        self.stamp = self.folder / "chainrule.json"
        self.lock = root / "build" / "install.lock"

    def missing(self, extras):
        """All the extras to install, sorted; none if the stamp says that everything is there."""
        stamp = self.read_stamp()
        if stamp["key"] == self.key() and set(extras) <= set(stamp["extras"]):
            return []
        return sorted({*extras, *stamp["extras"]})

    def key(self):
        """What an installation belongs to: the project's dependencies, the folder, the Python."""
        dependencies = hashlib.sha256((self.root / "pyproject.toml").read_bytes()).hexdigest()
        return [dependencies, str(self.folder), "%d.%d" % version_of(str(self.python))]

    def read_stamp(self):
        try:
            stamp = json.loads(self.stamp.read_bytes())
            return {"key": list(stamp["key"]), "extras": list(stamp["extras"])}
        except (OSError, ValueError, KeyError, TypeError):
            return {"key": [], "extras": []}

    def write_stamp(self, extras):
        part = self.stamp.with_suffix(".part")
        part.write_text(json.dumps({"key": self.key(), "extras": extras}))
        part.replace(self.stamp)

    def usable(self):
        """Whether packages can be added to what is there; else it has to be made anew."""
        moved = self.stamp.exists() and str(self.folder) not in self.read_stamp()["key"]
        return not moved and version_of(str(self.python)) >= OLDEST and self.has_pip()

    def has_pip(self):
        """False too if Python was replaced by a newer one, which does not look where the old one's packages are."""
        return subprocess.run([self.python, "-c", "import pip"], stderr=subprocess.DEVNULL).returncode == 0

    def install(self, extras):
        begun, usable = time.monotonic(), self.usable()
        _require_space(self.root, GIGABYTES_TO_ADD if usable else GIGABYTES_FOR_NEW)
        if not usable:
            self.clear()
        self.stamp.unlink(missing_ok=True)
        self.log.write_bytes(b"")
        if not usable:
            print("Making the environment .venv with Python %d.%d ..." % sys.version_info[:2], flush=True)
            _require_venv()
            self.step([sys._base_executable, "-m", "venv", str(self.folder)], Progress(self.folder, "preparing pip"))
        print("Installing the course's packages there. The first time takes a few minutes.", flush=True)
        pip = [str(self.python), "-m", "pip", "install", "--no-input", "--progress-bar", "off"]
        self.step([*pip, "--editable", f".[{','.join(extras)}]"], Progress(self.folder, "preparing"))
        self.write_stamp(extras)
        print(f"Installed in {time.monotonic() - begun:.0f} s.", flush=True)

    def clear(self):
        """Make the folder empty, if what is there was made here (then it has our log)."""
        if self.folder.is_dir() and any(self.folder.iterdir()):
            if not self.log.exists():
                raise Problem(f"{self.folder} was not made by this program. Move it away, then run this again.")
            shutil.rmtree(self.folder)
        self.folder.mkdir(exist_ok=True)

    def step(self, command, progress):
        """Run `command` with its output in the log, showing `progress` what is new there. Raises Problem."""
        # `user = true` in someone's own settings of pip cannot work in an environment; all the others are respected.
        variables = os.environ | {"PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONUNBUFFERED": "1"}
        with open(self.log, "a") as log, open(self.log, errors="replace") as written:
            written.seek(0, os.SEEK_END)
            process = subprocess.Popen(
                command, cwd=self.root, env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
            try:
                while process.poll() is None:
                    progress(written.read())
                    time.sleep(0.2)
                progress(written.read())
            finally:
                process.terminate()
                process.wait()
                progress.end()
        if process.returncode != 0:
            why = explain(self.log.read_text(errors="replace"), shutil.disk_usage(self.folder).free)
            raise Problem(f"Installing failed: {why} All that was printed is in {self.log}.")


def _require_space(folder, gigabytes):
    free = shutil.disk_usage(folder).free / 1e9
    if free < gigabytes:
        raise Problem(
            f"The disk is too full: the course's packages need about {gigabytes} GB, and there are {free:.1f} GB free "
            f"where {folder} is. Make room, then run this again."
        )


def _require_venv():
    """Debian and Ubuntu leave these two modules out of their python3."""
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            raise Problem(
                f"This Python ({sys.executable}) lacks the module {module}, which makes environments. On Debian or "
                "Ubuntu: apt install python3-venv, then run this again."
            )


@contextlib.contextmanager
def _problems_in_words():
    """Turn an error of the file system into a Problem."""
    try:
        yield
    except OSError as error:
        hints = {
            errno.ENOSPC: "The disk is full. Make room, then run this again.",
            errno.EACCES: "You may not write there. Copy the project to a folder of your own, then run this again.",
            errno.EROFS: "It cannot be written to. Copy the project to a folder of your own, then run this again.",
        }
        hint = hints.get(errno.EACCES if error.errno == errno.EPERM else error.errno, "")
        raise Problem(f"Installing failed at {error.filename}: {error.strerror}. {hint}".rstrip()) from error


@contextlib.contextmanager
def _only_one(path):
    """Hold the lock file `path`, waiting for another run that has it. The system frees it when a process ends."""
    path.parent.mkdir(exist_ok=True)
    with open(path, "w") as file:
        if not _locked(file):
            print("Another run is installing into .venv; waiting for it.", flush=True)
            while not _locked(file):
                time.sleep(0.5)
        yield


def _locked(file):
    """Try to lock the open file; whether it worked."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EAGAIN):
            raise
        return False
    return True
