"""torch.return_types: the named tuples that functions with several results return."""

import collections

__all__ = ["max", "min", "sort", "topk"]


def _named(name, fields):
    """A named tuple that prints as torch's."""

    class Result(collections.namedtuple(name, fields)):
        __slots__ = ()

        def __repr__(self):
            values = ",\n".join(f"{field}={value!r}" for field, value in zip(self._fields, self))
            return f"torch.return_types.{name}(\n{values})"

    Result.__name__ = Result.__qualname__ = name
    return Result


max = _named("max", "values indices")
min = _named("min", "values indices")
sort = _named("sort", "values indices")
topk = _named("topk", "values indices")
