"""Modules: a layer that owns its parameters, a model that finds them all, and a layer with two modes."""

import random
import sys

import numpy as np

import engine as torch
from autograders.spec import EDGE, Absolute, Case, Misconception, Spec, Use, multilinear_rounding
from autograders.specs.draw import DOUBLE, SINGLE, normal
from engine import nn

WEIGHTS = {"dtype": 0.5, "inputs unmutated": 0.5, "values": 2.0, "edge cases": 1.0}


# Linear(in_features, out_features): x @ weight.T + bias, with parameters of its own


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


LINEAR = Spec(
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
    ours=nn.Linear,
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
    hints=(
        "Which two tensors does the layer own, and of what shapes? An assignment of an `nn.Parameter` to `self` "
        "registers it under that name.",
        "`__init__` begins with `super().__init__()`. Then weight of shape (out_features, in_features), bias of shape "
        "(out_features,), each in `nn.Parameter`.",
        "`forward` is one line: `x @ self.weight.T + self.bias`.",
    ),
)


# Module: finds the parameters of a tree of modules, and switches its mode


def module_cases(rng):
    """Trees of modules, each a list of assignments, with names that differ from seed to seed."""
    for construction, group, *stage in [
        (_flat(rng), "a model without modules in it"),
        (_with_other_things(rng), "attributes that are no parameters"),
        (_nested(rng, 1), "modules in a module"),
        (_nested(rng, 2), "modules in modules in a module"),
        (_shared_parameter(rng), "a parameter with two names"),
        (_shared_module(rng), "a module with two names"),
        (("model.count = 3",), "nothing to find", EDGE),
        (_nested(rng, 6), "a tall tree", EDGE),
        (_shared_far_apart(rng), "a parameter that two modules share", EDGE),
    ]:
        yield Case((construction,), group, *stage)


PARAMETER_NAMES = ("weight", "bias", "scale", "shift", "gain", "slope", "offset")
MODULE_NAMES = ("hidden", "output", "encoder", "head", "body", "stem", "layer", "block")


def _names(rng, pool, count):
    return [str(name) for name in rng.permutation(pool)[:count]]


def _flat(rng):
    return tuple(f"model.{name} = Parameter" for name in _names(rng, PARAMETER_NAMES, 3))


def _with_other_things(rng):
    first, second = _names(rng, PARAMETER_NAMES, 2)
    return (
        f"model.{first} = Parameter", "model.mean = Tensor", "model.steps = 3", "model.note = 'on digits'",
        "model.history = []", f"model.{second} = Parameter")


def _nested(rng, depth):
    """A path of `depth` modules with a second one at its top, parameters at every level."""
    lines, path = [f"model.{_names(rng, PARAMETER_NAMES, 1)[0]} = Parameter"], "model"
    names = [*_names(rng, MODULE_NAMES, 2), *rng.choice(MODULE_NAMES, depth)]
    for level in range(depth):
        parent, path = path, f"{path}.{names[1 if level == 0 else level + 2]}"
        lines += [f"{path} = Module", *(f"{path}.{name} = Parameter" for name in _names(rng, PARAMETER_NAMES, 2))]
    return (*lines, f"model.{names[0]} = Module", f"model.{names[0]}.weight = Parameter")


def _shared_parameter(rng):
    first, second, third = _names(rng, PARAMETER_NAMES, 3)
    return f"model.{first} = Parameter", f"model.{second} = Parameter", f"model.{third} = model.{first}"


def _shared_module(rng):
    (name, again), (first, second) = _names(rng, MODULE_NAMES, 2), _names(rng, PARAMETER_NAMES, 2)
    return (
        f"model.{name} = Module", f"model.{name}.{first} = Parameter", f"model.{name}.{second} = Parameter",
        f"model.{again} = model.{name}")


def _shared_far_apart(rng):
    (one, other), (first, second) = _names(rng, MODULE_NAMES, 2), _names(rng, PARAMETER_NAMES, 2)
    return (
        f"model.{one} = Module", f"model.{one}.{first} = Parameter", f"model.{other} = Module",
        f"model.{other}.{second} = Parameter", f"model.{other}.tied = model.{one}.{first}")


