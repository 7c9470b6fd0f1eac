"""torch.cuda: what there is of GPUs. Honest on a machine without one: it counts none, and says so."""

import collections

from engine import backend, bounds
from engine.cuda import memory
from engine.devices import device as as_device

_Properties = collections.namedtuple("_CudaDeviceProperties", "name major minor total_memory multi_processor_count")


def is_available():
    """True if cupy is installed and sees a GPU."""
    return backend.has_cuda()


def device_count():
    """How many GPUs there are."""
    return backend.cuda_device_count()


def is_initialized():
    """Whether the GPUs can be used: cupy needs no preparation, so this is `is_available`."""
    return is_available()


# ---- which GPU --------------------------------------------------------------------------------------------


def current_device():
    """The number of the GPU that is in use, which "cuda" without a number means; RuntimeError where there is none."""
    return backend.current_gpu()


def set_device(device):
    """Use that GPU from now on, in this thread. A negative number changes nothing."""
    index = _index(device)
    if index >= 0:
        backend.gpu(index).use()


class device:
    """Context manager: inside, that GPU is in use, and afterwards the one before. A negative number changes nothing."""

    def __init__(self, device):
        self.idx = _index(device, if_none=-1)

    def __enter__(self):
        self._gpu = backend.gpu(self.idx) if self.idx >= 0 else None
        if self._gpu is not None:
            self._gpu.__enter__()

    def __exit__(self, *exception):
        if self._gpu is not None:
            self._gpu.__exit__(*exception)
        return False


def get_device_name(device=None):
    """What the GPU is called, e.g. "NVIDIA H200"; RuntimeError where there is none."""
    return get_device_properties(device).name


def get_device_capability(device=None):
    """(major, minor) of what the GPU can do, e.g. (9, 0)."""
    return get_device_properties(device)[1:3]


def get_device_properties(device=None):
    """name, major, minor, total_memory in bytes and multi_processor_count of the GPU; or RuntimeError."""
    index = _index(device)
    with backend.gpu(index):
        found = backend.cupy().cuda.runtime.getDeviceProperties(index)
    return _Properties(
        found["name"].decode(), found["major"], found["minor"], found["totalGlobalMem"], found["multiProcessorCount"])


def synchronize(device=None):
    """Wait until the GPU has done all that was asked of it; RuntimeError where there is none.

    An index that was out of range and not yet told of raises its IndexError here (engine/bounds.py).
    """
    backend.gpu(_index(device)).synchronize()
    bounds.settle()


# ---- memory: 0 bytes where there is no GPU ------------------------------------------------------------------


def memory_allocated(device=None):
    """How many bytes of the GPU's memory tensors occupy."""
    return _of_pool("used_bytes", device)


def memory_reserved(device=None):
    """How many bytes of the GPU's memory are kept for tensors, in use or not."""
    return _of_pool("total_bytes", device)


def empty_cache():
    """Give back the memory that is kept but not in use."""
    if is_available():
        backend.cupy().get_default_memory_pool().free_all_blocks()


def mem_get_info(device=None):
    """(free, total): bytes of the GPU's memory, as the driver sees it; RuntimeError where there is no GPU."""
    with backend.gpu(_index(device)):
        return backend.cupy().cuda.runtime.memGetInfo()


def reset_peak_memory_stats(device=None):
    """Begin to watch, in this thread, for what `max_memory_allocated` says; nothing where there is no GPU."""
    if is_available():
        index = _index(device)
        memory.watch(index, memory_allocated(index))


def max_memory_allocated(device=None):
    """The most bytes that tensors occupied since `reset_peak_memory_stats`; RuntimeError unless that was called before:
    cupy keeps no such count by itself."""
    if not is_available():
        return 0
    index = _index(device)
    if index not in memory.most:
        raise RuntimeError(
            "max_memory_allocated(): call torch.cuda.reset_peak_memory_stats() before what is to be measured.")
    return memory.most[index]


def _of_pool(what, device):
    if not is_available():
        return 0
    with backend.gpu(_index(device)):
        return getattr(backend.cupy().get_default_memory_pool(), what)()


# ---- random numbers -----------------------------------------------------------------------------------------


def manual_seed(seed):
    """Seed what is drawn for the GPU, if there is one: by the same generator as for the CPU, `engine.random`'s."""
    seed = int(seed)
    if is_available():
        from engine import random

        random.manual_seed(seed)


def manual_seed_all(seed):
    """The same: all GPUs share the generator."""
    manual_seed(seed)


def _index(device, if_none=None):
    """The number of a GPU given as torch.device, "cuda:1" or 1; None is the one in use, or `if_none`."""
    if device is None and if_none is not None:
        return if_none
    if isinstance(device, int):
        return device
    where = as_device("cuda" if device is None else device)
    if where.type != "cuda":
        raise ValueError(f"Expected a cuda device, but got: {where}")
    return current_device() if where.index is None else where.index


def __getattr__(name):
    if name == "amp":  # it stands on engine.amp, which stands on much else
        import importlib

        return importlib.import_module("engine.cuda.amp")
    from engine.names import MissingName

    raise MissingName("engine.cuda", name, lambda: list(globals()))
