"""What is asked of numpy's OpenBLAS, and of the C library, by the names of their functions.

Other libraries that numpy may have been built with are left as they are.
"""

import ctypes
import functools
import os
import threading

import numpy as np

NAMES = "scipy_openblas_{}64_", "scipy_openblas_{}", "openblas_{}"


class Libraries:
    """`with` them, OpenBLAS has one thread: each of ours computes its own products, and nobody waits for its pool.

    The number holds for the process, so it is changed by the first who comes, and put back by the last who goes.
    core(): the core that the caller runs on; None where the system does not tell.
    """

    def __init__(self):
        self.core = lambda: None
        if hasattr(os, "sched_setaffinity"):
            self.core = getattr(ctypes.PyDLL(None), "sched_getcpu", self.core)
        blas = ctypes.CDLL(np.linalg._umath_linalg.__file__)  # names are looked up in what it was linked with, too
        named = next((each for each in NAMES if hasattr(blas, each.format("set_num_threads"))), None)
        self._set = self._get = lambda *count: 1
        self._name = lambda: b""
        if named:
            self._set, self._get, self._name = [
                getattr(blas, named.format(each)) for each in ("set_num_threads", "get_num_threads", "get_corename")]
            self._name.restype = ctypes.c_char_p
        self._lock, self._users, self._before = threading.Lock(), 0, 1

    def kernels(self):
        """OpenBLAS's name for the processor whose kernels it uses, such as "Haswell"; "" for another library."""
        return self._name().decode()

    def __enter__(self):
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._before = self._get()
                self._set(1)

    def __exit__(self, *exception):
        with self._lock:
            self._users -= 1
            if not self._users:
                self._set(self._before)

    def put_back(self):
        """The number of threads as it was, whoever is still computing."""
        if self._users:
            self._set(self._before)


@functools.cache
def libraries():
    """The process's one `Libraries`."""
    return Libraries()
