"""The op table, in the order of growing complexity: elementwise, shape, reduction, indexing, linear algebra."""

from engine.ops import decompositions, elementwise, indexing, linear, reduction, shape
from engine.ops.table import TABLE

__all__ = ["TABLE", "decompositions", "elementwise", "indexing", "linear", "reduction", "shape"]
