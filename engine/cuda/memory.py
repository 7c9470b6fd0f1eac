"""The most of a GPU's memory that was in use: cupy keeps no such count, but tells of each piece."""

import threading

from engine import backend

most = {}  # number of a GPU that is watched -> the most bytes in use since then
_watching = threading.local()  # cupy tells each thread of its own pieces


def watch(index, used):
    """Keep `most` of that GPU from now on, when `used` bytes of it are in use."""
    most[index] = used
    if not hasattr(_watching, "hook"):
        _watching.hook = _new_hook().__enter__()
    _watching.hook.used[index] = used


def _new_hook():
    class CountsMemory(backend.cupy().cuda.MemoryHook):
        name = "chainrule"

        def __init__(self):
            self.used = {}

        def malloc_postprocess(self, *, device_id, mem_size, **others):
            if device_id in self.used:
                self.used[device_id] += mem_size
                most[device_id] = max(most[device_id], self.used[device_id])

        def free_postprocess(self, *, device_id, mem_size, **others):
            if device_id in self.used:
                self.used[device_id] -= mem_size

    return CountsMemory()
