"""How many threads numpy's linear algebra may use. Its libraries are asked through threadpoolctl."""

__all__ = ["get_num_threads", "set_num_threads"]

_kept = []  # threadpoolctl's controller: finding the libraries takes milliseconds


def _controller():
    if not _kept:
        try:
            import threadpoolctl
        except ImportError:
            raise RuntimeError(
                "the number of numpy's threads is known to the package threadpoolctl (pip install threadpoolctl); "
                "without it, set OPENBLAS_NUM_THREADS or MKL_NUM_THREADS before Python starts"
            ) from None
        _kept.append(threadpoolctl.ThreadpoolController())
    return _kept[0]


def get_num_threads():
    """The most threads that one of numpy's libraries uses; RuntimeError without threadpoolctl."""
    return max((library["num_threads"] for library in _controller().info()), default=1)


def set_num_threads(number):
    """Let each use that many from now on; RuntimeError for anything but a positive int, or without threadpoolctl."""
    if not isinstance(number, int):
        raise RuntimeError(f"set_num_threads expects an int, but got {type(number).__name__}")
    if number < 1:
        raise RuntimeError("set_num_threads expects a positive integer")
    _controller().limit(limits=number)
