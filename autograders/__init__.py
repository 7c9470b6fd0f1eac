"""What "right" means for each exercise, and the machinery that finds out safely."""

from autograders.check import NotPassed, check, inputs, yours_or_ours

__all__ = ["NotPassed", "check", "inputs", "yours_or_ours"]
