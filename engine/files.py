"""Files are written whole or not at all: under another name in the same folder, then one rename."""

import os
import pathlib


def write_atomically(path, content):
    """Make the file hold these bytes; if anything goes wrong it is as it was before, and nothing is left beside it."""
    path = pathlib.Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(partial, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
