"""What the probes of optimizers share: two parameters are stepped along given gradients, and all that moves is noted.

`happens` names, in words that a learner reads too, what else comes to pass on the way.
"""

import numpy as np

import engine as torch

from . import Unusable

NOTHING = "nothing else happens"
NO_GRADIENT = "bias has no gradient at the second step"
IN_PLACE = "the gradients are zeroed in place, and filled again"
NEW_RATE = "a schedule halves the learning rate after the first step"
GROUPS = "bias is in a group of its own, with twice the learning rate"
RESUMED = "after the second step the state is saved, and loaded into a new optimizer"


def trajectories(answer, weight, bias, weight_gradients, bias_gradients, happens, settings, states):
    """Arrays with one row a step: weight, bias, then each of `states`, pairs (parameter's name, state's name).

    answer: the optimizer's class, called as answer(params, *settings), where the first setting is the learning rate.
    weight, bias: arrays. weight_gradients, bias_gradients: (steps, ...), what backward adds to `.grad` at each step.
    In place of what the optimizer's state doesn't hold stands None.
    """
    parameters = {"weight": _parameter(weight), "bias": _parameter(bias)}
    optimizer = _made(answer, _groups(parameters, happens, settings[0]), settings)
    rows = []
    gradients = {"weight": weight_gradients, "bias": bias_gradients}
    for step in range(len(weight_gradients)):
        optimizer.zero_grad(set_to_none=happens != IN_PLACE)
        for name, parameter in parameters.items():
            if not (happens == NO_GRADIENT and name == "bias" and step == 1):
                _backward(parameter, gradients[name][step, ...], happens)
        optimizer.step()
        rows.append([_array(parameter) for parameter in parameters.values()])
        rows[-1] += [_array(optimizer.state.get(parameters[of], {}).get(name)) for of, name in states]
        if happens == NEW_RATE and step == 0:
            for group in optimizer.param_groups:
                group["lr"] /= 2
        if happens == RESUMED and step == 1:
            saved = optimizer.state_dict()
            optimizer = _made(answer, list(parameters.values()), settings)
            optimizer.load_state_dict(saved)
    return tuple(map(_stacked, zip(*rows)))


def _parameter(array):
    return torch.nn.Parameter(torch.tensor(array))


def _groups(parameters, happens, rate):
    """The optimizer's first argument."""
    if happens != GROUPS:
        return list(parameters.values())
    return [{"params": [parameters["weight"]]}, {"params": [parameters["bias"]], "lr": 2 * rate}]


def _made(answer, params, settings):
    optimizer = answer(params, *settings)
    if not isinstance(optimizer, torch.optim.Optimizer):
        name = answer.__name__
        raise Unusable(f"`{name}` should be an optimizer: `class {name}(torch.optim.Optimizer)`.")
    return optimizer


def _backward(parameter, gradient, happens):
    """Add to `.grad` as backward does; a fresh one shares its memory with `gradient`, so that changes of it show."""
    if parameter.grad is None:
        parameter.grad = torch.from_numpy(gradient.copy() if happens == IN_PLACE else gradient)
    else:
        parameter.grad += torch.from_numpy(gradient)


def _array(value):
    """A copy of a tensor's or an array's numbers; None for what is neither."""
    if isinstance(value, torch.Tensor):
        value = value.detach().numpy()
    return value.copy() if isinstance(value, np.ndarray) else None


def _stacked(values):
    """The values of all steps as one array; None where one is missing or has another shape."""
    if any(value is None or value.shape != values[0].shape for value in values):
        return None
    return np.stack(values)
