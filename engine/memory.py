"""Memory that is used again: what an array leaves behind stays with the process, for the next array.

By default the C library of Linux gives every large piece of memory back to the system at once. Fresh memory then comes
page by page, each filled with zeros when it is first touched; for an operation that fills a few megabytes once, that
costs as much as the operation. Training makes the same arrays at every step, so their memory is worth keeping.
"""

import os

KEPT = 2**28  # bytes at the end of the heap that are not given back
LARGEST = 2**25  # bytes of one piece; larger ones still come from the system, and go back there
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # numbers in malloc.h of the GNU C library


def keep():
    """Let the C library keep up to KEPT bytes. False where it is not GNU's, or where the environment has decided.

    It holds for the whole process, numpy's arrays of others too. MALLOC_TRIM_THRESHOLD_ or MALLOC_MMAP_THRESHOLD_ in
    the environment, or GLIBC_TUNABLES, are left to decide.
    """
    if {"MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"} & set(os.environ):
        return False
    if "CS_GNU_LIBC_VERSION" not in getattr(os, "confstr_names", ()):
        return False
    import ctypes

    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_TRIM_THRESHOLD, KEPT) and mallopt(_MMAP_THRESHOLD, LARGEST))
