"""Answers that are the same but for names and constants: who may have worked together, or copied.

Two answers are alike if their syntax trees are equal once variables are numbered in the order in which they appear,
constants are only of a kind, and docstrings are gone. Attributes and keywords stay: they are what the answer calls.
"""

import ast

SMALLEST = 30  # nodes of a syntax tree; short right answers agree by themselves


def groups(answers):
    """Lists of at least two names, largest first, whose answers in {name: source} are alike."""
    found = {}
    for name, source in answers.items():
        form = normal_form(source)
        if form is not None:
            found.setdefault(form, []).append(name)
    alike = [sorted(names) for names in found.values() if len(names) > 1]
    return sorted(alike, key=lambda names: (-len(names), names))


def normal_form(source):
    """The answer's tree as text without names and constants; None if it is too short or no Python."""
    try:
        tree = ast.parse(source)
        if sum(1 for _ in ast.walk(tree)) < SMALLEST:
            return None
        return ast.dump(_Anonymous().visit(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # what a stranger's text can make of the parser
        return None


class _Anonymous(ast.NodeTransformer):
    """Numbers the names, blurs the constants, drops the docstrings."""

    def __init__(self):
        self._numbers = {}

    def _number(self, name):
        return f"name{self._numbers.setdefault(name, len(self._numbers))}"

    def visit_Name(self, node):
        return ast.Name(self._number(node.id), node.ctx)

    def visit_arg(self, node):
        return ast.arg(self._number(node.arg))

    def visit_Constant(self, node):
        return ast.Constant(type(node.value).__name__)

    def visit_FunctionDef(self, node):
        node.name = self._number(node.name)
        node.returns = None
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return self.generic_visit(node)
