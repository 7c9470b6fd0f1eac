"""The conveyor lab: its plan is the earliest that a DataLoader's rules allow, and no real run gets ahead of it."""

import base64
import itertools
import re

import numpy as np
import pytest

from course.labs.conveyor import CHOICES, LEFT, RIGHT, Conveyor, conveyor
from course.labs.epochs import measured, planned
from course.labs.pictures import PALE_ORANGE

UNEVEN = np.random.default_rng(0).integers(1, 9, 22).astype(float)


@pytest.fixture
def lab():
    return Conveyor()


def planned_with(lab, **settings):
    lab.settings |= settings
    return lab.look()["plan"]


@pytest.mark.parametrize("prefetch_factor", [1, 2, 4])
@pytest.mark.parametrize("num_workers", [0, 1, 2, 3])
@pytest.mark.parametrize("step", [0.5, 12.0, 60.0])
def test_the_plan_keeps_the_rules_and_nobody_idles_without_a_reason(step, num_workers, prefetch_factor):
    """Each moment is the latest of those that it has to wait for: the definition of the earliest plan there is."""
    batches = planned(UNEVEN, step, 4, num_workers, prefetch_factor).batches
    assert [len(batch.begins) for batch in batches] == [4, 4, 4, 4, 4, 2]
    costs = np.concatenate([batch.ends - batch.begins for batch in batches])
    np.testing.assert_allclose(costs, UNEVEN, err_msg="each sample is read once, in order, for as long as it costs")
    for number, batch in enumerate(batches):
        np.testing.assert_allclose(batch.begins[1:], batch.ends[:-1])
        before = [0.0]  # what must have happened before it is read
        if num_workers:
            assert batch.worker == number % num_workers
            before += [other.ready for other in batches[:number] if other.worker == batch.worker]
            before += [other.taken for other in batches[: max(0, number - num_workers * prefetch_factor + 1)]]
        else:
            before += [other.done for other in batches[:number]]
        assert batch.begins[0] == pytest.approx(max(before))
        assert batch.taken == pytest.approx(max([batch.ready, *(other.done for other in batches[:number])]))
        assert batch.done == pytest.approx(batch.taken + step)


def test_the_numbers_of_an_epoch_are_the_formulas():
    """5 batches of 4 samples: alone one after the other; with a worker the slower of the two sets the pace."""
    read, costs = 4 * 3.0, np.full(20, 3.0)
    assert planned(costs, 7.0, 4).duration == pytest.approx(5 * (read + 7))
    assert planned(costs, 7.0, 4, 1).duration == pytest.approx(5 * read + 7)
    epoch = planned(costs, 30.0, 4, 1)
    assert epoch.duration == pytest.approx(read + 5 * 30)
    assert epoch.waiting == pytest.approx(read / (read + 5 * 30)) and epoch.most_ready == 2
    assert epoch.per_second == pytest.approx(20 / 0.162)
    assert planned(costs, 30.0, 4).most_ready == 0, "without workers nothing is ready before it is needed"
    times, counts = planned(np.full(8, 3.0), 30.0, 4, 2, 1).stock
    assert times.tolist() == [0, 12, 42] and counts.tolist() == [0, 1, 0]


@pytest.mark.parametrize(("num_workers", "prefetch_factor"), [(0, 2), (1, 1), (2, 2), (3, 1)])
def test_the_engine_s_loader_goes_by_the_rules_of_the_plan(num_workers, prefetch_factor):
    """It cannot be earlier anywhere, as a sleep is never too short; the same worker reads the same batch."""
    work = {"costs": UNEVEN, "step": 40.0, "batch_size": 4}
    work |= {"num_workers": num_workers, "prefetch_factor": prefetch_factor}
    plan, (run, start) = planned(**work), measured(**work)
    assert [batch.worker for batch in run.batches] == [batch.worker for batch in plan.batches]
    assert (start > 0) == (num_workers > 0)
    for real, earliest in zip(run.batches, plan.batches, strict=True):
        assert (real.begins >= earliest.begins - 1e-6).all() and (real.ends >= earliest.ends - 1e-6).all()
        assert real.taken >= earliest.taken - 1e-6 and real.done >= earliest.done - 1e-6
    for early, late in zip(run.batches, run.batches[num_workers * prefetch_factor + 1 :]):
        assert late.begins[0] >= early.done or not num_workers, "more was read ahead than the prefetch factor allows"


