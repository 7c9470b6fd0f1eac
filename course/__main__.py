"""`python -m course lab`, `teach` or `build`: the course from its chapters' text to the open notebook."""

import argparse
import os
import sys
from pathlib import Path

CHAPTERS = Path(__file__).parent / "chapters"


def home():
    """Where build/ and workspace/ lie: the repository, or the current folder if the package is installed alone."""
    repository = Path(__file__).resolve().parents[1]
    return repository if (repository / "pyproject.toml").exists() else Path.cwd()


def workspace_folder():
    """The learner's folder: the environment variable CHAINRULE_WORKSPACE, else `workspace/`."""
    given = os.environ.get("CHAINRULE_WORKSPACE")
    return Path(given).expanduser().absolute() if given else home() / "workspace"


def build(options, others):
    """Build the notebooks from the chapters: the instructor's with solutions, the learner's without."""
    from course import builder

    builder.build(CHAPTERS, home() / "build")
    builder.build_index(home() / "build")
    notebooks = builder.release(home() / "build")
    print(f"{len(notebooks)} chapter{'' if len(notebooks) == 1 else 's'} built in {home() / 'build'}")
    return 0


def lab(options, others):
    """Build the notebooks, bring what is new to your workspace, and open JupyterLab there."""
    from course import index, launcher, workspace

    folder = workspace_folder()
    build(options, others)
    for message in workspace.update(home() / "build", folder):
        print(message)
    return launcher.run(
        folder, options.port, options.browser, others, folder / workspace.JUPYTER_CONFIG, Path(index.NAME)
    )


def teach(options, others):
    """Prepare the classroom, and open JupyterLab with nbgrader's panels for instructors there."""
    from course import classroom, launcher, nbgrader_config, workspace

    folder = nbgrader_config.classroom_folder()
    for message in classroom.prepare(folder):
        print(message)
    return launcher.run(folder, options.port, options.browser, others, folder / workspace.JUPYTER_CONFIG)


def parser():
    top = argparse.ArgumentParser(prog="python -m course", description=__doc__)
    commands = top.add_subparsers(title="commands", required=True, metavar="command")
    for function in (lab, teach, build):
        name, text = function.__name__, function.__doc__
        command = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        command.set_defaults(function=function)
        if function is not build:
            command.epilog = "All other options are passed on to `jupyter lab`."
            command.add_argument("--port", type=int, help="the port to use (default: 8888, or the next free one)")
            command.add_argument("--no-browser", dest="browser", action="store_false", help="open no browser")
    return top


def main(arguments=None):
    """Run one command; returns the exit status. Problems that are no faults of the program come out as one line."""
    reader = parser()
    options, others = reader.parse_known_args(arguments)
    if options.function is build and others:
        reader.error(f"build does not know {' '.join(others)}")
    try:
        from course import builder, contents, launcher

        problems = (builder.BuildError, contents.HeaderError, launcher.LaunchError)
    except ModuleNotFoundError as error:
        print(f"{error.name} is not installed here; `make lab` installs all that is needed.", file=sys.stderr)
        return 1
    try:
        return options.function(options, others)
    except problems as problem:
        print(problem, file=sys.stderr)
    except OSError as error:
        print(f"{error.filename or 'The system'}: {error.strerror or error}.", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1


if __name__ == "__main__":
    sys.exit(main())
