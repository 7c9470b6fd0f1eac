"""What the engine costs beside its peers: `python -m benchmarks` (docs/performance.md). Other files here are scripts."""
