"""torch.return_types: the named tuples that functions with several results return."""

import collections

__all__ = ["linalg_eigh", "linalg_qr", "linalg_slogdet", "linalg_svd", "max", "min", "slogdet", "sort", "topk"]


def _named(name, fields):
    """A named tuple that prints as torch's."""

    class Result(collections.namedtuple(name, fields)):
        __slots__ = ()

        def __repr__(self):
            values = ",\n".join(f"{field}={value!r}" for field, value in zip(self._fields, self))
            return f"torch.return_types.{name}(\n{values})"

    Result.__name__ = Result.__qualname__ = name
    return Result


linalg_eigh = _named("linalg_eigh", "eigenvalues eigenvectors")
linalg_qr = _named("linalg_qr", "Q R")
linalg_slogdet = _named("linalg_slogdet", "sign logabsdet")
linalg_svd = _named("linalg_svd", "U S Vh")
max = _named("max", "values indices")
min = _named("min", "values indices")
slogdet = _named("slogdet", "sign logabsdet")
sort = _named("sort", "values indices")
topk = _named("topk", "values indices")
