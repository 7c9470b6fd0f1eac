"""nbgrader's panels: a learner submits from the Assignment List, an instructor collects and grades in Formgrader."""

import json

import pytest

from autograders import sandbox

available, reason = sandbox.available()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not available, reason=f"no sandbox here: {reason}")]

NAME = "03-autograd-on-tensors"


@pytest.fixture(scope="module")
def teach(machine):
    """The address of the instructor's JupyterLab, with the chapter released."""
    with machine.course("teach") as address:
        machine.nbgrader("generate_assignment", NAME)
        machine.nbgrader("release_assignment", NAME)
        yield address


def open_panel(page, name):
    page.get_by_role("menuitem", name="Nbgrader").click()
    page.locator(".lm-Menu-itemLabel", has_text=name).first.click()


def solve_one_exercise(machine):
    """The learner has written the first answer, as the chapter solves it."""
    from course import builder, classroom

    solved = json.loads(builder.render(classroom.CHAPTERS / f"{NAME}.md"))
    path = machine.workspace / NAME / f"{NAME}.ipynb"
    notebook = json.loads(path.read_text())
    source = next(cell["source"] for cell in solved["cells"] if cell["id"] == "autograd-unbroadcast")
    next(cell for cell in notebook["cells"] if cell["id"] == "autograd-unbroadcast")["source"] = source
    path.write_text(json.dumps(notebook))


def test_from_the_learner_s_submit_to_the_instructor_s_grade(machine, teach, page, screenshots):
    with machine.course("lab") as address:
        solve_one_exercise(machine)
        page.goto(address)
        page.locator(".jp-NotebookPanel").wait_for()
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()  # the notebook has come to the front, and stays behind
        submit = page.get_by_role("button", name="Submit")
        for _ in range(10):
            open_panel(page, "Assignment List")
            page.wait_for_timeout(2000)
            if submit.count() and submit.is_visible():
                break
        submit.click()
        submitted = page.locator("#submitted_assignments_list_placeholder, #submitted_assignments_list")
        submitted.get_by_text(NAME).first.wait_for()
        page.screenshot(path=screenshots / "assignment-list.png")

    page.goto(teach)
    page.get_by_role("menuitem", name="Nbgrader").wait_for()
    open_panel(page, "Formgrader")
    formgrader = page.frame_locator("iframe").first
    row = formgrader.locator("tr", has_text=NAME)
    row.locator("td.collect a").click()
    formgrader.get_by_text("Success").first.wait_for()
    formgrader.get_by_role("button", name="OK").click()
    row.locator("td.num-submissions a").click()
    student = formgrader.locator("tbody tr").first
    student.locator("td.autograde a").click()
    formgrader.get_by_text("Success").first.wait_for()
    formgrader.get_by_role("button", name="OK").click()
    formgrader.locator("td.score", has_text="4 / 20").wait_for()
    page.screenshot(path=screenshots / "formgrader.png")
