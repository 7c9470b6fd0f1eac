"""The same grading with the gradebook in a real PostgreSQL, started for the test on a socket in a folder of its own."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

for library in ("distributed", "nbgrader", "jupytext", "psycopg"):
    pytest.importorskip(library, reason=f"grading many on PostgreSQL needs {library}")

from classrooms import ANSWERS, NAME  # noqa: E402

from autograders import sandbox  # noqa: E402

NOBODY = 65534  # PostgreSQL does not run as root


def programs():
    """The folder of PostgreSQL's programs, which Debian keeps off PATH; None without PostgreSQL."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    folders += [Path(on_path).resolve().parent] if on_path else []
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


available, reason = sandbox.available()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not available, reason=f"no sandbox here: {reason}"),
    pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed: apt-get install postgresql"),
]


@pytest.fixture
def server(tmp_path_factory):
    """The address of an empty database; no network, only a socket that is in a folder of the server's user."""
    # a socket's path has at most about 100 characters, and pytest's folders are closed to other users
    folder = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    if user:
        os.chown(folder, NOBODY, NOBODY)

    def run(program, *arguments):
        command = [str(programs() / program), *arguments]
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            env={"LC_ALL": "C", "PATH": os.defpath},
            **user,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    try:
        run("initdb", "-D", f"{folder}/data", "-U", "teacher", "--auth=trust", "--encoding=UTF8", "--no-sync")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "-D", f"{folder}/data", "-w", "-o", options, "-l", f"{folder}/log", "start")
        try:
            yield f"postgresql://teacher@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-D", f"{folder}/data", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def test_the_grades_in_postgresql_are_those_in_sqlite(classroom, server):
    """By --db, and by the classroom's settings; nbgrader's own feedback and export read it."""
    for number, answer in enumerate(ANSWERS[:3]):
        classroom.submit(f"learner-{number}", answer, [("timestamp.txt", b"2026-01-01 10:00:00 UTC")])
    classroom.run("grade", NAME)
    sqlite, graded = classroom.scores(), classroom.graded()
    shutil.rmtree(classroom.folder / "autograded")
    (classroom.folder / "ledger.jsonl").unlink()

    assert "the gradebook knows no assignment" in classroom.run("grade", NAME, "--db", server, fails=True)
    url = server.replace("postgresql:", "postgresql+psycopg:")
    with open(classroom.folder / "nbgrader_config.py", "a", encoding="utf-8") as file:
        file.write(f"get_config().CourseDirectory.db_url = {url!r}  # noqa: F821\n")
    classroom.nbgrader("generate_assignment", NAME, "--force")
    assert "3 graded" in classroom.run("grade", NAME)
    assert "0 graded, 3 unchanged" in classroom.run("grade", NAME, "--db", server)
    assert classroom.scores(url) == sqlite
    assert classroom.graded() == graded
    (classroom.folder / "gradebook.db").unlink()
    classroom.nbgrader("generate_feedback", NAME)
    classroom.nbgrader("export")
    assert "learner-1" in (classroom.folder / "grades.csv").read_text()
    assert not (classroom.folder / "gradebook.db").exists(), "nothing fell back to SQLite"
