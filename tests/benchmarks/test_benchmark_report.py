"""`python -m benchmarks` itself: its processes, its table, its picture, its JSON and the statuses of --check."""

import copy
import inspect
import json
import sys

import pytest

from benchmarks import __main__ as command
from benchmarks import growth, machine, memory, peers, picture, race, results, table, workloads

HERE = {"processor": "A", "cores": 2, "system": "Linux", "threads": 2, "BLAS": "openblas 0.3 Haswell"}


def row(ratio, **others):
    """Of a workload in which ours takes `ratio` of PyTorch's time."""
    ratios = {"torch": ratio, **others}
    return {
        "title": "Some net, batch 2, Adam", "seconds": {"engine": ratio, "torch": 1.0}, "ratios": ratios,
        "spread": [0.9 * ratio, 1.1 * ratio], "agree": dict.fromkeys(ratios, True),
        "memory": {"engine": 3_000_000, "torch": 2_000_000}, "not run": {"tinygrad": "there is no clang"}}


def found(*ratios):
    rows = {f"net {number}": row(ratio, dezero=0.1) for number, ratio in enumerate(ratios)}
    return {
        "date": "2026-01-01", "machine": HERE, "versions": {"numpy": "2"}, "rounds": 7,
        "geometric mean": results.geometric_mean(rows), "workloads": rows}


# ---- what is measured ----


def test_a_race_measures_in_processes_of_their_own():
    """Times and first losses come back, our ratio to ourselves is 1, and the workers are gone afterwards."""
    raced = race.race("tiny_mlp", ("engine",), rounds=2, sizes={"batch": 2})["engine"]
    assert raced.seconds > 0 and raced.ratios == [1.0, 1.0]
    step = peers.build("engine", "tiny_mlp", batch=2)
    assert raced.losses == pytest.approx([step().item() for _ in range(3)])


def test_a_worker_that_fails_is_an_error(capfd):
    """Not a missing number: RuntimeError names the command, and the worker's traceback is shown."""
    with pytest.raises(RuntimeError, match=r"a worker ended with status 1: .*benchmarks.worker engine mlp"):
        race.race("mlp", ("engine",), rounds=1, sizes={"no such size": 1})
    assert "no such size" in capfd.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from Linux's /proc")
def test_the_peak_grows_with_the_batch():
    """A batch of 20,000 x 784 float32 is 63 MB, which must be in the peak; batch 64 takes a tenth of that at most."""
    large, small = [memory.peak("engine", "mlp", {"batch": batch}) for batch in (20_000, 64)]
    assert 63_000_000 < large < 1_000_000_000 and small < 6_300_000


def test_losses_agree_within_a_hundredth():
    assert race.agree([1.0, 2.0], [1.005, 2.0]) and not race.agree([1.0, 2.0], [1.0, 2.1])
    assert not race.agree([float("nan")], [1.0])


def test_the_machine_is_described():
    described = machine.describe()
    assert described.keys() == HERE.keys() and described["BLAS"] and described["processor"]


# ---- the workloads and peers ----


@pytest.mark.parametrize("name", workloads.NAMES)
def test_workloads_say_what_they_are(name):
    """A title, sizes that can be changed, a device, and four times as large with one of the sizes."""
    assert 10 < len(workloads.title(name)) < 90
    assert {"batch", "length"} & workloads.sizes(name).keys()
    assert "device" in inspect.signature(workloads.load(name).step).parameters
    (size, value), = workloads.scaled(name, 4).items()
    assert value == 4 * workloads.sizes(name)[size]


def test_an_unknown_workload_is_named():
    with pytest.raises(ValueError, match="'mpl'; there are mlp, cnn"):
        workloads.load("mpl")


@pytest.mark.parametrize("peer", peers.NAMES[2:])
def test_a_peer_runs_each_workload_or_says_why_not(peer):
    """Never both, never neither."""
    if peers.absent(peer):
        pytest.skip(peers.absent(peer))
    for name in workloads.NAMES:
        has = hasattr(__import__(f"benchmarks.peers.with_{peer}", fromlist=["_"]), name)
        assert has != bool(peers.cannot(peer, name)), name


def test_a_peer_that_is_not_installed_says_so(monkeypatch):
    monkeypatch.setattr(peers.importlib.util, "find_spec", lambda name: None)
    assert "pip install" in peers.absent("dezero") and peers.absent("engine") is None


# ---- what is said ----


def test_the_table_has_every_figure():
    """Ours, PyTorch's, the ratio and its spread, memory, each peer, the geometric means, and why somebody misses."""
    lines = list(table.lines(found(0.5, 2.0), ["dezero"]))
    assert lines[1].split() == ["net", "0", "500.00", "1000.00", "0.50", "(0.45", "to", "0.55)", "1.50", "0.1"]
    assert lines[3].split()[-2:] == ["1.00", "0.1"]
    assert lines[-1] == "tinygrad: there is no clang (all)"


def test_the_table_cries_when_losses_differ():
    different = found(1.0)
    different["workloads"]["net 0"]["agree"]["dezero"] = False
    assert "LOSSES DIFFER from ours: dezero" in "\n".join(table.lines(different))


