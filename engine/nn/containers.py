"""Modules and parameters in lists and dicts, registered so that the module that holds the container sees them."""

import collections
import operator
from collections.abc import Iterable, Mapping

from engine.nn.module import Module, _type_name
from engine.nn.parameter import Parameter
from engine.tensor import Tensor

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]


def _position(index, length):
    """`index` as one in [0, length); IndexError outside of [-length, length)."""
    index = operator.index(index)
    if not -length <= index < length:
        raise IndexError(f"index {index} is out of range")
    return index % length


def _check_iterable(values, method):
    if not isinstance(values, Iterable) or isinstance(values, Tensor):
        raise TypeError(f"{method} should be called with an iterable, but got {type(values).__name__}")


def _pairs(values, method):
    """(key, value) of a mapping or of an iterable of pairs."""
    if isinstance(values, (Mapping, ModuleDict, ParameterDict)):
        return list(values.items())
    _check_iterable(values, method)
    pairs = list(values)
    for position, pair in enumerate(pairs):
        if not isinstance(pair, Iterable):
            raise TypeError(f"{method} sequence element #{position} should be Iterable; is {type(pair).__name__}")
        if len(pair) != 2:
            raise ValueError(f"{method} sequence element #{position} has length {len(pair)}; 2 is required")
    return pairs


class _Modules(Module):
    """Modules in a row: what Sequential and ModuleList share. Their names are numbers from "0" unless given."""

    def _renumber(self, modules):
        self._modules = {str(position): module for position, module in enumerate(modules)}

    def _name(self, index):
        return list(self._modules)[_position(index, len(self))]

    def __getitem__(self, index):
        return self._part(index) if isinstance(index, slice) else self._modules[self._name(index)]

    def __setitem__(self, index, module):
        setattr(self, self._name(index), module)

    def __delitem__(self, index):
        names = list(self._modules)
        for name in names[index] if isinstance(index, slice) else [self._name(index)]:
            del self._modules[name]
        self._renumber(self._modules.values())

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules.values())

    def append(self, module):
        """Add a module at the end; returns this one."""
        self.add_module(str(len(self)), module)
        return self

    def pop(self, key):
        """Take away the module at this index (or slice), and return it."""
        taken = self[key]
        del self[key]
        return taken


class Sequential(_Modules):
    """Modules one after the other, each called with the output of the one before: modules, or one OrderedDict."""

    def __init__(self, *args):
        super().__init__()
        if len(args) == 1 and isinstance(args[0], collections.OrderedDict):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            for position, module in enumerate(args):
                self.add_module(str(position), module)

    def forward(self, input):
        """input through all modules."""
        for module in self._modules.values():
            input = module(input)
        return input

    def _part(self, index):
        return type(self)(collections.OrderedDict(list(self._modules.items())[index]))

    def insert(self, index, module):
        """Put a module before the one at this index; returns this one."""
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type: {Module}")
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index}")
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)
        return self

    def extend(self, sequential):
        """Add modules at the end; returns this one."""
        for module in list(sequential):
            self.append(module)
        return self

    def __add__(self, other):
        return self._copy().__iadd__(other)

    def __iadd__(self, other):
        if not isinstance(other, Sequential):
            raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")
        return self.extend(other)

    def _copy(self):
        return Sequential().extend(self)

    def __mul__(self, other):
        return self._copy().__imul__(other)

    __rmul__ = __mul__

    def __imul__(self, other):
        if not isinstance(other, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(other)}")
        if other <= 0:
            raise ValueError(f"Non-positive multiplication factor {other} for {type(self)}")
        return self.extend(list(self) * (other - 1))


class ModuleList(_Modules):
    """A list of modules."""

    def __init__(self, modules=None):
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def _part(self, index):
        return type(self)(list(self)[index])

    def insert(self, index, module):
        """Put a module before the one at this index."""
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)

    def extend(self, modules):
        """Add modules at the end; returns this one."""
        _check_iterable(modules, "ModuleList.extend")
        for module in list(modules):
            self.append(module)
        return self

    __iadd__ = extend

    def __add__(self, other):
        return ModuleList([*self, *other])

    def __repr__(self):
        """As of any module, but a run of modules with the same text is written once."""
        runs = []  # [first position, last position, text]
        for position, text in enumerate(map(repr, self)):
            if runs and runs[-1][2] == text:
                runs[-1][1] = position
            else:
                runs.append([position, position, text])
        lines = []
        for first, last, text in runs:
            place, count = (f"{first}", "") if first == last else (f"{first}-{last}", f"{last - first + 1} x ")
            lines.append(f"({place}): {count}{text}".replace("\n", "\n  "))
        return f"{self._get_name()}(\n  " + "\n  ".join(lines) + "\n)" if lines else f"{self._get_name()}()"