def found_once(case, parameters, named_parameters, led_to, modes):
    """How often each parameter was found, in whatever order, with all else that was found as a last number."""
    (construction,) = case.arguments
    count = sum(line.endswith("= Parameter") for line in construction)
    modules = 1 + sum(line.endswith("= Module") for line in construction)
    switched = modes if modes.shape == (modules, 2) else np.full((modules, 2), -1.0)
    return *(_times(found, count) for found in (parameters, named_parameters, led_to)), switched.astype(float)


def _times(found, count):
    known = np.isin(found, np.arange(count))
    return np.append(np.bincount(found[known].astype(int), minlength=count), np.count_nonzero(~known)).astype(float)


def module_rounding(construction):
    """None: what is counted is right or wrong."""
    parameters = sum(line.endswith("= Parameter") for line in construction)
    modules = 1 + sum(line.endswith("= Module") for line in construction)
    return *(np.zeros(parameters + 1) for _ in range(3)), np.zeros((modules, 2))


class Module:
    """As the docstring of the exercise says it; the answers below are this one, each changed in its own way."""

    def __init__(self):
        self.training = True

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def named_parameters(self):
        found, seen = [], set()
        for name, parameter in self.pairs():
            if id(parameter) not in seen:
                seen.add(id(parameter))
                found.append((name, parameter))
        return found

    def pairs(self):
        """Every name and parameter; what has two names comes twice."""
        for name, value in vars(self).items():
            if isinstance(value, nn.Parameter):
                yield name, value
            elif isinstance(value, Module):
                yield from ((f"{name}.{below}", parameter) for below, parameter in value.named_parameters())

    def parameters(self):
        return [parameter for _, parameter in self.named_parameters()]

    def train(self, mode=True):
        self.training = mode
        for value in vars(self).values():
            if isinstance(value, Module):
                value.train(mode)
        return self


class _OwnParametersOnly(Module):
    def named_parameters(self):
        seen = {id(value): (name, value) for name, value in vars(self).items() if isinstance(value, nn.Parameter)}
        return list(seen.values())


class _OneLevelOnly(Module):
    def named_parameters(self):
        pairs = {id(value): (name, value) for name, value in vars(self).items() if isinstance(value, nn.Parameter)}
        for name, module in vars(self).items():
            if isinstance(module, Module):
                for below, value in vars(module).items():
                    if isinstance(value, nn.Parameter):
                        pairs.setdefault(id(value), (f"{name}.{below}", value))
        return list(pairs.values())


class _FoundTwice(Module):
    def named_parameters(self):
        return list(self.pairs())


class _ModulesBelowOnlyOnce(Module):
    """Sorts out what it finds itself, and not what comes from below."""

    def named_parameters(self):
        found, seen = [], set()
        for name, value in vars(self).items():
            if isinstance(value, nn.Parameter) and id(value) not in seen:
                seen.add(id(value))
                found.append((name, value))
            elif isinstance(value, Module):
                found += [(f"{name}.{below}", parameter) for below, parameter in value.named_parameters()]
        return found


class _NamesWithoutPath(Module):
    def pairs(self):
        for name, value in vars(self).items():
            if isinstance(value, nn.Parameter):
                yield name, value
            elif isinstance(value, Module):
                yield from value.named_parameters()


class _AllTensors(Module):
    def pairs(self):
        for name, value in vars(self).items():
            if isinstance(value, torch.Tensor):
                yield name, value
            elif isinstance(value, Module):
                yield from ((f"{name}.{below}", parameter) for below, parameter in value.named_parameters())


class _SwitchesItselfOnly(Module):
    def train(self, mode=True):
        self.training = mode


class _SwitchesChildrenOnly(Module):
    def train(self, mode=True):
        self.training = mode
        for value in vars(self).values():
            if isinstance(value, Module):
                value.training = mode


class _AlwaysOn(Module):
    def train(self, mode=True):
        self.training = True
        for value in vars(self).values():
            if isinstance(value, Module):
                value.train()


class _OwnThingsOnly(_OwnParametersOnly):
    train = _SwitchesItselfOnly.train


