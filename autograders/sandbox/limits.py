"""How much a learner's code may use: time, memory, disk, processes, and the size of what it sends back."""

import dataclasses
import json
import math
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Limits:
    """What one session may use. Seconds are wall-clock time; megabytes are 2**20 bytes; all must be positive.

    `megabytes` bounds the memory of each process, so `processes` is small: an honest answer needs one. The count
    includes threads and the two processes that bubblewrap needs. `reply_megabytes` bounds what one call may return,
    beside its inputs, which come back too.
    """

    seconds_per_call: float = 10.0
    seconds_total: float = 60.0
    megabytes: int = 1024
    disk_megabytes: int = 64
    processes: int = 8
    reply_megabytes: int = 64
    open_files: int = 32

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if not value > 0:
                raise ValueError(f"{field.name} must be a positive number, but is {value!r}")

    def for_worker(self, modules: dict[str, str]) -> str:
        """The worker's argument, JSON: these limits, and where inside the files of the modules are that it may load."""
        limits = {**dataclasses.asdict(self), "cpu_seconds": math.ceil(self.seconds_total) + 5}
        return json.dumps({"limits": limits, "modules": modules})
