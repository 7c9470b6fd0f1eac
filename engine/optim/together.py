"""Small parameters stepped together: laid end to end, they and their state are one long array for the optimizer.

A model has many parameters of a few numbers each, and an operation on these costs what its call costs. Each parameter
keeps a state of its own, the views that it has of the long arrays; whatever does not fit the picture (a state that was
replaced, a step count of its own, memory that two parameters share) is stepped one by one, which gives the same bits.
"""

import itertools

import numpy as np

from engine import backend
from engine.tensor import Tensor

SMALL = 1 << 14  # elements; for more of them, the copies cost what the calls do


def elementwise(update):
    """Says of an optimizer's `_update` that it treats each element by itself, so that it may be given many at once."""
    update.is_elementwise = True
    return update


class Together:
    """Parameters (at least two) with equal step counts. states: for each a dict, which this fills."""

    def __init__(self, parameters, states):
        self.parameters, self.states = parameters, states
        self.arrays = [each.array for each in parameters]
        ends = list(itertools.accumulate(each.size for each in self.arrays))
        self.places = [slice(end - each.size, end) for each, end in zip(self.arrays, ends)]
        self.long = {}  # the state of all
        for name in states[0]:
            its = [state[name].array for state in states]
            joined = its[0].copy() if name == "step" else np.concatenate([each.reshape(-1) for each in its])
            self.long[name] = Tensor(joined)
        self.views = {}
        self.values, self.gradients = [np.empty_like(np.concatenate(self._flat())) for _ in range(2)]
        self.value_of = [self.values[place].reshape(array.shape) for array, place in zip(self.arrays, self.places)]
        self._hand_out()

    def _flat(self):
        return [each.reshape(-1) for each in self.arrays]

    @staticmethod
    def is_possible(parameters, states):
        """Whether these are alike: in type, device and kind of state, and no memory is part of two of them."""
        arrays, names = [each.array for each in parameters], list(states[0])
        return (
            len({(each.dtype, backend.cuda_index(each)) for each in arrays}) == 1
            and all(list(state) == names for state in states)
            and all(_is_of(name, state[name], array) for state, array in zip(states, arrays) for name in names)
            and ("step" not in names or len({state["step"].item() for state in states}) == 1)
            and not any(backend.share_memory(*pair) for pair in itertools.combinations(arrays, 2)))

    def still_holds(self, parameters, states):
        """Whether these are the same parameters, in the same memory, with the state that was handed out to them."""
        if len(parameters) != len(self.parameters):
            return False
        count = self.long["step"].array.item() if "step" in self.long else None
        for place, (parameter, state) in enumerate(zip(parameters, states)):
            if parameter is not self.parameters[place] or parameter.array is not self.arrays[place]:
                return False
            if len(state) != len(self.long):
                return False
            for name, views in self.views.items():
                if name not in state or state[name].array is not views[place]:
                    return False
            if count is not None and state["step"].array.item() != count:
                return False
        return True

    def step(self, update, numbers):
        """One step of all of them; `update` is an optimizer's `_update`."""
        np.concatenate(self._flat(), out=self.values)
        np.concatenate([each._grad.array.reshape(-1) for each in self.parameters], out=self.gradients)
        update(self.values, self.gradients, self.long, numbers)
        for parameter, array, value in zip(self.parameters, self.arrays, self.value_of):
            array[...] = value
            parameter.storage.written()
        self._hand_out()

    def _hand_out(self):
        """Give each parameter its views of what is new in the long state, and its own count of steps."""
        for name, tensor in self.long.items():
            if name == "step":
                for state in self.states:
                    if name not in state:
                        state[name] = Tensor(np.zeros((), np.float32))
                    state[name].array[...] = tensor.array
            elif name not in self.views:
                pieces = zip(self.arrays, self.places)
                self.views[name] = [tensor.array[place].reshape(array.shape) for array, place in pieces]
                for state, view in zip(self.states, self.views[name]):
                    state.setdefault(name, Tensor(view)).array = view


def _is_of(name, value, array):
    """Whether a value of the state has a place in the long ones: a count of steps, or as many numbers as the array."""
    if not isinstance(value, Tensor):
        return False
    return name == "step" or (value.array.shape == array.shape and value.array.dtype == array.dtype)
