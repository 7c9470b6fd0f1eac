"""What the engine costs beside its peers: `python -m benchmarks` (docs/performance.md). The rest are scripts."""
