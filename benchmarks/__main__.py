"""Our training steps beside PyTorch's and other peers', in turns: table, picture and JSON (docs/performance.md).

With names of workloads, another scale or device, or --check, the race is against PyTorch alone, and nothing is written.
"""

import argparse
import sys

from benchmarks import machine, memory, peers, picture, race, results, table, workloads

ROUNDS, ROUNDS_OF_OTHERS = 7, 3


def main(arguments=None):
    """The exit status: 1 if losses differ, otherwise that of --check, 0 without it."""
    options = parse(arguments)
    names = options.workloads or workloads.NAMES
    whole = not options.workloads and not options.check and (options.scale, options.device) == (1, "cpu")
    chosen = options.peers or (peers.NAMES if whole else peers.NAMES[:2])
    rows = {}
    print(table.head(chosen[2:]), flush=True)
    for name in names:
        sizes = workloads.scaled(name, options.scale) | {"device": options.device}
        rows[name] = measure(name, chosen, options.repeats, whole or options.memory, sizes)
        print(table.line(name, rows[name], chosen[2:]), flush=True)
    found = results.document(rows, options.repeats)
    print(*table.summary(found, chosen[2:]), sep="\n")
    if not all(agree for row in rows.values() for agree in row["agree"].values()):
        print("Losses differ, so the times mean nothing; nothing was written.")
        return results.IS_WORSE
    if options.check:
        status, verdict = results.check(rows, results.read_all(), machine.describe())
        print(verdict)
        return status
    if whole:
        print("written:", results.write(found), picture.write(found))
    return 0


def parse(arguments):
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=", ".join(workloads.NAMES))
    add = parser.add_argument
    add("--repeats", type=int, default=ROUNDS, metavar="N", help=f"rounds against PyTorch ({ROUNDS})")
    add("--peers", nargs="+", choices=peers.NAMES[2:], help="these beside PyTorch, instead of all or none")
    add("--memory", action="store_true", help="measure memory also where workloads are named")
    add("--scale", type=int, default=1, metavar="N", help="batches (of the chain: the length) so many times as large")
    add("--device", default="cpu", help="cpu (the default) or cuda; memory is the CPU's")
    against = "compare the geometric mean with the committed result: status 1 if 15 %% worse, 3 if there is none"
    add("--check", action="store_true", help=against)
    options = parser.parse_args(arguments)
    unknown = [name for name in options.workloads if name not in workloads.NAMES]
    if unknown:
        parser.error(f"unknown workloads: {', '.join(unknown)}")
    for name in ("repeats", "scale"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} expects a positive number, got {getattr(options, name)}")
    if options.check and (options.workloads or (options.scale, options.device) != (1, "cpu")):
        parser.error("--check is about all workloads as they are; no names, scale or device")
    if options.peers:
        if (options.scale, options.device) != (1, "cpu"):
            parser.error("the other peers run the workloads at their own size on the CPU")
        options.peers = (*peers.NAMES[:2], *options.peers)
    if peers.absent(peers.TORCH):
        parser.error(peers.absent(peers.TORCH))
    return options


def measure(name, chosen, rounds, with_memory, sizes):
    """One workload's row of results.py."""
    raced = race.race(name, chosen[:2], rounds, sizes)
    skipped = {}
    for peer in chosen[2:]:
        reason = peers.absent(peer) or peers.cannot(peer, name)
        if reason:
            skipped[peer] = reason
        else:
            raced[peer] = race.race(name, (peers.OURS, peer), ROUNDS_OF_OTHERS)[peer]
    peaks = {peer: memory.peak(peer, name, sizes) for peer in chosen[:2]} if with_memory else {}
    others = {peer: each for peer, each in raced.items() if peer != peers.OURS}
    return {
        "title": workloads.title(name),
        "seconds": {peer: each.seconds for peer, each in raced.items()},
        "ratios": {peer: each.ratio for peer, each in others.items()},
        "spread": [min(raced[peers.TORCH].ratios), max(raced[peers.TORCH].ratios)],
        "agree": {peer: race.agree(each.losses, raced[peers.OURS].losses) for peer, each in others.items()},
        "memory": {peer: peak for peer, peak in peaks.items() if peak is not None},
        "not run": skipped,
    }


if __name__ == "__main__":
    sys.exit(main())
