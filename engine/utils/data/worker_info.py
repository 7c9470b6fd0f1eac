"""What a dataset can know of the worker process that it is in."""

import typing

__all__ = ["get_worker_info"]


class WorkerInfo(typing.NamedTuple):
    """A worker's number, how many there are, the seed of its random numbers, and its copy of the dataset."""

    id: int
    num_workers: int
    seed: int
    dataset: object


_of_this_process = None


def get_worker_info():
    """In a worker process: its `id`, `num_workers`, `seed` and `dataset`. None in any other."""
    return _of_this_process


def set_worker_info(info):
    """Say that this process is a worker."""
    global _of_this_process
    _of_this_process = info
