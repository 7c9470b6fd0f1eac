"""What a classroom keeps of its gradings: the secret key of its seeds, and the ledger, one line for each graded answer.

The ledger only ever grows. All lines of one submission are added with one write, and a line that a crash cut short is
passed over by readers, so that what it was about counts as not recorded.
"""

import datetime
import json
import os
import secrets

from autograders.grading import GradingStopped

LEDGER = "ledger.jsonl"
SECRET = ".secret"
RECORDED = ("autograders", "engine", "seed", "sandbox", "limits", "stages", "failed_at", "misconception")


def secret_key(path):
    """The classroom's secret key, 32 bytes that only its owner can read; made on first use."""
    if not path.exists():
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
        try:
            _write_once(temporary, secrets.token_bytes(32))
            os.link(temporary, path)
        except FileExistsError:
            pass  # another process was first: its key counts
        finally:
            temporary.unlink(missing_ok=True)
    key = path.read_bytes()
    if len(key) != 32:
        raise GradingStopped(f"{path} should hold the classroom's key of 32 bytes, it has {len(key)}")
    return key


def _write_once(path, data):
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def record(names, submission, verdict, points):
    """The ledger's line on one graded answer, as a dict. `names` are nbgrader's: assignment, notebook, student."""
    return {
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "assignment": names["assignment"],
        "notebook": names["notebook"],
        "student": names["student"],
        "exercise": verdict["exercise"],
        "submission": submission,
        **{name: verdict[name] for name in RECORDED},
        "points": points,
    }


def append(path, records):
    """Add a line for each record to the ledger, all with one write, so that lines of two graders never mix."""
    if not records:
        return
    lines = "".join(json.dumps(record) + "\n" for record in records).encode()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        end = os.lseek(descriptor, 0, os.SEEK_END)
        if end and os.pread(descriptor, 1, end - 1) != b"\n":
            lines = b"\n" + lines  # what a crash left of a line stays a line by itself
        if os.write(descriptor, lines) != len(lines):
            raise OSError(f"{path}: the disk took only a part of what was to be written")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path):
    """All whole records of the ledger at `path`, oldest first; none if there is no ledger yet."""
    if not path.exists():
        return []
    records = []
    for line in path.read_bytes().split(b"\n"):
        try:
            records.append(json.loads(line))
        except ValueError:  # empty, or cut short by a crash: its grading is not recorded, hence done again
            continue
    return records


def latest(records, assignment):
    """{student: {(notebook, exercise): the last record}} of one assignment."""
    found = {}
    for each in records:
        if each["assignment"] == assignment:
            # records of the first version did not name the notebook: an assignment had one, called as it
            place = (each.get("notebook", assignment), each["exercise"])
            found.setdefault(each["student"], {})[place] = each
    return found
