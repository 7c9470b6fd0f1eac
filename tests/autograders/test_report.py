"""The report: readable as text and as a card, and safe to show whatever the learner wrote."""

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from textwrap import indent

import pytest

import cards
from answers import answer
from autograders import card
from autograders.judge import judge
from autograders.report import WIDTH, Failure, Report, Stage
from autograders.session import Described, LocalSession, Opaque, Raised, Returned, Stopped
from autograders.spec import load

SPEC = load("autograd/unbroadcast")
TAGS = {"div", "p", "span", "strong", "code", "pre", "ul", "li", "img", "details", "summary"}
ATTACK = """<script>alert("1")</script><img src=x onerror='alert(2)'>`</code>"""


class Reader(HTMLParser):
    """Collects the tags and attributes of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.open, self.names, self.sources = set(), [], set(), []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        if tag != "img":
            self.open.append(tag)
        self.names |= {name for name, _ in attributes}
        self.sources += [value for name, value in attributes if name == "src"]

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
    require_harmless(judge(SPEC, session, seed=1).html())


def require_harmless(page):
    reader = Reader(page)
    assert reader.open == []
    assert reader.tags <= TAGS and reader.names <= {"style", "aria-hidden", "aria-label", "role", "open", "src", "alt"}
    assert all(source.startswith("data:image/png;base64,") for source in reader.sources)
    assert "url(" not in page and "javascript:" not in page


@pytest.mark.parametrize("kind", cards.every_kind())
def test_every_kind_of_card_holds_only_harmless_balanced_tags(kind):
    require_harmless(cards.every_kind()[kind].html())


def test_every_field_of_a_failure_is_escaped():
    failure = Failure(ATTACK, ATTACK, ATTACK, ((ATTACK, ATTACK),), ATTACK, ATTACK, ATTACK, ATTACK, 1, ATTACK)
    page = Report(ATTACK, (Stage(ATTACK, 1, 0.5, ATTACK),), 0, 1, False, failure, hints=(ATTACK,)).html()
    assert "<script" not in page and "<img" not in page


def test_hints_come_one_at_a_time():
    report = judge(SPEC, LocalSession(answer(SPEC, "pass")), seed=1)
    assert SPEC.hints[0] not in report.text()
    assert report.text().endswith('For hint 1 of 3:\n  check("autograd/unbroadcast", unbroadcast, hint=1)')
    page = report.html()
    assert page.count("<details ") == 3 and page.endswith("</details></details></details></div>")
    after_two, after_all = (replace(report, hints_shown=shown).text() for shown in (2, 3))
    assert SPEC.hints[1][:40] in after_two and SPEC.hints[2][:40] not in after_two
    assert after_all.endswith('check("autograd/unbroadcast", unbroadcast, solution=True)')
    assert "costs no points" in after_all and "solution=True" not in after_two


def test_the_way_to_the_solution_is_inside_the_last_hint():
    page = cards.every_kind()["misconception"].html()
    assert page.index("Hint 3 of 3") < page.index("solution=True") < page.rindex("</details></details></details>")


def test_a_solution_is_shown_in_both_forms_and_leads_nowhere_further():
    report = cards.every_kind()["solution"]
    for words in (report.text(), report.html()):
        assert "gradient = gradient.sum(axis=0)" in words and "The solution was seen on 2026-11-29" in words
        assert "solution=True" not in words


def test_a_segment_is_as_long_as_its_points_and_filled_as_far_as_earned():
    page = cards.every_kind()["misconception"].html()
    bar = page[page.index('<div aria-hidden="true"') : page.index("</div>", page.index('<div aria-hidden="true"'))]
    assert re.findall(r"flex: ([\d.]+) 1 0; min-width: 0; display", bar) == ["0.5", "0.5", "2", "1"]
    assert re.findall(r"flex: ([\d.]+) 1 0; min-width: 0; overflow", bar) == ["0.4", "0.6"] * 3 + ["0.75", "0.25"]
    assert re.findall("[✓✗◐]", bar) == ["◐"] * 4


def test_all_that_the_card_says_is_in_the_text_too():
    """Word for word, but for what the picture needs: its titles, its scale and what its marks mean."""
    for name, report in cards.every_kind().items():
        shown = replace(report, hints_shown=len(report.hints))
        in_text, on_card = (set(re.findall(r"[a-z]{3,}", words.lower())) for words in (shown.text(), readable(shown)))
        picture = report.failure.picture if report.failure else None
        own = set(re.findall(r"[a-z]{3,}", f"{picture.alt} {picture.legend}".lower())) if picture else set()
        assert on_card - in_text - own == set(), name


def readable(report):
    """The card's words, as a screen reader goes through them."""
    return unescape(re.sub(r"<[^>]*>", " ", report.html()))


def test_a_reader_meets_the_verdict_first_then_stages_then_reasons():
    words = readable(cards.every_kind()["misconception"])
    order = [
        "not yet, 1.95 of 4",
        "attempted",
        "values 0.8 of 2",
        "The result has shape",
        "The axes added",
        "Input gradient",
    ]
    assert [words.index(part) for part in order] == sorted(words.index(part) for part in order)
    assert 'role="img" aria-label="earned in part:"' in cards.every_kind()["misconception"].html()


def test_a_picture_says_in_words_what_it_shows():
    report = cards.every_kind()["picture-with-nan"]
    (alt,) = re.findall(r'alt="([^"]*)"', report.html())
    assert "10 rows by 10 columns" in alt and "6 nan, 6 infinite" in alt and "rows 0, 1 and 3" in alt
    assert "  ███·······\n  ····▄▄▄▄▄▄" in report.text()


def luminance(colour):
    """WCAG 2.2's relative luminance of a colour like #0072b2."""
    shares = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first, second):
    """WCAG 2.2's contrast of two colours, from 1 to 21."""
    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def test_own_colours_stand_out_on_light_and_dark_pages():
    """Text at least 4.5 to 1 (AA), what is no text at least 3 to 1; all other text has the page's own colour."""
    assert contrast("#ffffff", card.PASSED_COLOUR) >= 4.5
    for ground in ("#ffffff", "#111111"):
        assert contrast(card.PASSED_COLOUR, ground) >= 3 and contrast(card.FAILED_COLOUR, ground) >= 3
    pages = " ".join(report.html() for report in cards.every_kind().values())
    assert set(re.findall(r"[^-]color: ([^;\"]+)", pages)) == {"#ffffff", "inherit"}


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


def test_the_page_on_feedback_shows_what_a_check_says():
    page = (Path(__file__).resolve().parents[2] / "docs" / "feedback.md").read_text("utf-8")
    for kind, whole in {"misconception": True, "picture-with-nan": False}.items():
        text = indent(cards.every_kind()[kind].text(), "    ")
        sketch = text[text.find("    Where they differ") : text.find("\n\n    To try")]
        assert (text if whole else sketch) in page
