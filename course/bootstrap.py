"""From a bare Python to a running command: `python course/bootstrap.py lab`, on Windows and wherever make is missing.

It finds a Python that is new enough, has `installer.py` make the environment .venv with it, and goes on in there.
Only the standard library is used, and only what Python 2.7 can already read, so that an old Python gives a clear
line and not a SyntaxError.
"""

from __future__ import print_function

import os
import subprocess
import sys

OLDEST, NEWEST_TRIED = (3, 11), (3, 30)
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COMMANDS = {  # which extras of pyproject.toml to install, what to run
    "lab": (["course"], ["-m", "course", "lab"]),
    "teach": (["course"], ["-m", "course", "teach"]),
    "build": (["course"], ["-m", "course", "build"]),
    "test": (["course", "test"], ["-m", "pytest"]),
    "bench": (["course", "parity", "bench"], ["-m", "benchmarks"]),
}


def main(arguments):
    """Run one of COMMANDS with the options after its name; returns the exit status."""
    if not arguments or arguments[0] not in COMMANDS:
        print("usage: python course/bootstrap.py {%s} [options]" % ",".join(sorted(COMMANDS)))
        return 0 if arguments in (["-h"], ["--help"]) else 2
    if sys.version_info[:2] >= OLDEST:
        return install_and_run(*arguments)
    newer = find_python(os.environ.get("PATH", os.defpath))
    if newer:
        return run([newer, os.path.abspath(__file__)] + arguments)
    print(
        "Chainrule needs Python %d.%d or newer. This is Python %d.%d (%s), and no newer one was found on PATH. "
        "Install one from https://www.python.org/downloads/ or with your system's packages, then run this again."
        % (OLDEST + sys.version_info[:2] + (sys.executable,)),
        file=sys.stderr,
    )
    return 1


def install_and_run(name, *options):
    sys.path[0] = ROOT  # it was the folder of this file, whose modules are no top-level ones
    from course import installer

    extras, command = COMMANDS[name]
    try:
        python = installer.install(ROOT, extras)
    except installer.Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The next run goes on with installing.", file=sys.stderr)
        return 130
    return run([python] + command + list(options))


def run(command):
    """Go on as `command` in the project's folder. Windows has no exec, so there it is a child process."""
    os.chdir(ROOT)
    sys.stdout.flush()
    if os.name == "nt":
        return subprocess.call(command)
    return os.execv(command[0], command)


def find_python(path):
    """The newest Python that is new enough in the folders of `path` (like the variable PATH), or None."""
    names = ["python3.%d" % minor for minor in range(NEWEST_TRIED[1], OLDEST[1] - 1, -1)] + ["python3", "python"]
    for name in names:
        for folder in path.split(os.pathsep):
            python = os.path.join(folder, name + (".exe" if os.name == "nt" else ""))
            if os.path.isfile(python) and os.access(python, os.X_OK) and version_of(python) >= OLDEST:
                return python
    return None


def version_of(python):
    """(major, minor) of the interpreter at the path `python`; (0, 0) if it does not run (a broken link, a shim)."""
    question = "import sys; print('%d %d' % sys.version_info[:2])"
    try:
        process = subprocess.Popen([python, "-c", question], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError:
        return (0, 0)
    answer = process.communicate()[0].decode("ascii", "replace").split()
    return tuple(int(number) for number in answer) if process.returncode == 0 and len(answer) == 2 else (0, 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