def test_the_questions_of_the_chapter_have_the_answers_that_the_lab_shows(lab):
    """Two workers are enough and more gain nothing; a slow stretch is bridged best by the largest prefetch factor."""
    waits = {}
    for workers in CHOICES["num_workers"]:
        epoch = planned_with(lab, num_workers=workers)
        waits[workers] = sum(until > since for since, until in epoch.waits)
    assert waits == {0: 8, 1: 8, 2: 1, 3: 1, 4: 1}
    assert planned_with(lab, num_workers=4).duration == planned_with(lab, num_workers=2).duration
    lab.settings |= {"sample": 2, "step": 10, "batch_size": 4}
    for stretch, is_better in (8, True), (1, False):
        durations, ready = [], []
        for factor in CHOICES["prefetch_factor"]:
            epoch = planned_with(lab, stretch=stretch, prefetch_factor=factor)
            durations.append(epoch.duration)
            ready.append(epoch.most_ready)
        assert (durations[0] > durations[1] > durations[2]) == is_better, (stretch, durations)
        assert is_better or len(set(durations)) == 1
        assert ready[0] < ready[2], "it costs memory"
    first_waits = [planned_with(lab, batch_size=size).batches[0].taken for size in CHOICES["batch_size"]]
    assert first_waits == sorted(first_waits) and first_waits[0] < first_waits[-1]


def test_every_choice_has_a_picture(lab):
    for values in itertools.product(*CHOICES.values()):
        lab.settings = dict(zip(CHOICES, values))
        assert f"Plan: {lab.look()['plan'].duration:.0f} ms, the trainer waits" in lab.describe()
        assert lab.to_html().startswith("<img alt=")


def test_the_picture_has_its_sentence_and_its_boxes_the_planned_times(lab):
    lab.settings |= {"num_workers": 2, "sample": 2, "step": 40, "batch_size": 16}
    picture, plan = lab.to_html(), lab.look()["plan"]
    assert "://" not in picture, "nothing is loaded from elsewhere"
    assert re.search('alt="([^"]+)"', picture)[1] == lab.describe()
    assert lab.describe() == (
        "64 samples of 2 ms, in batches of 16; a step takes 40 ms; 2 workers, prefetch factor 2. "
        "Plan: 192 ms, the trainer waits 17%, 333 samples a second, at most 3 batches ready."
    )
    drawing = base64.b64decode(re.search('base64,([^"]+)', picture)[1]).decode()
    steps = re.findall(rf'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)" height="24" fill="{PALE_ORANGE}"', drawing)
    scale = (RIGHT - LEFT) / (4 * (32 + 40))  # as long as it takes without workers
    expected = [(LEFT + scale * batch.taken, scale * 40) for batch in plan.batches]
    np.testing.assert_allclose(np.array(steps, float), expected, rtol=1e-4)
    assert "without workers 288 ms" in drawing and "not yet with these settings" in drawing


def test_the_controls_move_the_picture_and_the_button_measures(lab):
    first, second, button, picture = lab.widget().children
    sliders = dict(zip(CHOICES, (*first.children, *second.children), strict=True))
    seen = [picture.value]
    others = {"num_workers": 3, "batch_size": 16, "prefetch_factor": 1, "sample": 1, "step": 5, "stretch": 2}
    for name, value in others.items():
        sliders[name].value = value
        seen.append(picture.value)
        assert lab.settings[name] == value and lab.describe() in picture.value
    assert len(set(seen)) == 7 and "Run:" not in seen[-1]
    button.click()
    run = lab.look()["run"]
    assert f"Run: {run.duration:.0f} ms" in picture.value and button.description == "Run it"
    measured_before = picture.value
    sliders["step"].value = 10
    assert "Run:" not in picture.value, "a run with other settings says nothing of these"
    sliders["step"].value = 5
    assert picture.value == measured_before


def test_a_still_picture_of_a_run_comes_first(monkeypatch):
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython.display, "display", shown.append)
    lab = conveyor()
    still, widget = shown
    assert still.data.startswith("<details><summary>The lab as a still picture. 64 samples of 4 ms")
    assert "2 workers" in still.data and "Run:" in still.data and "no workers" in widget.children[-1].value
    assert lab.settings["num_workers"] == 0


@pytest.mark.parametrize(("name", "value"), [("num_workers", 5), ("sample", 0), ("stretch", None)])
def test_a_setting_that_is_none_is_named(lab, name, value):
    lab.settings[name] = value
    for action in lab.look, lab.run:
        with pytest.raises(ValueError, match=f"{name} must be one of .* got {value!r}"):
            action()
