"""The chain rule on one edge, in words: what an operation sends back to one of its inputs.

The words are the engine's own: the VJP that the op's entry in the table gives for that input, read from its source and
written as one would on paper, `g @ transposed(b)` as g @ bᵀ. Where the source is more than a formula, FORMULAS says it.
In all of them g is the gradient that has arrived at the operation's result.
"""

import ast
import functools
import inspect

from ..ops.table import explain_broadcast

# For VJPs that are more than one formula, or whose formula hides in helpers. {a} is the input a, {out} the result.
FORMULAS = {
    "abs_complex": {"a": "g × {a} / |{a}|"},
    "amax": {"a": "g where {a} is the largest, else 0"},
    "amin": {"a": "g where {a} is the smallest, else 0"},
    "cat": {"tensors": "the part of g that came from here"},
    "batch_norm": {
        "a": "(d − mean(d) − x × mean(d × x)) / σ for each channel, d = g × {weight}, x = ({a} − mean({a})) / σ",
        "weight": "Σ of g × ({a} − mean({a})) / σ over batch and places", "bias": "Σ of g over batch and places"},
    "clamp": {"a": "g where {a} is within the limits, else 0"},
    "constant_pad_nd": {"a": "the part of g inside the padding"},
    "convolution": {
        "a": "g ∗ᵀ {weight}", "weight": "each window of {a} × g, added up", "bias": "Σ of g over batch and places"},
    "convolution_transposed": {
        "output": "g ∗ {weight}", "weight": "each window of g × {output}, added up",
        "bias": "Σ of g over batch and places"},
    "convolution_weight": {"a": "{output} ∗ᵀ g", "output": "{a} ∗ g"},
    "copy_slices": {"base": "g, but 0 where it was overwritten", "values": "g where they were written"},
    "cumprod": {"a": "Σ of (g × {out}) from here on / {a}"},
    "cumsum": {"a": "Σ of g from here on"},
    "diagonal": {"a": "g on the diagonal, else 0"},
    "diagonal_put": {"g": "the diagonal of g"},
    "div_rounded": {"a": "0", "b": "0"},
    "elu": {"a": "g where {a} > 0, else g × exp({a}), with the scales"},
    "embedding": {"weight": "g added to the row of each index, else 0"},
    "expand": {"a": "g"},
    "flip": {"a": "g, flipped back"},
    "fold_windows": {"g": "the windows of g"},
    "gather": {"a": "g added where each element was picked, else 0"},
    "gelu": {"a": "g × the slope of gelu at {a}"},
    "gelu_tanh": {"a": "g × the slope of gelu at {a}"},
    "im2col": {"a": "Σ of g over the windows"},
    "index": {"a": "g where the elements were picked, else 0"},
    "index_put": {"a": "g, but 0 where it was overwritten", "values": "g where they were written"},
    "index_put_add": {"g": "g where they were added"},
    "leaky_relu": {"a": "g where {a} > 0, else g × {slope}"},
    "linear": {"a": "g @ {weight}", "weight": "gᵀ @ {a}, summed over the batch", "bias": "Σ of g over the batch"},
    "layer_norm": {
        "a": "(d − mean(d) − x × mean(d × x)) / σ, d = g × {weight}, x = ({a} − mean({a})) / σ",
        "weight": "Σ of g × ({a} − mean({a})) / σ over the batch", "bias": "Σ of g over the batch"},
    "linalg_det": {"a": "g × {out} × inv({a})ᵀ"},
    "log_softmax": {"a": "g − exp({out}) × Σg"},
    "logabsdet": {"a": "g × inv({a})ᵀ"},
    "logsumexp": {"a": "g × exp({a} − {out})"},
    "masked_fill": {"a": "g where the mask is False, else 0", "value": "g where the mask is True, else 0"},
    "matmul": {"a": "g @ {b}ᵀ", "b": "{a}ᵀ @ g"},
    "max_pool": {"a": "g where {a} is the largest of its window, else 0"},
    "max_pool_of_winners": {"a": "g where {a} was the largest of its window, else 0"},
    "max_pool_to_winners": {"g": "g at the largest of each window"},
    "maximum": {"a": "g where {a} is larger, else 0", "b": "g where {b} is larger, else 0"},
    "mean": {"a": "g / n, for each of the n elements"},
    "minimum": {"a": "g where {a} is smaller, else 0", "b": "g where {b} is smaller, else 0"},
    "mish": {"a": "g × the slope of mish at {a}"},
    "move": {"a": "g"},
    "normal_cdf": {"a": "g × exp(−{a}² / 2) / √(2 × π)"},
    "nll_loss": {"logs": "−g at each row's class (÷ n for a mean), else 0"},
    "permute": {"a": "g, dimensions back in their order"},
    "pow": {"a": "g × {b} × {a}^({b} − 1)", "b": "g × {out} × log({a})"},
    "pow_number": {"a": "g × {exponent} × {a}^({exponent} − 1)"},  # with a number for the exponent: see _power_rule
    "prod": {"a": "g × {out} / {a}"},
    "reshape": {"a": "g in the shape of {a}"},
    "roll": {"a": "g, rolled back"},
    "scatter": {"a": "g, but 0 where it was overwritten", "values": "g where they were written"},
    "scatter_add_zeros": {"g": "g where they were added"},
    "silu": {"a": "g × (s + {a} × s × (1 − s)), s = sigmoid({a})"},
    "softmax": {"a": "{out} × (g − Σ(g × {out}))"},
    "standardize": {"a": "(g − mean(g) − {out} × mean(g × {out})) / σ"},
    "std": {"a": "g × ({a} − mean) / ((n − {correction}) × {out})"},
    "sum": {"a": "g, for each element"},
    "sum_pool": {"a": "g, for each element of its window"},
    "sum_pool_back": {"g": "Σ of g over the windows"},
    "to": {"a": "g"},
    "transpose": {"a": "gᵀ"},
    "tril": {"a": "the lower triangle of g"},
    "triu": {"a": "the upper triangle of g"},
    "unfold": {"a": "Σ of g over the windows"},
    "var": {"a": "g × 2 × ({a} − mean) / (n − {correction})"},
    "vector_norm": {"a": "g × {a} / {out}"},
    "where": {"a": "g where the condition is True, else 0", "b": "g where the condition is False, else 0"},
}

