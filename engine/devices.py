"""Where tensors live: the CPU, or one of the GPUs."""

from engine import backend


class device:
    """Where a tensor lives: device("cpu"), device("cuda"), device("cuda:1") or device("cuda", 1)."""

    __slots__ = ("type", "index")

    def __init__(self, type, index=None):
        if isinstance(type, device):
            type, index = type.type, type.index
        if isinstance(type, int):
            type, index = "cuda", type
        if not isinstance(type, str):
            raise TypeError(f"device(): argument 'type' must be str, not {type.__class__.__name__}")
        name, colon, number = type.partition(":")
        if name not in ("cpu", "cuda") or (colon and not number.isdigit()):
            raise RuntimeError(f"Expected one of cpu, cuda, cuda:<number> as device, got: {type!r}")
        self.type = name
        self.index = int(number) if colon else index

    def __eq__(self, other):
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self):
        return hash((self.type, self.index))

    def __str__(self):
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self):
        return (
            f"device(type={self.type!r})" if self.index is None else f"device(type={self.type!r}, index={self.index})")


CPU = device("cpu")


def array_on(array, where):
    """The array on that device (None: where it is)."""
    if where is None:
        return array
    where = device(where)
    return backend.to_numpy(array) if where.type == "cpu" else backend.to_cuda(array, device_index(where))


def device_index(where):
    """The number of a GPU; None for the CPU, which is also what None means."""
    where = CPU if where is None else device(where)
    if where.type == "cpu":
        return None
    return backend.current_gpu() if where.index is None else where.index
