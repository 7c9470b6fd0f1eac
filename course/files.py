"""Files are written whole or not at all: a temporary file in the same folder, then one rename."""

import hashlib
import os
import secrets
from pathlib import Path


def write_atomically(path, data):
    """Make the file `path` hold exactly the bytes `data`, creating its folder if needed.

    A reader, or a crash at any moment, sees either the old file or the new one. A file that already
    holds these bytes is left alone, so its modification time stays. Returns True if it was written.
    Raises OSError if the folder cannot be written (full disk, no permission).
    """
    path = Path(path)
    if path.is_file() and path.read_bytes() == data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return True


def digest(data):
    """The SHA-256 of `data` (bytes) as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