SIGNS = {ast.Add: " + ", ast.Sub: " − ", ast.Mult: " × ", ast.Div: " / ", ast.MatMult: " @ ", ast.Pow: "^"}
COMPARISONS = {ast.Gt: ">", ast.GtE: "≥", ast.Lt: "<", ast.LtE: "≤", ast.Eq: "=", ast.NotEq: "≠"}
BINDS = {ast.Add: 1, ast.Sub: 1, ast.Mult: 2, ast.Div: 2, ast.MatMult: 2, ast.USub: 3, ast.Pow: 4}
CONSTANTS = {"math.pi": "π"}
SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def rule(op, position, names):
    """What `op` sends back to its input number `position`, e.g. "g @ Wᵀ"; None if the op says it in code alone.

    names: what to call the op's inputs, its keywords and, as "out", its result; what is missing keeps its own name.
    """
    vjp = op.vjps[0 if op.is_variadic else position]
    input_name = op.inputs[0].lstrip("*") if op.is_variadic else op.inputs[position]
    if op.name == "permute" and names.get("dims") == "(1, 0)":  # a matrix, transposed
        return "gᵀ"
    if op.name == "pow_number" and "exponent" in names:
        return _power_rule(names.get("a", "a"), float(names["exponent"]))
    formula = FORMULAS.get(op.name, {}).get(input_name)
    if formula is not None:
        return formula.format_map(_Names(names))
    body = formula_of(vjp)
    return None if body is None else _Writer(names).written(body)