def test_json_is_read_as_it_was_written(tmp_path):
    """The newest first; a second run on one day with the same kernels takes the first one's place."""
    old, new = found(1.0), {**found(0.8), "date": "2026-02-01"}
    paths = {results.write(each, tmp_path / "results") for each in (old, new, new)}
    assert sorted(path.name for path in paths) == ["2026-01-01-haswell.json", "2026-02-01-haswell.json"]
    assert results.read_all(tmp_path / "results") == json.loads(json.dumps([new, old]))


def test_committed_results_are_whole():
    """What is committed can be drawn and compared: all ten workloads, PyTorch in each."""
    for each in results.read_all():
        assert each["workloads"].keys() == set(workloads.NAMES)
        assert each["geometric mean"] == pytest.approx(results.geometric_mean(each["workloads"]), abs=1e-3)
        assert all(row["agree"]["torch"] for row in each["workloads"].values())


def test_check_fails_when_the_mean_is_15_percent_worse():
    """0 within 15 %, 1 beyond, against the newest result of this kind of machine; 3 if there is none of it."""
    other = {**found(0.1), "machine": {**HERE, "BLAS": "openblas 0.3 SkylakeX"}, "date": "2026-03-01"}
    committed = [other, found(1.0, 1.0)]
    assert results.check(found(1.1, 1.1)["workloads"], committed, HERE)[0] == 0
    status, verdict = results.check(found(1.0, 1.4)["workloads"], committed, HERE)
    assert status == 1
    assert verdict == "The geometric mean is 1.18; on 2026-01-01 it was 1.00. That is more than 15% worse."
    status, verdict = results.check(found(9.0)["workloads"], [other], HERE)
    assert status == 3 and "Not checked" in verdict and "SkylakeX" in verdict


def test_the_picture_shows_ratios(tmp_path):
    """A row a workload, our figure at each, who is who, and when and where it was measured."""
    figure = picture.draw(found(0.5, 2.0))
    axes, = figure.axes
    assert {"0.50", "2.00"} <= {text.get_text() for text in axes.texts}
    assert {text.get_text() for text in axes.get_legend().texts} == {"Chainrule", "PyTorch eager", "DeZero"}
    assert "2026-01-01" in figure.texts[0].get_text() and "Haswell" in figure.texts[0].get_text()
    assert picture.write(found(0.5), tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


# ---- the command ----


@pytest.fixture
def measured(monkeypatch):
    """The command with measured rows put in; returns what it wrote."""
    written = []
    rows = dict.fromkeys(workloads.NAMES, row(0.9))
    monkeypatch.setattr(peers, "absent", lambda peer: None)
    monkeypatch.setattr(command, "measure", lambda name, *settings: copy.deepcopy(rows[name]))
    monkeypatch.setattr(results, "document", lambda rows, rounds: {**found(1.0), "workloads": rows})
    monkeypatch.setattr(results, "write", lambda found: written.append("json") or "a.json")
    monkeypatch.setattr(picture, "write", lambda found: written.append("picture") or "a.png")
    monkeypatch.setattr(machine, "describe", lambda: HERE)
    return rows, written


def test_only_the_whole_run_writes(measured, capsys):
    """A quick look at one workload leaves the committed results alone."""
    assert command.main(["mlp"]) == command.main(["--scale", "4"]) == 0 and measured[1] == []
    assert command.main([]) == 0 and measured[1] == ["json", "picture"]
    assert "a.json a.png" in capsys.readouterr().out


def test_wrong_numbers_are_never_written(measured, capsys):
    """A benchmark of a step that computes something else is worthless: status 1."""
    measured[0]["lstm"] = {**row(0.5), "agree": {"torch": False}}
    assert command.main([]) == 1 and measured[1] == []
    assert "Losses differ" in capsys.readouterr().out


@pytest.mark.parametrize("before, status", [(0.9, 0), (0.5, 1), (None, 3)])
def test_check_gives_its_status(measured, monkeypatch, before, status):
    monkeypatch.setattr(results, "read_all", lambda: [] if before is None else [found(before)])
    assert command.main(["--check"]) == status and measured[1] == []


WRONG = ["mpl", "--repeats 0", "--scale 0", "mlp --check", "--scale 4 --check", "--scale 4 --peers dezero"]


@pytest.mark.parametrize("arguments", WRONG)
def test_a_wrong_command_line_is_refused(measured, capsys, arguments):
    with pytest.raises(SystemExit) as error:
        command.main(arguments.split())
    assert error.value.code == 2 and "error:" in capsys.readouterr().err


# ---- growth ----


def test_exponents_are_fitted_to_the_larger_sizes():
    """Of 5 + x² the small sizes tell nothing; a step that grows faster than PyTorch's is named."""
    squares = {size: 5 + size**2 for size in (1, 2, 30, 60, 120)}
    assert growth.exponent(squares) == pytest.approx(2, abs=0.01)
    lines = {size: 5.0 * size for size in squares}
    assert "GROWS FASTER" in growth.line("batch", "mlp", {"engine": squares, "torch": lines})
    assert "GROWS FASTER" not in growth.line("batch", "mlp", {"engine": lines, "torch": squares})


def test_all_growths_are_drawn(tmp_path):
    """Two lines for each workload, ours and PyTorch's, and sizes that the workloads have."""
    found = {}
    for size, growing in growth.GROWTHS.items():
        for name, values in growing.items():
            assert size in workloads.sizes(name)
            found[size, name] = {peer: dict.fromkeys(values, 0.001) for peer in ("engine", "torch")}
    growth.draw(found, tmp_path / "growth.png")
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")