class ModuleWithMemo(Module):
    """Hands a memo and a prefix down."""

    def named_parameters(self, prefix="", memo=None):
        memo = set() if memo is None else memo
        for name, value in vars(self).items():
            if isinstance(value, nn.Parameter) and value not in memo:
                memo.add(value)
                yield prefix + name, value
            if isinstance(value, Module):
                yield from value.named_parameters(f"{prefix}{name}.", memo)


class ModuleWithStack(Module):
    """A loop in place of recursion, modules visited in any order."""

    def named_parameters(self):
        found, to_visit = {}, [("", self)]
        while to_visit:
            prefix, module = to_visit.pop()
            for name, value in module.__dict__.items():
                if isinstance(value, nn.Parameter):
                    found.setdefault(id(value), (prefix + name, value))
                elif isinstance(value, Module):
                    to_visit.append((f"{prefix}{name}.", value))
        return list(found.values())

    def train(self, mode=True):
        to_visit = [self]
        while to_visit:
            module = to_visit.pop()
            module.training = mode
            to_visit += [value for value in vars(module).values() if isinstance(value, Module)]


class ModuleWithRegister(Module):
    """Notes parameters and modules as they are assigned, as the engine does."""

    def __init__(self):
        self.mine, self.below = {}, {}
        self.training = True

    def __setattr__(self, name, value):
        if isinstance(value, nn.Parameter):
            self.mine[name] = value
        elif isinstance(value, Module):
            self.below[name] = value
        super().__setattr__(name, value)

    def pairs(self):
        yield from self.mine.items()
        for name, module in self.below.items():
            yield from ((f"{name}.{below}", parameter) for below, parameter in module.named_parameters())

    def train(self, mode=True):
        self.training = mode
        for module in self.below.values():
            module.train(mode)


class ModuleByParameters(Module):
    """parameters() walks by itself, and names are found afterwards."""

    def parameters(self):
        found = []
        for value in vars(self).values():
            new = [value] if isinstance(value, nn.Parameter) else value.parameters() if hasattr(value, "train") else []
            found += [each for each in new if all(each is not other for other in found)]
        return found

    def named_parameters(self):
        return [(self.name_of(parameter), parameter) for parameter in self.parameters()]

    def name_of(self, parameter):
        """The dotted name of one of the parameters; None for a stranger."""
        for name, value in self.__dict__.items():
            if value is parameter:
                return name
            below = value.name_of(parameter) if isinstance(value, Module) else None
            if below is not None:
                return name + "." + below
        return None


class ModuleOfTuples(Module):
    """Gives tuples, lists where pairs are due, and prints on stderr."""

    def named_parameters(self):
        print("looking through", list(vars(self)), file=sys.stderr)
        return tuple([name, parameter] for name, parameter in super().named_parameters())

    def parameters(self):
        return iter(pair[1] for pair in self.named_parameters())


class ModuleChildrenFirst(Module):
    """What is below comes before what is its own."""

    def pairs(self):
        for name, module in vars(self).items():
            if isinstance(module, Module):
                yield from ((".".join([name, below]), parameter) for below, parameter in module.named_parameters())
        yield from ((name, value) for name, value in vars(self).items() if type(value) is nn.Parameter)


class ModuleWithModules(Module):
    """Lists all modules once, and makes the rest of that."""

    def modules(self, prefix="", seen=()):
        """(prefix, module) of every module, those with two names once."""
        found = [(prefix, self)]
        for name, value in vars(self).items():
            if isinstance(value, Module) and all(value is not module for _, module in (*seen, *found)):
                found += value.modules(f"{prefix}{name}.", (*seen, *found))
        return found

    def named_parameters(self):
        pairs = [(prefix + name, value) for prefix, module in self.modules() for name, value in vars(module).items()]
        parameters = {value: name for name, value in pairs[::-1] if isinstance(value, nn.Parameter)}
        return [(name, parameter) for parameter, name in parameters.items()]

    def train(self, mode=True):
        for _, module in self.modules():
            module.training = mode


