"""Mutants: a right answer with one small thing changed, as a typing error or a slip of thought would change it.

Each comes with the line before and after. What is changed: an operator, a comparison, a number, True and False, a
transposition, an axis, the order of results, a condition, a reduction; or one statement is left out.
"""

import ast
import copy
import inspect
import textwrap

from autograders.session import source_of

OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.MatMult: ast.Mult,
    ast.FloorDiv: ast.Div, ast.Pow: ast.Mult, ast.Mod: ast.FloorDiv}
COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}
REDUCTIONS = {"sum": "mean", "mean": "sum", "max": "min", "min": "max", "argmax": "argmin", "argmin": "argmax",
              "zeros": "ones", "zeros_like": "ones_like", "ones": "zeros", "exp": "log", "log": "exp", "sqrt": "square"}


def mutants(answer):
    """Yield (line number, line before, line after, the mutant) for a function or a class with its source at hand.

    A mutant that cannot even be defined is left out.
    """
    source = textwrap.dedent(source_of(answer))
    places = list(ast.walk(ast.parse(source)))
    for index in range(len(places)):
        for change in CHANGES:
            tree = ast.parse(source)
            node = list(ast.walk(tree))[index]
            before = copy.deepcopy(tree)
            if not change(node):
                continue
            old, new = ast.unparse(before).splitlines(), ast.unparse(tree).splitlines()
            number = next((n for n, pair in enumerate(zip(old, new)) if pair[0] != pair[1]), None)
            if number is None:
                continue
            made = _defined(tree, answer)
            if made is not None:
                yield number + 1, old[number].strip(), new[number].strip() if len(old) == len(new) else "", made


def _defined(tree, answer):
    functions = vars(answer).values() if isinstance(answer, type) else [answer]
    written = [inspect.unwrap(getattr(each, "__func__", each)) for each in functions]  # without their decorators
    around = next(each.__globals__ for each in written if hasattr(each, "__globals__"))
    namespace = dict(around)
    try:
        exec(compile(ast.fix_missing_locations(tree), f"<mutant of {answer.__name__}>", "exec"), namespace)
    except (SyntaxError, TypeError, ValueError, NameError, AttributeError):
        return None
    return namespace[answer.__name__]


# The changes: each takes one node, changes it in place and returns whether it did


def _operator(node):
    if isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in OPERATORS:
        node.op = OPERATORS[type(node.op)]()
        return True
    return False


def _comparison(node):
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        node.ops[0] = COMPARISONS[type(node.ops[0])]()
        return True
    return False


def _number(node):
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        node.value += 1
        return True
    return False


def _truth(node):
    if isinstance(node, ast.Constant) and type(node.value) is bool:
        node.value = not node.value
        return True
    return False


def _sign(node):
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node.op = ast.UAdd()
        return True
    return False


def _transposition(node):
    for field, value in ast.iter_fields(node):
        for place, each in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(each, ast.Attribute) and each.attr in ("T", "mT"):
                if place is None:
                    setattr(node, field, each.value)
                else:
                    value[place] = each.value
                return True
    return False


def _reduction(node):
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in REDUCTIONS:
        node.func.attr = REDUCTIONS[node.func.attr]
        return True
    return False


def _keyword_left_out(node):
    if isinstance(node, ast.Call) and node.keywords:
        node.keywords.pop(0)
        return True
    return False


def _results_turned(node):
    if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and len(node.value.elts) > 1:
        node.value.elts = node.value.elts[::-1]
        return True
    return False


def _condition(node):
    if isinstance(node, (ast.If, ast.IfExp)):
        node.test = ast.UnaryOp(ast.Not(), node.test)
        return True
    return False


def _statement_left_out(node):
    if not isinstance(node, ast.FunctionDef):
        return False
    for place, each in enumerate(node.body[1:], 1):
        if isinstance(each, (ast.AugAssign, ast.Expr)) and not getattr(each, "gone", False):
            node.body[place] = ast.Pass()
            return True
    return False


CHANGES = (
    _operator, _comparison, _number, _truth, _sign, _transposition, _reduction, _keyword_left_out, _results_turned,
    _condition, _statement_left_out)
