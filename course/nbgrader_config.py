"""nbgrader's settings for the course: where things are, and who decides what a grade is.

The files `nbgrader_config.py` in the classroom and in a learner's workspace do nothing but call
`configure` and `configure_learner`.
"""

import os
import sys
from pathlib import Path

COURSE_ID = "chainrule"
VALIDATE_SECONDS_PER_CELL = 120

CLASSROOM_CONFIG = '''\
"""nbgrader reads this file when it starts in this folder. Your own settings can follow the call."""

from pathlib import Path

from course.nbgrader_config import configure

configure(get_config(), Path(__file__).parent)  # noqa: F821 (nbgrader defines get_config here)
'''

WORKSPACE_CONFIG = '''\
"""nbgrader reads this file: it tells the Assignments panel and the Validate button about the course."""

from course.nbgrader_config import configure_learner

configure_learner(get_config())  # noqa: F821 (nbgrader defines get_config here)
'''


def classroom_folder():
    """nbgrader's course directory: the environment variable CHAINRULE_CLASSROOM, else `classroom/` beside `course/`."""
    given = os.environ.get("CHAINRULE_CLASSROOM")
    return Path(given).expanduser().absolute() if given else Path(__file__).resolve().parents[1] / "classroom"


def exchange_folder(classroom=None):
    """Where notebooks are handed out and in: CHAINRULE_EXCHANGE, else `exchange/` in the classroom."""
    given = os.environ.get("CHAINRULE_EXCHANGE")
    if given:
        return Path(given).expanduser().absolute()
    return Path(classroom or classroom_folder()).absolute() / "exchange"


def ensure_exchange(classroom=None):
    """Create the exchange folder, writable for all as nbgrader asks. One named by CHAINRULE_EXCHANGE is left alone."""
    exchange = exchange_folder(classroom)
    if not exchange.is_dir() and "CHAINRULE_EXCHANGE" not in os.environ:
        exchange.mkdir(parents=True, exist_ok=True)
        exchange.chmod(0o777)


def configure_learner(config):
    """Settings that a learner's nbgrader needs: fetch, submit, list, validate. `config` is traitlets' Config."""
    config.CourseDirectory.course_id = COURSE_ID
    config.Exchange.root = str(exchange_folder())
    config.Execute.timeout = VALIDATE_SECONDS_PER_CELL


def configure(config, classroom):
    """Settings for the instructor's nbgrader in the folder `classroom`, grading by judge and sandbox included.

    `config` is traitlets' Config, as `get_config()` gives it in a configuration file.
    """
    from nbgrader.converters import Autograde
    from nbgrader.preprocessors import ClearOutput, DeduplicateIds, Execute

    classroom = Path(classroom).absolute()
    _put_our_programs_first()
    configure_learner(config)
    config.CourseDirectory.root = str(classroom)
    config.CourseDirectory.db_url = f"sqlite:///{classroom / 'gradebook.db'}"
    config.Exchange.root = str(exchange_folder(classroom))
    config.ExchangeFactory.collect = "autograders.collect.CollectPlainFiles"

    sanitize = Autograde.sanitize_preprocessors.default()
    kept = [step for step in sanitize if step not in (ClearOutput, DeduplicateIds)]
    config.Autograde.sanitize_preprocessors = ["autograders.nbgrader_plugin.Rebuild", *kept]
    grade = Autograde.autograde_preprocessors.default()
    config.Autograde.autograde_preprocessors = [
        "autograders.nbgrader_plugin.Judge" if step is Execute else step for step in grade
    ]


def _put_our_programs_first():
    """nbgrader starts `alembic` by its bare name; let it find the one beside this Python, in a `.venv` too."""
    programs, path = str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)
    if path.split(os.pathsep)[0] != programs:
        os.environ["PATH"] = programs + os.pathsep + path
