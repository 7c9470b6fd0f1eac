"""Two pipes to a process in a sandbox: messages there and back before a deadline, whatever the other side does."""

import math
import os
import select
import time

from autograders.sandbox import wire

CHUNK = 2**20  # bytes


class Connection:
    """The grader's ends of two new pipes; `requests` and `replies` are the other ends, until they are handed over.

    Reading and writing raise TimeoutError at the deadline, in `time.monotonic()`'s seconds; EOFError or
    BrokenPipeError where nobody is at the other end any more; wire.Malformed for what is no message.
    """

    def __init__(self):
        self.requests, self._requests = os.pipe()
        self._replies, self.replies = os.pipe()
        for descriptor in (self._requests, self._replies):
            os.set_blocking(descriptor, False)

    def handed_over(self) -> None:
        """Close the other side's ends here: it has its own by now, or there is none."""
        for descriptor in (self.requests, self.replies):
            os.close(descriptor)

    def write(self, data: bytes, deadline: float) -> None:
        view = memoryview(data)
        while view:
            wait(self._requests, select.POLLOUT, deadline)
            view = view[os.write(self._requests, view[:CHUNK]) :]

    def read_message(self, deadline: float, largest: int, opaque=None) -> tuple[dict, tuple]:
        prefix = self._read(wire.PREFIX.size, deadline)
        header, body = wire.lengths(prefix, largest)
        return wire.unpack(self._read(header, deadline), self._read(body, deadline), opaque)

    def _read(self, count: int, deadline: float) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            wait(self._replies, select.POLLIN, deadline)
            part = os.read(self._replies, min(count - len(parts), CHUNK))
            if not part:
                raise EOFError
            parts += part
        return bytes(parts)

    def read_to_the_end(self, deadline: float) -> None:
        """Return once the last process that holds the other end is gone."""
        part = b"more"
        while part:
            wait(self._replies, select.POLLIN, deadline)
            part = os.read(self._replies, CHUNK)

    def close(self) -> None:
        for descriptor in (self._requests, self._replies):
            os.close(descriptor)


def wait(descriptor: int, event: int, deadline: float) -> None:
    """Return once the descriptor is ready; TimeoutError at the deadline."""
    poll = select.poll()
    poll.register(descriptor, event)
    left = deadline - time.monotonic()
    if left <= 0 or not poll.poll(math.ceil(left * 1000)):
        raise TimeoutError
