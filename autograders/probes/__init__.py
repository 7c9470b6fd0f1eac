"""Probes: trusted code that uses a learner's answer, where using it takes more than a call with arrays.

A probe is a module with a function `probe(answer, *arguments)` that returns one array or a tuple of them. It runs
beside the answer, in the notebook and in the sandbox, so it needs nothing but numpy and the engine, knows no right
answer, and is believed no more than the answer itself: what it returns is judged outside.
"""


class Unusable(Exception):
    """The answer cannot be used as the exercise says. The message is a sentence for the learner."""
