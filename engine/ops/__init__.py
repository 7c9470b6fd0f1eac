"""The op table, in the order of growing complexity: elementwise, shape, reduction, indexing, matrix products.

What belongs to one room alone has its entries there: decompositions of matrices are in `engine/linalg`.
"""

from engine.ops import elementwise, indexing, linear, quick, reduction, shape
from engine.ops.table import TABLE

__all__ = ["TABLE", "elementwise", "indexing", "linear", "quick", "reduction", "shape"]
