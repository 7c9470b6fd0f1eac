"""Data: samples from where they lie to a batch that a network can learn from."""
