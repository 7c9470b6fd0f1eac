"""Module: finds the parameters of a tree of modules, and switches its mode."""

import sys

import numpy as np

import engine as torch
from autograders.spec import EDGE, Case, Misconception, Spec, Use
from engine import nn


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
        path = f"{path}.{names[1 if level == 0 else level + 2]}"
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
    switched = modes if modes.shape == (modules, 3) else np.full((modules, 3), -1)
    return *(_times(found, count) for found in (parameters, named_parameters, led_to)), switched


def _times(found, count):
    known = np.isin(found, np.arange(count))
    return np.append(np.bincount(found[known].astype(int), minlength=count), np.count_nonzero(~known))


def module_rounding(construction):
    """None: what is counted is right or wrong."""
    parameters = sum(line.endswith("= Parameter") for line in construction)
    modules = 1 + sum(line.endswith("= Module") for line in construction)
    return *(np.zeros(parameters + 1) for _ in range(3)), np.zeros((modules, 3))


class Module:
    """A part of a network: it finds the parameters in it, however deep, and switches its mode."""

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


class _GivesPairs(Module):
    def parameters(self):
        return self.named_parameters()


class _ComparesNumbers(Module):
    def named_parameters(self):
        found = []
        for pair in self.pairs():
            if pair[1] not in [parameter for _, parameter in found]:
                found.append(pair)
        return found


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


EXERCISE = Spec(
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
        "training, for each module: at first, after train(False), after train()",
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
        Misconception(
            "parameters gives pairs",
            "`parameters()` gives the names too. An optimizer wants the parameters alone: leave the names out of "
            "`named_parameters()`.",
            _GivesPairs,
        ),
        Misconception(
            "compares numbers",
            "`parameter in list` compares with `==`, which for tensors means number by number. You ask whether it is "
            "the same object: keep `id(parameter)` in a set, or compare with `is`.",
            _ComparesNumbers,
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
