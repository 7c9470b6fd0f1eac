"""One process, one peer, one workload: what `race.py` starts, so that no peer's threads or memory disturb another's.

    python -m benchmarks.worker PEER WORKLOAD SIZES(as JSON)

It prints a line of JSON with the losses of the first steps. Then each line that it reads is a number of steps: it
makes one step to be warm again, then so many, and prints the seconds that one took.
"""

import json
import sys
import time

from benchmarks import peers

FIRST = 3  # steps whose losses are compared


def main(peer, workload, sizes):
    step = peers.build(peer, workload, **json.loads(sizes))
    say([number(step()) for _ in range(FIRST)])
    for line in sys.stdin:
        say(seconds(step, int(line)))


def seconds(step, count):
    """What one of `count` steps takes, after one that is not counted."""
    number(step())  # on a GPU, this waits for all that was asked for
    begun = time.perf_counter()
    for _ in range(count):
        loss = step()
    number(loss)
    return (time.perf_counter() - begun) / count


def number(loss):
    return float(loss.item() if hasattr(loss, "item") else loss)


def say(found):
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
