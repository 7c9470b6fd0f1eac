"""The engine stays small enough to be read: its core in lines of code, without blank lines, comments and docstrings."""

import ast
import io
import pathlib
import tokenize

import engine

FOLDER = pathlib.Path(engine.__file__).parent
CORE = ["backend.py", "dtypes.py", "autograd", "ops", "tensor.py"]
MOST = 3200  # the aim is 2,000; until then this keeps it from growing
SILENT = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING,
    tokenize.ENDMARKER,
}  # fmt: skip


def code_lines(text):
    """The numbers of the lines that hold code: a token that says something, outside of docstrings."""
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in SILENT:
            lines.update(range(token.start[0], token.end[0] + 1))
    return lines - docstring_lines(text)


def docstring_lines(text):
    lines = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            lines.update(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return lines


def files_of_the_core():
    for name in CORE:
        path = FOLDER / name
        yield from [path] if path.is_file() else sorted(path.rglob("*.py"))


def test_the_core_is_small():
    """backend, dtypes, autograd, ops and tensor together."""
    sizes = {str(path.relative_to(FOLDER)): len(code_lines(path.read_text("utf-8"))) for path in files_of_the_core()}
    assert sum(sizes.values()) < MOST, f"{sum(sizes.values())} lines of code: {sizes}"


def test_counting():
    """Statements over several lines count each; docstrings, comments and blank lines do not."""
    text = '"""Doc\n\nstring."""\n\nx = (\n    1,  # one\n    # two\n    2,\n)\n\n\n'
    text += 'def f():\n    """Says."""\n    return """a\n\nb"""\n'
    assert len(code_lines(text)) == 4 + 1 + 3
