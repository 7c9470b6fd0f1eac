"""What was measured, as JSON in benchmarks/results/: written, found again, and held against a new measurement.

    {"date", "machine", "versions", "rounds", "geometric mean",
     "workloads": {name: {"title", "seconds": {peer: s}, "ratios": {peer: ours / peer}, "agree": {peer: bool},
                          "spread": [least, most] against torch, "memory": {peer: bytes}, "not run": {peer: why}}}}
"""

import datetime
import json
import math
import pathlib
import statistics

from benchmarks import machine, peers
from engine.files import write_atomically

FOLDER = pathlib.Path(__file__).parent / "results"
WORSE = 1.15  # by which the geometric mean may grow before --check fails
FINE, IS_WORSE, NOTHING_TO_COMPARE = 0, 1, 3  # exit statuses of --check; 2 is a wrong command line


def document(rows, rounds):
    return {
        "date": datetime.date.today().isoformat(),
        "machine": machine.describe(),
        "versions": peers.versions(),
        "rounds": rounds,
        "geometric mean": round(geometric_mean(rows), 4),
        "workloads": rows,
    }


def geometric_mean(rows, peer=peers.TORCH):
    """Of our seconds / the peer's, over the workloads that it ran; NaN if there are none."""
    ratios = [row["ratios"][peer] for row in rows.values() if peer in row["ratios"]]
    return math.exp(statistics.fmean(map(math.log, ratios))) if ratios else math.nan


def write(found, folder=FOLDER):
    """The path of the new file; named by the date and the BLAS kernels, so a second run on one day takes its place."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{found['date']}-{found['machine']['BLAS'].split()[-1].lower()}.json"
    write_atomically(path, (json.dumps(found, indent=1) + "\n").encode())
    return path


def read_all(folder=FOLDER):
    """All of them, the newest first."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
    return sorted(found, key=lambda each: each["date"], reverse=True)


def check(rows, committed, here):
    """(exit status, a sentence): new rows against the newest committed result of a machine that is as `here`."""
    same = [each for each in committed if each["machine"] == here]
    if not same:
        kinds = "; ".join(f"{each['date']}: {each['machine']}" for each in committed) or "none"
        verdict = f"Not checked: no committed result is from a machine of this kind.\nHere: {here}\nThere: {kinds}"
        return NOTHING_TO_COMPARE, verdict
    before, now = same[0]["geometric mean"], geometric_mean(rows)
    verdict = f"The geometric mean is {now:.2f}; on {same[0]['date']} it was {before:.2f}."
    if now > WORSE * before:
        return IS_WORSE, f"{verdict} That is more than {WORSE - 1:.0%} worse."
    return FINE, verdict
