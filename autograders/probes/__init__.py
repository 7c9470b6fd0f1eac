"""What runs beside an answer where calling it with arrays is not enough: a module a probe, each with a function `probe`.

A probe is trusted code, but it runs where the answer runs, in the sandbox too. It may import numpy and engine and
nothing else of ours, and returns one array or a tuple of arrays.
"""
