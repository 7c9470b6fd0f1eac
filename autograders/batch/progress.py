"""How far it is: a bar on a terminal, now and then a line elsewhere."""

import sys
import time

WIDTH = 30
SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Counts up to `total`, one `step` at a time. Use it in a `with` statement, at whose end the bar goes."""

    def __init__(self, total, stream=None):
        self._total, self._stream = total, stream or sys.stderr
        self._done, self._begun = 0, time.monotonic()
        self._next_line = self._begun + SECONDS_BETWEEN_LINES
        self._bar = self._stream.isatty()

    def step(self):
        self._done += 1
        if self._bar:
            self._draw()
        elif time.monotonic() >= self._next_line or self._done == self._total:
            print(f"{self._done} of {self._total}", file=self._stream, flush=True)
            self._next_line = time.monotonic() + SECONDS_BETWEEN_LINES

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self._bar:
            print("\r\033[K", end="", file=self._stream, flush=True)

    def _draw(self):
        filled = WIDTH * self._done // max(1, self._total)
        left = (time.monotonic() - self._begun) / max(1, self._done) * (self._total - self._done)
        bar = "#" * filled + "." * (WIDTH - filled)
        print(
            f"\r\033[K[{bar}] {self._done} of {self._total}, {left:.0f} s left", end="", file=self._stream, flush=True
        )
