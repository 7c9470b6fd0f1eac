"""The results as a table of text."""

from benchmarks import peers
from benchmarks.results import geometric_mean


def lines(found, others=peers.NAMES[2:]):
    """Head, a line a workload, and the summary."""
    yield head(others)
    for name, row in found["workloads"].items():
        yield line(name, row, others)
    yield from summary(found, others)


def summary(found, others):
    """The geometric means, what the figures are, and what was not run."""
    rows = found["workloads"]
    means = "".join(f"{geometric_mean(rows, peer):10.2g}" for peer in others)
    yield f"{'geometric mean of the ratios':32} {geometric_mean(rows):6.2f} {'':14}  {'':6}{means}"
    yield "A ratio is our time / the peer's in the same round, the median: below 1, ours is faster."
    yield "Memory is our peak / torch's."
    for peer, reason in missing(rows):
        yield f"{peer}: {reason}"


def head(others):
    text = f"{'step':12} {'ours ms':>9} {'torch ms':>9} {'ratio':>6} {'(rounds)':>14}  {'memory':>6}"
    return text + "".join(f"{peer:>10}" for peer in others)


def line(name, row, others):
    ours, torch = (1000 * row["seconds"][peer] for peer in (peers.OURS, peers.TORCH))
    least, most = row["spread"]
    spread = f"({least:.2f} to {most:.2f})"
    text = f"{name:12} {ours:9.2f} {torch:9.2f} {row['ratios'][peers.TORCH]:6.2f} {spread:>14}  {memory(row):>6}"
    text += "".join(f"{row['ratios'][peer]:10.2g}" if peer in row["ratios"] else f"{'-':>10}" for peer in others)
    differ = [peer for peer, agree in row["agree"].items() if not agree]
    return text + (f"  LOSSES DIFFER from ours: {', '.join(differ)}" if differ else "")


def memory(row):
    """Our peak / torch's, or - where it was not measured."""
    ours, torch = (row["memory"].get(peer) for peer in (peers.OURS, peers.TORCH))
    return f"{ours / torch:.2f}" if ours and torch else "-"


def missing(rows):
    """(peer, why it ran these workloads not), each reason once."""
    reasons = {}
    for name, row in rows.items():
        for peer, reason in row["not run"].items():
            reasons.setdefault((peer, reason), []).append(name)
    for (peer, reason), names in reasons.items():
        yield peer, f"{reason} ({', '.join(names) if len(names) < len(rows) else 'all'})"
