"""Graphs as the few lines that make them, over the leaves a, b, c and d; the graph is that of `y`."""

DEEP = 4_000  # more steps than Python lets a function call itself: 1,000, in a notebook 3,000
USED_TWICE = "b = a + a; y = b + b"
TWO_WAYS = (  # a short way and a long way to a leaf, then to a node with inputs of its own; each in both orders
    "b = a + a; c = b + a; y = a + c",
    "b = a + a; c = b + a; y = c + a",
    "e = a * b; f = e.tanh(); g = f * c; y = e + g",
    "e = a * b; f = e.tanh(); g = f * c; y = g + e",
)


def random_program(rng, operations):
    """A program of that many operations and a last sum, whose later lines use results of earlier ones again."""
    names, lines = list("abcd"), []
    for number in range(operations):
        recent = names[-5:]
        first, second = rng.choice(recent, 2)
        name = f"v{number}"
        lines.append(f"{name} = {rng.choice([f'{first} + {second}', f'{first} * {second}', f'{first}.tanh()'])}")
        names.append(name)
    return "; ".join([*lines, f"y = {names[-2]} + {names[-1]}"])
