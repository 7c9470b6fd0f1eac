"""`python -m autograders COMMAND ...`: is this machine ready, begin an exercise, grade many."""

import argparse
import importlib
import sys

COMMANDS = {  # the module of each command, with `add_arguments(parser)` and `run(options)`, and what it does
    "doctor": ("autograders.doctor", "say whether answers can be graded on this machine, and what is missing"),
    "new": ("autograders.new", "begin an exercise: its spec, ready to be filled in"),
    "grade": ("autograders.batch.grade", "grade all submissions of an assignment, in parallel"),
    "regrade": ("autograders.batch.regrade", "grade again with the recorded seeds, and show what would change"),
    "stats": ("autograders.batch.stats", "a page about an assignment's grades: scores, hard stages, alike answers"),
}


def main(arguments=None):
    """Run one command; returns the exit status. Only that command's module is imported."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    top = argparse.ArgumentParser(prog="python -m autograders", description=__doc__)
    commands = top.add_subparsers(title="commands", required=True, metavar="command")
    for name, (module, text) in COMMANDS.items():
        parser = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False)
        if arguments[:1] == [name]:
            command = importlib.import_module(module)
            command.add_arguments(parser)
            parser.set_defaults(run=command.run)
    options = top.parse_args(arguments)
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())
