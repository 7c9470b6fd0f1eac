"""Uses a class `Module`: makes a tree of them, and asks for its parameters and switches its mode."""

import ast
import itertools

import numpy as np

import engine as torch

from . import Unusable


def probe(answer, construction):
    """What a tree of modules says of itself.

    construction: lines as `model.hidden.weight = Parameter`. What stands on the right is a new Parameter, Module or
    Tensor, a literal, or the path of something that is there already.
    Returns, with parameters numbered in the order of their lines and -1 for whatever else was found: those that
    `parameters()` gave; those that `named_parameters()` gave; those that its names lead to; and whether each module,
    in the order of the lines, is in training mode at first, after `train(False)` and after `train()`: (modules, 3).
    """
    model, parameters, modules = built(answer, construction)
    numbers = {id(parameter): number for number, parameter in enumerate(parameters)}
    parts = [
        _unless_still_to_do(lambda: [numbers.get(id(each), -1) for each in model.parameters()]),
        _unless_still_to_do(lambda: [numbers.get(id(each), -1) for _, each in _pairs(model)]),
        _unless_still_to_do(lambda: [numbers.get(id(at(model, name)), -1) for name, _ in _pairs(model)]),
        _unless_still_to_do(lambda: _modes(model, modules)),
    ]
    if all(part is None for part in parts):
        raise NotImplementedError
    return tuple(np.array(part if part is not None else [], np.int64) for part in parts)


def built(answer, construction):
    """(the model, its parameters, its modules) as `construction` says."""
    model, parameters = answer(), []
    modules = [model]
    for line in construction:
        path, _, value = line.partition(" = ")
        parent, _, name = path.rpartition(".")
        if value == "Parameter":
            thing = torch.nn.Parameter(torch.zeros(2))
            parameters.append(thing)
        elif value == "Module":
            thing = answer()
            modules.append(thing)
        elif value == "Tensor":
            thing = torch.zeros(2, requires_grad=True)
        else:
            thing = at(model, value.partition(".")[2]) if value.startswith("model.") else ast.literal_eval(value)
        setattr(at(model, parent.partition(".")[2]), name, thing)
    return model, parameters, modules


def at(model, path):
    """What the dotted path leads to; None if it leads nowhere."""
    for name in filter(None, path.split(".")):
        model = getattr(model, name, None)
    return model


def _pairs(model):
    pairs = list(itertools.islice(model.named_parameters(), 1000))
    for pair in pairs:
        if not (isinstance(pair, (tuple, list)) and len(pair) == 2 and isinstance(pair[0], str)):
            raise Unusable("`named_parameters()` should give pairs: a name (a string) and a parameter.")
    return pairs


def _modes(model, modules):
    modes = [[_mode(module)] for module in modules]
    for mode in ((False,), ()):
        model.train(*mode)
        for module, of_module in zip(modules, modes):
            of_module.append(_mode(module))
    return modes


def _mode(module):
    return {True: 1, False: 0}.get(getattr(module, "training", None), -1)


def _unless_still_to_do(use):
    """What `use` gives; None while the method that it needs is as the exercise began."""
    try:
        return use()
    except NotImplementedError:
        return None
