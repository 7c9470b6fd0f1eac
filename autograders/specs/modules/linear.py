"""Linear(in_features, out_features): x @ weight.T + bias, with parameters of its own."""

import sys

import engine as torch
from autograders.spec import EDGE, Case, Misconception, Spec, Use, multilinear_rounding
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal
from engine import nn


def linear(x, weight, bias, gradient):
    """Output and gradients, as a sum of products."""
    rows, gradients = x.reshape(-1, x.shape[-1]), gradient.reshape(-1, gradient.shape[-1])
    return x @ weight.T + bias, gradient @ weight, gradients.T @ rows, gradients.sum(axis=0)


def linear_cases(rng):
    """Batches of rows, with one and with several batch axes."""
    one, several = "a batch of rows", "several batch axes"
    for batch, inputs, outputs, dtype, group in [
        ((2,), 3, 2, SINGLE, one),
        ((4,), 2, 5, DOUBLE, one),
        ((3,), 3, 3, SINGLE, "as many outputs as inputs"),
        ((2,), 4, 4, DOUBLE, "as many outputs as inputs"),
        ((2, 3), 4, 2, SINGLE, several),
        ((2, 2, 2), 3, 4, DOUBLE, several),
    ]:
        yield _linear_case(rng, batch, inputs, outputs, dtype, group)
    yield _linear_case(rng, (), 3, 2, SINGLE, "a single row", EDGE)
    yield _linear_case(rng, (2,), 1, 1, SINGLE, "one number in, one out", EDGE)
    yield _linear_case(rng, (0,), 3, 2, SINGLE, "an empty batch", EDGE)


def _linear_case(rng, batch, inputs, outputs, dtype, *where):
    shapes = [(*batch, inputs), (outputs, inputs), (outputs,), (*batch, outputs)]
    return Case(tuple(normal(rng, shape, dtype) for shape in shapes), *where)


class LinearLayer(nn.Module):
    """The parameters; what is done with them is left to the classes below."""

    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features))
        self.bias = nn.Parameter(torch.zeros(out_features))


class _WithoutBias(LinearLayer):
    def forward(self, x):
        return x @ self.weight.T


class _NotTransposed(LinearLayer):
    def forward(self, x):
        return x @ self.weight + self.bias


class _WeightTheOtherWay(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(in_features, out_features))
        self.bias = nn.Parameter(torch.zeros(out_features))

    def forward(self, x):
        return x @ self.weight + self.bias


class _PlainTensors(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight = torch.randn(out_features, in_features, requires_grad=True)
        self.bias = torch.zeros(out_features, requires_grad=True)

    def forward(self, x):
        return x @ self.weight.T + self.bias


class _PlainBias(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features))
        self.bias = torch.zeros(out_features)

    def forward(self, x):
        return x @ self.weight.T + self.bias


class _Detached(LinearLayer):
    def forward(self, x):
        return x @ self.weight.detach().T + self.bias


class _NoGradient(LinearLayer):
    def forward(self, x):
        return torch.tensor(x.detach().numpy() @ self.weight.detach().numpy().T) + self.bias


class _WeightFirst(LinearLayer):
    def forward(self, x):
        return self.weight @ x + self.bias


class LinearWithMatmul(LinearLayer):
    """As the docstring says it."""

    def forward(self, x):
        return x @ self.weight.T + self.bias


class LinearWithEinsum(LinearLayer):
    """Names every axis."""

    def forward(self, x):
        return torch.einsum("...i,oi->...o", x, self.weight) + self.bias


class LinearWithAddmm(LinearLayer):
    """One call for product and sum, on rows."""

    def forward(self, x):
        rows = x.reshape(-1, x.shape[-1])
        return torch.addmm(self.bias, rows, self.weight.t()).reshape(*x.shape[:-1], len(self.bias))


class LinearWithBroadcasting(LinearLayer):
    """Multiplies everything with everything, and adds up."""

    def forward(self, x):
        return (x.unsqueeze(-2) * self.weight).sum(-1) + self.bias


class LinearRowByRow(LinearLayer):
    """A loop over the outputs."""

    def forward(self, x):
        return torch.stack([(x * row).sum(-1) + b for row, b in zip(self.weight, self.bias)], dim=-1)


class LinearWithColumn(LinearLayer):
    """The bias is one more column of the weight, for an input that is always 1."""

    def forward(self, x):
        ones = torch.ones(*x.shape[:-1], 1, dtype=x.dtype)
        return torch.cat([x, ones], dim=-1) @ torch.cat([self.weight, self.bias.unsqueeze(1)], dim=1).T


class LinearInDouble(LinearLayer):
    """Computes in float64, warns on stderr, and rounds once at the end."""

    def forward(self, x):
        print("multiplying", tuple(x.shape), file=sys.stderr)
        return (x.double() @ self.weight.double().T + self.bias.double()).to(x.dtype)


