"""The learner's own engine: `use` puts functions and classes of their own in the place of the engine's, by name.

They are put into the entries of the table (`exchange`) and into the modules that look a name up, and taken out again at
the end. So the engine costs nothing more while nothing is in use. What is in use holds for all threads of the process.
"""

import functools
import sys
import threading
from collections.abc import Mapping

from engine.exchange import Exchange, call_part, checked, is_inside
from engine.names import MissingName
from engine.ops.table import TABLE, Op
from engine.tensor import Tensor

__all__ = ["use", "used"]

_lock = threading.RLock()
_layers = []  # the `use`s that hold, later ones on top
_in_force = {}  # name -> function: what they come to
_exchanges = []  # of entries of the table
_stand_ins = {}  # id of what stands in for a class or function of the engine now -> (that, the engine's own)


class use:
    """Run the engine on parts of your own: from now on, until `engine.use(None)`, or inside a `with`.

    parts: a mapping from names to functions and classes, anything with such a mapping as its attribute `PARTS`, or
    None: the engine's own (`with engine.use(None)` for a while). Later uses add to earlier ones. Names are

    - "matmul.vjp", of an entry of the op table (docs/reference.md lists them): function(gradient, *inputs, **metadata)
      -> a gradient for each input, or for each that has a derivative; None in a tuple is 0. It gets and gives arrays
      (numpy's, on a GPU cupy's), so create_graph=True through it raises RuntimeError. All inputs are saved for it. A
      gradient may have its input's shape or one that broadcasting makes of that.
    - "matmul.forward": function(*inputs, **metadata) -> the result, an array.
    - "matmul": both at once, function(*inputs, **metadata) -> (result, pullback), with pullback(gradient) -> gradients.
    - "nn.Linear", "optim.SGD", "nn.functional.dropout", "autograd.unbroadcast": a public class or function, exchanged
      wherever the engine looks it up, and called as the engine's. Copies of a name in modules of yours stay.

    What a function for an entry gives is held to type, shape and dtype: TypeError and ValueError name the part. Within
    a part its name leads to the engine's own, so a part may call what it replaces. What was recorded with a part goes
    back through it, also after the use has ended. A name that is not there raises AttributeError with the nearest one,
    parts that do not fit raise TypeError or ValueError; then nothing has changed.
    """

    said = ""  # the line that was last printed

    def __init__(self, parts):
        with _lock:
            self.parts = None if parts is None else _read(parts)
            _hold([*_layers, self])
        names = ", ".join(map(_shown, self.parts or ()))
        line = names and f"Running on your own: {names}. engine.use(None) goes back."
        if line and line != use.said:
            print(line)
        use.said = line

    def __enter__(self):
        with _lock:
            _hold([*(each for each in _layers if each is not self), self])
        return self

    def __exit__(self, *exception):
        with _lock:
            _hold([each for each in _layers if each is not self])

    def __repr__(self):
        if not self.parts:
            return "All parts are the engine's."
        width = max(28, *(len(_shown(name)) for name in self.parts))
        rows = [f"  {_shown(name):<{width}} yours, {_home(function)}" for name, function in self.parts.items()]
        return "\n".join([*rows, f"  {'all else':<{width}} the engine's"])

    def _repr_html_(self):
        import html

        chips = [(_shown(name), "yours", _home(function), "#0072b2") for name, function in (self.parts or {}).items()]
        chips.append(("all else" if chips else "all parts", "the engine’s", "", "#888888"))
        style = "border: 1px solid; border-left: 6px solid {}; padding: 1px 10px"
        spans = [
            f'<span style="{style.format(colour)}" title="{html.escape(home)}">{html.escape(name)} · {whose}</span>'
            for name, whose, home, colour in chips]
        return f'<div style="display: flex; flex-wrap: wrap; gap: 6px; margin: 4px 0">{"".join(spans)}</div>'


def used():
    """{name: function} of the parts in force, see `use`."""
    return dict(_in_force)


def _shown(name):
    entry, _, kind = name.partition(".")
    return f"{entry} ({kind})" if kind and entry in TABLE else name


def _home(function):
    return f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', type(function).__name__)}"


# ---- reading parts -----------------------------------------------------------------------------------------


