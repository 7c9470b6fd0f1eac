"""torch.cuda: what there is of GPUs. Honest on a machine without one."""

from engine import backend


def is_available():
    """True if cupy is installed and sees a GPU."""
    return backend.has_cuda()


def device_count():
    """How many GPUs there are."""
    return backend.cuda_device_count()


def synchronize():
    """Wait until the GPU has done all that was asked of it; RuntimeError where there is none."""
    backend.cupy().cuda.Stream.null.synchronize()