MODULE = Spec(
    name="modules/module",
    function="Module",
    use=Use("class", probe="module"),
    parameters=(),
    inputs=("construction",),
    returns=("parameters", "named_parameters", "led_to", "modes"),
    measure=found_once,
    measured=(
        "times parameters() found each Parameter, and anything else",
        "times named_parameters() found each Parameter, and anything else",
        "times a name led to each Parameter, and to anything else",
        "training, for each module, after train(False) and after train()",
    ),
    title="A model that knows its parameters",
    why="An optimizer asks a model for its parameters: none may be missing, and none may come twice.",
    minutes=20,
    difficulty=3,
    weights={"values": 3.0, "edge cases": 1.0},
    ours=nn.Module,
    rounding=module_rounding,
    cases=module_cases,
    packages=("numpy", "engine"),
    withheld=("engine.nn.module.Module",),
    shortcuts=(
        "from engine.nn import Module",
        "from engine import nn\nclass Module(nn.Module):\n    pass",
        "from engine import nn\nclass Module(nn.Sequential):\n    def __init__(self):\n        super().__init__()",
    ),
    misconceptions=(
        Misconception(
            "own parameters only",
            "Only the module's own parameters are found. When an attribute is itself a Module, its parameters belong "
            "to the model too: ask it with `value.named_parameters()`, and whatever is below it will answer.",
            _OwnParametersOnly,
        ),
        Misconception(
            "one level only",
            "You look one level down and no further. Let each module ask the modules in it with the same method: then "
            "the tree may be as tall as it likes.",
            _OneLevelOnly,
        ),
        Misconception(
            "found twice",
            "A parameter with two names is found twice, and an optimizer would move it twice a step. Remember what you "
            "have seen: by `id(parameter)`, or in a set.",
            _FoundTwice,
        ),
        Misconception(
            "below not sorted out",
            "You notice when one of the module's own parameters comes again, but not when it comes again from a module "
            "below. Look at every pair before you keep it, wherever it came from.",
            _ModulesBelowOnlyOnce,
        ),
        Misconception(
            "names without a path",
            "Your names do not lead to their parameters. The weight of `model.hidden` is called `hidden.weight`: the "
            "attribute's name and a dot come before what the module below answers.",
            _NamesWithoutPath,
        ),
        Misconception(
            "all tensors",
            "Plain tensors are found too, a running mean for example, and an optimizer would change them. Look for "
            "`nn.Parameter`: that is what the class is for.",
            _AllTensors,
        ),
        Misconception(
            "switches itself only",
            "`train` switches the model, but not the modules in it: a Dropout inside would go on dropping during "
            "evaluation. Call `train(mode)` of each module that is an attribute.",
            _SwitchesItselfOnly,
        ),
        Misconception(
            "switches children only",
            "`train` reaches the modules in the model, but not those in them. Call `value.train(mode)` in place of "
            "setting `value.training`: then each passes it on.",
            _SwitchesChildrenOnly,
        ),
        Misconception(
            "always on",
            "`train(False)` should switch to evaluation: use the argument `mode` everywhere, also for the modules "
            "below.",
            _AlwaysOn,
        ),
    ),
    half_right=(_OwnThingsOnly,),
    honest=(
        Module,
        ModuleWithMemo,
        ModuleWithStack,
        ModuleWithRegister,
        ModuleByParameters,
        ModuleOfTuples,
        ModuleChildrenFirst,
        ModuleWithModules,
    ),
    hints=(
        "`vars(self).items()` gives every attribute's name and value. Two kinds of values matter: `nn.Parameter` and "
        "`Module`; ask with `isinstance`.",
        "For a module that is an attribute, `value.named_parameters()` is the same question one level down. Put "
        "`name + '.'` before each of the names that it answers.",
        "Keep a set of ids: `if id(parameter) not in seen: seen.add(id(parameter)); found.append((name, parameter))`, "
        "for your own and for those from below. `parameters` is a list of the second halves; `train` sets "
        "`self.training` and calls `value.train(mode)`.",
    ),
)


# Dropout(p): zeros at random while training, and nothing at all in evaluation

HIGH, WIDE = 60, 80  # the least shape of a batch whose statistics are taken