def _read(parts):
    """The parts as a dict, after a look at each."""
    parts = getattr(parts, "PARTS", parts)
    if not isinstance(parts, Mapping):
        raise TypeError(f"use() takes a mapping from names to functions, or what has one as PARTS, not {parts!r}")
    for name, function in parts.items():
        if not isinstance(name, str) or not callable(function):
            raise TypeError(f"use() takes functions and classes by their names, not {name!r}: {function!r}")
        entry, _, kind = name.partition(".")
        if entry in TABLE:
            _check_kind(name, TABLE[entry], kind)
        else:
            _check_alike(name, _find(name), function)
    return dict(parts)


def _check_kind(name, op, kind):
    if kind not in ("", "forward", "vjp"):
        raise ValueError(f"use(): {op.name!r} has the parts '{op.name}.vjp' and '{op.name}.forward', not {name!r}")
    if kind != "forward" and not op.vjps:
        raise ValueError(f"use(): {name!r}: {op.name} has no derivative, so there is '{op.name}.forward' alone")
    if kind == "forward" and hasattr(op, "walk_back"):
        raise ValueError(f"use(): {name!r}: the engine's vjp wants what its own forward keeps; give {op.name!r}, both")


def _check_alike(name, own, function):
    if isinstance(own, Op):
        raise ValueError(f"use(): {name!r} is an entry of the table; its name is {own.name!r}")
    if not callable(own) or not getattr(own, "__module__", "").startswith("engine"):
        raise ValueError(f"use(): {name!r} is no function or class of the engine, but {own!r}")
    if isinstance(own, type) != isinstance(function, type):
        kind = "class" if isinstance(own, type) else "function"
        raise TypeError(f"use(): {name!r} is a {kind}, and so must be what takes its place, not {function!r}")


def _find(name):
    """What the engine itself has under a dotted name; MissingName if it has nothing."""
    found = sys.modules["engine"]
    for part in name.split("."):
        if part.startswith("_") or not hasattr(found, part):
            near = [*vars(found), *(TABLE if found is sys.modules["engine"] else ())]
            raise MissingName(found.__name__, part, lambda: near)
        found = getattr(found, part)
    return _stand_ins.get(id(found), (None, found))[1]


# ---- putting parts in and taking them out ---------------------------------------------------------------------


def _hold(layers):
    """Let these be the uses that hold."""
    wanted = {}
    for each in layers:
        parts = each.parts or {}
        below = {} if each.parts is None else wanted
        wanted = {name: part for name, part in below.items() if name.partition(".")[0] not in parts} | parts
    _layers[:] = layers
    if wanted != _in_force:
        _take_out()
        _in_force.update(wanted)
        _put_in()


def _put_in():
    by_entry, exchanged = {}, {}
    for name, function in _in_force.items():
        entry, _, kind = name.partition(".")
        if entry in TABLE:
            by_entry.setdefault(entry, {})[kind or "both"] = function
        else:
            own = _find(name)
            exchanged[id(own)] = _stand_in(name, function, own)
            _stand_ins[id(exchanged[id(own)])] = exchanged[id(own)], own
    _exchange(exchanged)
    _exchanges.extend(Exchange(TABLE[entry], **functions) for entry, functions in by_entry.items())


def _take_out():
    for each in _exchanges:
        each.end()
    _exchange({key: own for key, (_, own) in _stand_ins.items()})
    for each in (_exchanges, _stand_ins, _in_force):
        each.clear()


def _exchange(new):
    """In the engine's modules and among Tensor's methods, put new[id(that)] where something stands."""
    modules = [module for name, module in list(sys.modules.items()) if name.split(".")[0] == "engine"]
    for owner in [*modules, Tensor] if new else ():
        for name, value in list(vars(owner).items()):
            if id(value) in new:
                setattr(owner, name, new[id(value)])


@functools.lru_cache(maxsize=256)  # the same one for as long as it is in use, whatever comes and goes beside it
def _subclass(name, base):
    body = {"__module__": base.__module__, "__qualname__": base.__qualname__, "__doc__": base.__doc__}
    return type(base)(base.__name__, (base,), body)


def _stand_in(name, function, own):
    """The learner's function or class as an object that the engine has nowhere else."""
    if isinstance(function, type):
        return _subclass(name, function)

    @functools.wraps(function)
    def part(*arguments, **keywords):
        if is_inside(name):
            return own(*arguments, **keywords)
        result = call_part(name, name, function, arguments, keywords)
        if name == "autograd.unbroadcast":
            gradient, shape = arguments
            checked(name, "", result, gradient, shape, getattr(gradient, "array", gradient).dtype)
        return result

    return part
