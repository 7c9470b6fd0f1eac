"""torch's functions on tensors: read the arguments as torch does, then use the table.

Each name in a file's `__all__` is `engine.<name>`; those marked with `@method` are also methods of Tensor.
"""

from engine.functions.einsum import *  # noqa: F403
from engine.functions.elementwise import *  # noqa: F403
from engine.functions.indexing import *  # noqa: F403
from engine.functions.linear import *  # noqa: F403
from engine.functions.reduction import *  # noqa: F403
from engine.functions.shape import *  # noqa: F403