def dropout_cases(rng):
    """Batches without zeros of their own, so that every zero of an output was made by the answer."""
    for p, group in [(0.2, "p = 0.2"), (0.5, "p = 0.5"), (0.75, "p = 0.75")]:
        yield _dropout_case(rng, (HIGH, WIDE), p, group)
    yield _dropout_case(rng, (HIGH, 2, WIDE), 0.3, "an input with three axes", EDGE)
    yield _dropout_case(rng, (HIGH, WIDE), 0.0, "p = 0: nothing is dropped", EDGE)
    yield _dropout_case(rng, (HIGH, WIDE), 1.0, "p = 1: everything is dropped", EDGE)


def _dropout_case(rng, shape, p, *where):
    x, gradient = (_without_zeros(rng, shape) for _ in range(2))
    return Case((x, p, gradient, int(rng.integers(2**31))), *where)


def _without_zeros(rng, shape):
    return np.asarray(rng.uniform(0.5, 1.5, shape) * rng.choice([-1, 1], shape), SINGLE)


def dropout_statistics(case, output, again, for_x, evaluated):
    """What can be said of any right answer, though no two drop the same elements."""
    x, _, gradient, _ = case.arguments
    if not all(each.shape == x.shape and np.isfinite(each).all() for each in (output, again, for_x, evaluated)):
        return np.full(3, np.nan), np.nan, np.full(4, np.nan), np.nan
    kept, factor = output != 0, output / x
    shared = [
        np.mean(kept[0:-1:2] == kept[1::2]),
        np.mean(kept[..., 0:-1:2] == kept[..., 1::2]),
        np.mean(kept == (again != 0)),
    ]
    in_training, in_evaluation = factor[kept] if kept.any() else np.zeros(1), evaluated / x
    factors = [in_training.min(), in_training.max(), in_evaluation.min(), in_evaluation.max()]
    passed = np.isclose(for_x, gradient * factor, rtol=1e-5, atol=0.0) & kept
    return np.array(shared), np.mean(kept), np.array(factors), np.mean(passed)


def dropout_allowances(x, p, gradient, seed):
    """How far two right answers may be apart: six standard deviations for what is counted, rounding for the factor.

    Of n elements, each kept with probability q = 1 - p, the part that is kept has the variance q p / n. Two neighbours
    (or one element in two passes) share their fate with probability s = q^2 + p^2, so the part of n independent pairs
    that do has the variance s (1 - s) / n. Neighbours are taken in pairs that do not overlap: n / 2 of them. The
    reference is a sample too, and the difference of two has twice the variance. Six standard deviations are exceeded
    once in 5e8 numbers.
    The factor of what is kept is 1 / q, computed in float32 from p, q and one division, multiplied by x, and here
    divided by it: five roundings of eps / 2 each, the first of which, of p, counts p / q times. In evaluation nothing
    is computed.
    """
    n, q = x.size, 1 - p
    alike = q * q + p * p
    pairs = np.array([n / 2, n / 2, n])
    part_kept = Absolute(np.array(6 * np.sqrt(2 * q * p / n)))
    factor = np.finfo(SINGLE).eps / 2 * (4 + p / q) / q if q else 0.0
    return (
        Absolute(6 * np.sqrt(2 * alike * (1 - alike) / pairs)),
        part_kept,
        Absolute(np.array([factor, factor, 0.0, 0.0])),
        part_kept,
    )


class DropoutLayer(nn.Module):
    """The probability; what is done with it is left to the classes below."""

    def __init__(self, p=0.5):
        super().__init__()
        self.p = p


class DropoutWithMask(DropoutLayer):
    """As the docstring says it; the answers below are this one, each changed in its own way."""

    def forward(self, x):
        if not self.training:
            return x
        kept = self.mask(x)
        return x * kept / (1 - self.p) if self.p < 1 else x * kept

    def mask(self, x):
        """1 for what is kept, 0 for what is dropped."""
        return (torch.rand(*x.shape) >= self.p).float()


class _KeepsWithP(DropoutWithMask):
    def forward(self, x):
        return x * (torch.rand(*x.shape) < self.p).float() / max(self.p, 1e-9) if self.training else x


