"""The report: readable as text and as a card, and safe to show whatever the learner wrote."""

from html.parser import HTMLParser

import pytest

from answers import answer
from autograders.judge import judge
from autograders.report import WIDTH, Failure, Report, Stage
from autograders.session import Described, LocalSession, Opaque, Raised, Returned, Stopped
from autograders.spec import load

SPEC = load("autograd/unbroadcast")
ATTACK = """<script>alert("1")</script><img src=x onerror='alert(2)'>`</code>"""


class Reader(HTMLParser):
    """Collects the tags and attributes of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.open, self.names = set(), [], set()
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.open.append(tag)
        self.names |= {name for name, _ in attributes}

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


class Says:
    def __init__(self, outcome, description=None):
        self.outcome, self.description = outcome, description or Described(SPEC.parameters)

    def describe(self):
        return self.description

    def call(self, *arguments):
        return self.outcome


@pytest.mark.parametrize(
    "session",
    [
        Says(Raised(ATTACK, ATTACK, 1, ATTACK)),
        Says(Stopped(ATTACK)),
        Says(Returned(Opaque(ATTACK), ())),
        Says(None, Described((ATTACK,))),
        Says(None, Raised(ATTACK, ATTACK)),
        LocalSession(SPEC.misconceptions[0].answer),
        LocalSession(SPEC.reference),
    ],
)
def test_the_card_holds_only_harmless_balanced_tags(session):
    reader = Reader(judge(SPEC, session, seed=1).html())
    assert reader.open == []
    assert reader.tags <= {"div", "p", "span", "strong", "code", "pre", "table", "tr", "th", "td", "details", "summary"}
    assert reader.names <= {"style", "title"}


def test_every_field_of_a_failure_is_escaped():
    failure = Failure(ATTACK, ATTACK, ATTACK, ((ATTACK, ATTACK),), ATTACK, ATTACK, ATTACK, ATTACK, 1, ATTACK)
    page = Report(ATTACK, (Stage(ATTACK, 1, 0.5, ATTACK),), 0, 1, False, failure, hints=(ATTACK,)).html()
    assert "<script" not in page and "<img" not in page


def test_hints_come_one_at_a_time():
    report = judge(SPEC, LocalSession(answer(SPEC, "pass")), seed=1)
    assert SPEC.hints[0] not in report.text() and "For hint 1 of 3: check(..., hint=1)" in report.text()
    page = report.html()
    assert page.count("<details>") == 3 and page.endswith("</details></details></details></div>")


def test_text_fits_in_the_validate_dialog():
    for function in (*SPEC.half_right, *(misconception.answer for misconception in SPEC.misconceptions)):
        assert max(map(len, judge(SPEC, LocalSession(function), seed=1).text().split("\n"))) <= WIDTH


def test_a_pass_shows_no_hints_and_no_failure():
    report = judge(SPEC, LocalSession(SPEC.reference), seed=1)
    assert "hint" not in report.text().lower() and "Hint" not in report.html()
    assert report.text().startswith("autograd/unbroadcast: passed, 4 of 4 points")


def test_a_notebook_gets_the_card_and_the_text():
    report = judge(SPEC, LocalSession(SPEC.reference), seed=1)
    assert report._repr_mimebundle_() == {"text/plain": report.text(), "text/html": report.html()}
    assert repr(report) == report.text()


def test_marks_say_without_colour_what_was_earned():
    assert [Stage("values", 1, credit).mark for credit in (1.0, 0.5, 0.0)] == ["✓", "◐", "✗"]