class LinearByRegistering(nn.Module):
    """Registers its parameters by name, drawn as torch draws them."""

    def __init__(self, in_features, out_features):
        super().__init__()
        bound = in_features**-0.5
        self.register_parameter("weight", nn.Parameter(torch.empty(out_features, in_features).uniform_(-bound, bound)))
        self.register_parameter("bias", nn.Parameter(torch.empty(out_features).uniform_(-bound, bound)))

    def forward(self, x):
        return torch.matmul(x, self.weight.mT) + self.bias


class LinearInOnePiece(nn.Module):
    """x @ weight.T + bias: weight has the shape (out_features, in_features), bias (out_features,)."""

    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features) / in_features**0.5)
        self.bias = nn.Parameter(torch.zeros(out_features))

    def forward(self, x):
        return x @ self.weight.T + self.bias


ENGINES_OWN = nn.Linear  # which `nn.Linear` is no more once an answer is in use


def as_linear(answer):
    """The answer where the engine makes a layer with a bias; the engine's own where something else is asked for."""

    class Linear(answer):
        def __new__(cls, in_features, out_features, bias=True, device=None, dtype=None):
            if not bias or device is not None or dtype is not None:
                return ENGINES_OWN(in_features, out_features, bias, device, dtype)
            return super().__new__(cls)

        def __init__(self, in_features, out_features, bias=True, device=None, dtype=None):
            super().__init__(in_features, out_features)

    return Linear


EXERCISE = Spec(
    name="modules/linear",
    function="Linear",
    use=Use("class", probe="linear"),
    parameters=("in_features", "out_features"),
    inputs=("x", "weight", "bias", "gradient"),
    returns=("output", "grad_x", "grad_weight", "grad_bias"),
    title="A layer that owns its parameters",
    why="Nearly every network is made of linear layers; the optimizer finds their numbers through `parameters()`.",
    minutes=10,
    difficulty=2,
    weights=WEIGHTS,
    ours=ENGINES_OWN,
    part="nn.Linear",
    as_part=as_linear,
    rounding=multilinear_rounding(linear),
    cases=linear_cases,
    packages=("numpy", "engine"),
    withheld=("engine.nn.linear.Linear", "engine.nn.linear.Bilinear", "engine.nn.functional.linear"),
    shortcuts=(
        "from engine.nn import Linear",
        "import engine\nclass Linear(engine.nn.Linear):\n    pass",
        "import engine as torch\nfrom engine import nn\nclass Linear(nn.Module):\n"
        "    def __init__(self, in_features, out_features):\n        super().__init__()\n"
        "        self.weight = nn.Parameter(torch.zeros(out_features, in_features))\n"
        "        self.bias = nn.Parameter(torch.zeros(out_features))\n"
        "    def forward(self, x):\n        return nn.functional.linear(x, self.weight, self.bias)\n",
    ),
    misconceptions=(
        Misconception(
            "without bias",
            "The product is right, the bias is missing: add `self.bias`, which broadcasting repeats for every row.",
            _WithoutBias,
        ),
        Misconception(
            "weight not transposed",
            "`weight` has the shape (out_features, in_features), so it has to be turned to meet `x`: `x @ "
            "self.weight.T`. With as many outputs as inputs nothing complains, and the numbers are wrong.",
            _NotTransposed,
        ),
        Misconception(
            "weight the other way round",
            "Your weight has the shape (in_features, out_features). That would work, but torch keeps it as "
            "(out_features, in_features), and saved weights have to fit: turn it, and multiply by its transpose.",
            _WeightTheOtherWay,
        ),
        Misconception(
            "plain tensors",
            "Your tensors are no parameters: `parameters()` does not find them, so no optimizer would train them. "
            "Wrap each in `nn.Parameter`.",
            _PlainTensors,
        ),
        Misconception(
            "bias is a plain tensor",
            "`weight` is a parameter, `bias` is a plain tensor, which `parameters()` does not find: wrap it in "
            "`nn.Parameter` too, or it will stay as it is for ever.",
            _PlainBias,
        ),
        Misconception(
            "detached",
            "The output is right, but no gradient reaches the weight: it was detached on the way. Use "
            "`self.weight` itself.",
            _Detached,
        ),
        Misconception(
            "through numpy",
            "The output is right, but it was computed with numpy, where no graph is recorded. Stay with tensors from "
            "`x` to the result, and the gradients come for free.",
            _NoGradient,
        ),
        Misconception(
            "weight first",
            "`x` holds one row for each example, so it stands on the left, and the weight is turned: `x @ "
            "self.weight.T`.",
            _WeightFirst,
        ),
    ),
    half_right=(_NoGradient,),
    honest=(
        LinearWithMatmul,
        LinearWithEinsum,
        LinearWithAddmm,
        LinearWithBroadcasting,
        LinearRowByRow,
        LinearWithColumn,
        LinearInDouble,
        LinearByRegistering,
    ),
    solution=LinearInOnePiece,
    hints=(
        "Which two tensors does the layer own, and of what shapes? An assignment of an `nn.Parameter` to `self` "
        "registers it under that name.",
        "`__init__` begins with `super().__init__()`. Then weight of shape (out_features, in_features), bias of shape "
        "(out_features,), each in `nn.Parameter`.",
        "`forward` is one line: `x @ self.weight.T + self.bias`.",
    ),
)