class _NotScaled(DropoutWithMask):
    def forward(self, x):
        return x * self.mask(x) if self.training else x


class _ScalesByP(DropoutWithMask):
    def forward(self, x):
        return x * self.mask(x) * (1 - self.p) if self.training else x


class _ScalesInEvaluation(DropoutWithMask):
    def forward(self, x):
        return x * self.mask(x) if self.training else x * (1 - self.p)


class _AlwaysDrops(DropoutWithMask):
    def forward(self, x):
        return x * self.mask(x) / max(1 - self.p, 1e-9)


class _SameMaskForAll(DropoutWithMask):
    def mask(self, x):
        return (torch.rand(*x.shape[1:]) >= self.p).float()


class _WholeRows(DropoutWithMask):
    def mask(self, x):
        return (torch.rand(len(x), *[1] * (x.ndim - 1)) >= self.p).float()


class _MaskForEver(DropoutWithMask):
    kept = None

    def mask(self, x):
        if self.kept is None:
            self.kept = super().mask(x)
        return self.kept


class _DropsOutsideTheGraph(DropoutWithMask):
    def forward(self, x):
        return torch.tensor(super().forward(x.detach()).numpy())


class _NoGradientAndNoScale(_NotScaled):
    def forward(self, x):
        return super().forward(x.detach())


class DropoutWithWhere(DropoutLayer):
    """Chooses between 0 and the scaled number."""

    def forward(self, x):
        if self.training and self.p > 0:
            dropped = torch.rand(*x.shape) < self.p
            x = torch.where(dropped, torch.zeros(*x.shape), x / max(1 - self.p, 1e-30))
        return x


class DropoutWithBernoulli(DropoutLayer):
    """Draws zeros and ones."""

    def forward(self, x):
        if not self.training:
            return x
        keep = 1 - self.p
        kept = torch.bernoulli(torch.full(tuple(x.shape), keep))
        return x * kept * (1 / keep if keep else 0.0)


class DropoutWithNumpy(DropoutLayer):
    """Takes its random numbers from numpy, with a generator of its own."""

    def __init__(self, p=0.5):
        super().__init__(p)
        self.rng = np.random.default_rng()

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        factor = 1 / (1 - self.p) if self.p < 1 else 0
        return x * torch.tensor(self.rng.binomial(1, 1 - self.p, tuple(x.shape)) * factor).to(x.dtype)


class DropoutInPlace(DropoutLayer):
    """Works on a copy, in place."""

    def forward(self, x):
        if self.training:
            x = x.clone()
            x[torch.rand(*x.shape) < self.p] = 0
            x.div_(1 - self.p if self.p < 1 else 1)
        return x


class DropoutWithMaskedFill(DropoutLayer):
    """Fills what is dropped, in torch's own words."""

    def forward(self, x):
        if not self.training or self.p == 0.0:
            return x.clone()
        if self.p == 1.0:
            return x * 0
        return x.masked_fill(torch.rand_like(x) < self.p, 0.0) / (1.0 - self.p)


class DropoutElementByElement(DropoutLayer):
    """A loop over the rows, and a list of Python's own random numbers for each."""

    def forward(self, x):
        if not self.training:
            return x
        factor = 1 / (1 - self.p) if self.p < 1 else 0.0
        rows = [[factor * (random.random() >= self.p) for _ in range(row.numel())] for row in x]
        return x * torch.tensor(rows).reshape(x.shape)


class DropoutInDouble(DropoutLayer):
    """Computes in float64, warns on stderr, and rounds once at the end."""

    def forward(self, x):
        print("dropping", self.p, file=sys.stderr)
        if not self.training:
            return x
        kept = (torch.rand(*x.shape, dtype=torch.float64) > self.p).double()
        return (x.double() * kept / (1 - self.p if self.p != 1 else 1)).to(x.dtype)


class DropoutAsPermutation(DropoutLayer):
    """Sums uniform numbers to integers: floor(u + keep) is 1 with probability keep, as in Srivastava's own code."""

    def forward(self, x):
        if self.training:
            keep = 1 - self.p
            x = x * torch.floor(torch.rand(*x.shape) + keep) / (keep or 1)
        return x


