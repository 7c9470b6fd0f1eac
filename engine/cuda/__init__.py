"""torch.cuda: what there is of GPUs. Honest on a machine without one."""

from engine import backend
from engine.devices import device as as_device


def is_available():
    """True if cupy is installed and sees a GPU."""
    return backend.has_cuda()


def device_count():
    """How many GPUs there are."""
    return backend.cuda_device_count()


def current_device():
    """The number of the GPU that is in use; RuntimeError where there is none."""
    return backend.cupy().cuda.runtime.getDevice()


def synchronize(device=None):
    """Wait until the GPU has done all that was asked of it; RuntimeError where there is none."""
    with backend.gpu(_index(device)):
        backend.cupy().cuda.Stream.null.synchronize()


def get_device_name(device=None):
    """What the GPU is called, e.g. "NVIDIA H200"; RuntimeError where there is none."""
    index = _index(device)
    with backend.gpu(index):
        return backend.cupy().cuda.runtime.getDeviceProperties(index)["name"].decode()


def memory_allocated(device=None):
    """How many bytes of the GPU's memory tensors occupy; 0 where there is no GPU."""
    if not is_available():
        return 0
    with backend.gpu(_index(device)):
        return backend.cupy().get_default_memory_pool().used_bytes()


def _index(device):
    """The number of a GPU given as torch.device, "cuda:1" or 1; None is the one in use."""
    if isinstance(device, int):
        return device
    where = as_device("cuda" if device is None else device)
    if where.type != "cuda":
        raise ValueError(f"Expected a cuda device, but got: {where}")
    return current_device() if where.index is None else where.index


def __getattr__(name):
    from engine.names import missing

    raise missing("engine.cuda", name, list(globals()))