class _Dict(Module):
    """What ModuleDict and ParameterDict share. `_by_key`: a dict that has their keys."""

    def __len__(self):
        return len(self._by_key)

    def __iter__(self):
        return iter(self._by_key)

    def __contains__(self, key):
        return key in self._by_key

    def keys(self):
        """The keys."""
        return self._by_key.keys()

    def clear(self):
        """Take everything away."""
        for key in list(self):
            del self[key]

    def pop(self, key):
        """Take away what has this key, and return it."""
        value = self[key]
        del self[key]
        return value


class ModuleDict(_Dict):
    """A dict of modules; keys are strings."""

    def __init__(self, modules=None):
        super().__init__()
        if modules is not None:
            self.update(modules)

    _by_key = property(lambda self: self._modules)

    def __getitem__(self, key):
        return self._modules[key]

    def __setitem__(self, key, module):
        self.add_module(key, module)

    def __delitem__(self, key):
        del self._modules[key]

    def items(self):
        """(key, module) of each."""
        return self._modules.items()

    def values(self):
        """The modules."""
        return self._modules.values()

    def update(self, modules):
        """Take over the modules of a mapping, or of (key, module) pairs."""
        for key, module in _pairs(modules, "ModuleDict.update"):
            self[key] = module


class _Values(Module):
    """Parameters, or anything else, under names: what ParameterList and ParameterDict share."""

    def _put(self, name, value):
        is_plain = isinstance(value, Tensor) and not isinstance(value, Parameter)
        setattr(self, name, Parameter(value) if is_plain else value)

    def extra_repr(self):
        """A line for each value."""
        return "\n".join(f"  ({key}): {self._described(value)}" for key, value in self._entries())

    def _described(self, value):
        if not isinstance(value, Tensor):
            return f"Object of type: {_type_name(value)}"
        kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
        where = f" (GPU {value.device.index})" if value.is_cuda else ""
        return f"{kind} containing: [{self._element_type(value)} of size {'x'.join(map(str, value.shape))}{where}]"

    def __call__(self, *args, **kwargs):
        raise RuntimeError(f"{type(self).__name__} should not be called.")


class ParameterList(_Values):
    """A list of parameters; tensors become Parameters, other values stay what they are."""

    def __init__(self, values=None):
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def _entries(self):
        return enumerate(self)

    def _element_type(self, value):
        return value.dtype

    def __getitem__(self, idx):
        if isinstance(idx, slice):
            return type(self)([self[position] for position in range(*idx.indices(len(self)))])
        return getattr(self, str(_position(idx, len(self))))

    def __setitem__(self, idx, param):
        self._put(str(_position(idx, len(self))), param)

    def __len__(self):
        return self._size

    def __iter__(self):
        return (self[position] for position in range(len(self)))

    def append(self, value):
        """Add a value at the end; returns this list."""
        self._put(str(self._size), value)
        self._size += 1
        return self

    def extend(self, values):
        """Add values at the end; returns this list."""
        _check_iterable(values, "ParameterList.extend")
        for value in list(values):
            self.append(value)
        return self

    __iadd__ = extend


class ParameterDict(_Dict, _Values):
    """A dict of parameters; keys are strings, tensors become Parameters, other values stay what they are."""

    def __init__(self, parameters=None):
        super().__init__()
        self._by_key = {}  # in order, without values: those are attributes
        if parameters is not None:
            self.update(parameters)

    def _entries(self):
        return self.items()

    def _element_type(self, value):
        return _type_name(value)

    def _checked(self, key):
        if not isinstance(key, str):
            raise TypeError(f"the keys of a ParameterDict must be strings, not {type(key).__name__}")
        return key

    def __getitem__(self, key):
        return getattr(self, self._checked(key))

    def __setitem__(self, key, value):
        self._put(self._checked(key), value)
        self._by_key[key] = None

    def __delitem__(self, key):
        del self._by_key[key]
        delattr(self, key)

    def __reversed__(self):
        return reversed(self._by_key)

    def items(self):
        """(key, value) of each."""
        return ((key, self[key]) for key in self)

    def values(self):
        """The values."""
        return (self[key] for key in self)

    def copy(self):
        """Another ParameterDict of the same values."""
        return ParameterDict(collections.OrderedDict(self.items()))

    def get(self, key, default=None):
        """The value of this key, `default` if there is none."""
        return self[key] if key in self else default

    def setdefault(self, key, default=None):
        """The value of this key, which becomes `default` if there is none."""
        if key not in self:
            self[key] = default
        return self[key]

    def popitem(self):
        """Take away the last key and its value, and return both."""
        key = next(reversed(self))
        return key, self.pop(key)

    def fromkeys(self, keys, default=None):
        """A ParameterDict of these keys, all with the same value."""
        return ParameterDict((key, default) for key in keys)

    def update(self, parameters):
        """Take over the values of a mapping, or of (key, value) pairs."""
        for key, value in _pairs(parameters, "ParameterDict.update"):
            self[key] = value

    def __or__(self, other):
        return self.copy().__ior__(other)

    def __ror__(self, other):
        return other | dict(self.items())

    def __ior__(self, other):
        self.update(other)
        return self