DROPOUT = Spec(
    name="modules/dropout",
    function="Dropout",
    use=Use("class", probe="dropout"),
    parameters=("p",),
    inputs=("x", "p", "gradient", "seed"),
    returns=("output", "again", "grad_x", "evaluated"),
    measure=dropout_statistics,
    measured=(
        "how often two share their fate: neighbours down, neighbours across, one element in two passes",
        "part of the elements that is kept",
        "least and largest factor that x is multiplied by: what is kept in training, all in evaluation",
        "part of the elements whose gradient passes, with the same factor",
    ),
    title="Dropout",
    why="A network in which units fall silent at random cannot lean on any one of them, and learns less by heart.",
    minutes=12,
    difficulty=2,
    weights={"values": 3.0, "edge cases": 1.0},
    ours=nn.Dropout,
    rounding=dropout_allowances,
    cases=dropout_cases,
    packages=("numpy", "engine"),
    withheld=("engine.nn.dropout", "engine.nn.functional.dropout"),
    shortcuts=(
        "from engine.nn import Dropout",
        "from engine import nn\nclass Dropout(nn.Dropout):\n    pass",
        "from engine import nn\nclass Dropout(nn.Module):\n    def __init__(self, p=0.5):\n        super().__init__()\n"
        "        self.p = p\n    def forward(self, x):\n        return nn.functional.dropout(x, self.p)\n",
    ),
    misconceptions=(
        Misconception(
            "keeps with probability p",
            "`p` is the probability of being dropped; you keep with probability `p`. With p = 0.5 nobody notices.",
            _KeepsWithP,
        ),
        Misconception(
            "not scaled",
            "What is kept has to grow by 1 / (1 - p), so that the next layer gets as much on average in training as in "
            "evaluation.",
            _NotScaled,
        ),
        Misconception(
            "shrunk",
            "What is kept should grow, to make up for what is dropped: divide by 1 - p instead of multiplying.",
            _ScalesByP,
        ),
        Misconception(
            "scaled in evaluation",
            "You scale in evaluation, as the first paper did. It has become usual to divide by 1 - p while training, "
            "and to leave evaluation alone: there the layer should return x as it is.",
            _ScalesInEvaluation,
        ),
        Misconception(
            "always drops",
            "It drops in evaluation too. A Module has `self.training`, which `train()` and `eval()` switch: where that "
            "is False, return x as it is.",
            _AlwaysDrops,
        ),
        Misconception(
            "one mask for the batch",
            "Every row of the batch loses the same columns. Draw a number for each element: `torch.rand(*x.shape)`.",
            _SameMaskForAll,
        ),
        Misconception(
            "whole rows",
            "Whole rows are dropped or kept. Draw a number for each element: `torch.rand(*x.shape)`.",
            _WholeRows,
        ),
        Misconception(
            "one mask for ever",
            "The same elements are dropped in every pass. Draw anew in each call of `forward`.",
            _MaskForEver,
        ),
        Misconception(
            "outside the graph",
            "The output is right, but no gradient gets back to x: you left the graph on the way (`numpy()`, "
            "`detach()`). Multiply tensors.",
            _DropsOutsideTheGraph,
        ),
    ),
    half_right=(_NoGradientAndNoScale,),
    honest=(
        DropoutWithMask,
        DropoutWithWhere,
        DropoutWithBernoulli,
        DropoutWithNumpy,
        DropoutInPlace,
        DropoutWithMaskedFill,
        DropoutElementByElement,
        DropoutInDouble,
        DropoutAsPermutation,
    ),
    hints=(
        "In evaluation (`self.training` is False) there is nothing to do. In training, which tensor of zeros and ones "
        "would you multiply x by?",
        "`torch.rand(*x.shape) >= self.p` is True with probability 1 - p, element by element; `.to(x.dtype)` makes "
        "zeros and ones of it.",
        "`return x * kept / (1 - self.p)` in training. With p = 1 that would divide by 0: return `x * 0` there.",
    ),
)

EXERCISES = (LINEAR, MODULE, DROPOUT)