def _power_rule(base, exponent):
    less = exponent - 1
    power = "" if less == 0 else f" × {base}" if less == 1 else f" × {base}^{less:g}".replace("-", "−")
    if less == int(less):
        power = power.replace(f"^{less:g}".replace("-", "−"), f"{less:g}".translate(SUPERSCRIPTS))
    return f"g × {exponent:g}{power}".replace("× -", "× −")


@functools.cache
def formula_of(vjp):
    """The expression that a VJP written as a lambda returns, as a syntax tree; None for any other function."""
    vjp = inspect.unwrap(vjp)  # `ops.quick` wraps the plain one
    if getattr(vjp, "__name__", "") != "<lambda>":
        return None
    code = vjp.__code__
    candidates = [each for each in _lambdas(inspect.getsourcefile(vjp)) if _is_code_of(each, code)]
    return candidates[0].body if len(candidates) == 1 else None


@functools.cache
def _lambdas(path):
    with open(path, encoding="utf-8") as file:
        return [node for node in ast.walk(ast.parse(file.read())) if isinstance(node, ast.Lambda)]


def _is_code_of(node, code):
    arguments = [each.arg for each in node.args.args]
    if node.lineno != code.co_firstlineno or arguments != list(code.co_varnames[: code.co_argcount]):
        return False
    body = node.body
    places = [(line, column) for line, _, column, _ in code.co_positions() if line is not None and column]
    return all((body.lineno, body.col_offset) <= place <= (body.end_lineno, body.end_col_offset) for place in places)


def summed(op, shape, result_shape):
    """The dimensions of an op's result along which an input of this `shape` was broadcast: g is summed over them."""
    if op.explain is not explain_broadcast and op.name not in ("masked_fill", "expand"):
        return ()
    added = len(result_shape) - len(shape)
    return tuple(
        dim for dim, size in enumerate(result_shape) if dim < added or (shape[dim - added] == 1 and size != 1))


class _Names(dict):
    def __missing__(self, name):
        return name


class _Writer:
    """Writes a syntax tree as a formula."""

    def __init__(self, names):
        self.names = {"result": names.get("out", "out"), **names}

    def written(self, node, binding=0):
        """The formula; in brackets if it binds less than what stands around it (`binding`)."""
        text, binds = self._part(node)
        return f"({text})" if binds < binding else text

    def _part(self, node):
        if isinstance(node, ast.Name):
            return self.names.get(node.id, node.id), 9
        if isinstance(node, ast.Constant):
            return f"{node.value:g}" if isinstance(node.value, (int, float)) else str(node.value), 9
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return f"−{self.written(node.operand, 3)}", 3
        if isinstance(node, ast.BinOp) and type(node.op) in SIGNS:
            return self._binary(node)
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            left, right = self.written(node.left, 1), self.written(node.comparators[0], 1)
            return f"{left} {COMPARISONS[type(node.ops[0])]} {right}", 0.5
        if isinstance(node, ast.Call):
            return self._call(ast.unparse(node.func).removeprefix("math.").rstrip("_"), node.args)
        if isinstance(node, ast.Attribute):
            return CONSTANTS[ast.unparse(node)], 9
        return ast.unparse(node), 0

    def _binary(self, node):
        binds, power = BINDS[type(node.op)], isinstance(node.op, ast.Pow)
        if power and isinstance(node.right, ast.Constant) and isinstance(node.right.value, int):
            return f"{self.written(node.left, 5)}{str(node.right.value).translate(SUPERSCRIPTS)}", 9
        if isinstance(node.op, ast.Mult) and ast.dump(node.left) == ast.dump(node.right):
            return f"{self.written(node.left, 5)}²", 9
        left, right = self.written(node.left, binds), self.written(node.right, binds + 1)
        return f"{left}{SIGNS[type(node.op)]}{right}", binds

    def _call(self, function, arguments):
        texts = [self.written(each) for each in arguments]
        if function == "transposed":
            return f"{self.written(arguments[0], 5)}ᵀ", 9
        if function == "sqrt":
            return f"√{self.written(arguments[0], 9)}", 5
        return f"{function}({', '.join(texts)})", 9
