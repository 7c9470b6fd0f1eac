"""Fetch a file that is known by its checksum, from the first mirror that gives it whole, going on where it broke off.

What arrives is kept beside its place as `<name>.part`, looked at when it is whole, and only then moved to where it
belongs: a file that stands there is the right one. Proxies are taken from the environment, as urllib does.
"""

import hashlib
import http
import http.client
import os
import pathlib
import re
import sys
import time
import urllib.error
import urllib.request

__all__ = ["fetch", "has_checksum"]

ATTEMPTS = 3  # on each mirror, as long as each brings something new
BLOCK = 1 << 16


def fetch(filename, folder, mirrors, md5, size, *, timeout=20.0, progress=True):
    """The path of `filename` in `folder`, downloaded unless it stands there already with the right checksum.

    mirrors: addresses of folders that have the file, tried in this order. md5: its checksum, in hex. size: how many
    bytes it has; not one more is accepted. timeout: how many seconds a server may stay silent. progress: a bar on
    stderr.

    RuntimeError, after the last mirror, says what went wrong with each and where to put the file by hand.
    """
    place = pathlib.Path(folder).expanduser() / filename
    if has_checksum(place, md5):
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    wanted = _Wanted(place, md5, size, timeout, progress)
    failures = []
    for mirror in mirrors:
        address = mirror.rstrip("/") + "/" + filename
        failure = _from_mirror(address, wanted)
        if failure is None:
            return place
        failures.append(f"  {address}: {failure}")
    raise RuntimeError("\n".join([
        f"could not download {filename}:", *failures,
        f"Without a connection, bring the file ({size:,} bytes, md5 {md5}) from elsewhere and put it here:",
        f"  {place.absolute()}"]))


def has_checksum(path, md5):
    """True if the file exists and has this md5 sum."""
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest() == md5


class _Wanted:
    """What is fetched, and what of it has arrived."""

    def __init__(self, place, md5, size, timeout, progress):
        self.place, self.md5, self.size, self.timeout, self.progress = place, md5, size, timeout, progress
        self.part = place.with_name(place.name + ".part")

    def arrived(self):
        return self.part.stat().st_size if self.part.exists() else 0


class _Refused(Exception):
    """What this mirror offers is of no use; there is no point in asking it again."""


def _from_mirror(address, wanted):
    """None when the file is in its place, else what went wrong."""
    for attempt in range(ATTEMPTS):
        before = wanted.arrived()
        try:
            if before < wanted.size:
                _receive(address, wanted)
            if has_checksum(wanted.part, wanted.md5):
                os.replace(wanted.part, wanted.place)
                return None
            wanted.part.unlink()
            failure = "what it sent has another checksum"
            if not before:
                return failure  # all of it came from here: it has another file
        except urllib.error.HTTPError as error:
            error.close()
            failure = f"HTTP {error.code} {error.reason}"
            if not before or error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return failure
            wanted.part.unlink()  # it gives nothing from there on: then all of it
        except _Refused as refused:
            return str(refused)
        except (OSError, http.client.HTTPException) as error:  # URLError and TimeoutError are OSErrors
            failure = str(getattr(error, "reason", error)) or type(error).__name__
            if wanted.arrived() <= before:
                return failure
    return failure


def _receive(address, wanted):
    """Append what is missing to the part; OSError if the connection breaks, _Refused if the answer is of no use."""
    start = wanted.arrived()
    request = urllib.request.Request(address, headers={"User-Agent": "chainrule", "Range": f"bytes={start}-"})
    if not start:
        request.remove_header("Range")
    with urllib.request.urlopen(request, timeout=wanted.timeout) as answer:
        if answer.status != 206:  # the server knows no ranges: it begins anew
            start = 0
        elif not re.match(rf"bytes {start}-", answer.headers.get("Content-Range", "")):
            raise _Refused("it answers with another range than was asked for")
        bar = _Bar(wanted.place.name, wanted.size, wanted.progress)
        try:
            with open(wanted.part, "r+b" if start else "wb") as file:
                file.seek(start)
                while block := answer.read1(BLOCK):
                    start += len(block)
                    if start > wanted.size:
                        break
                    file.write(block)
                    bar.show(start)
        finally:
            bar.end()
    if start > wanted.size:
        wanted.part.unlink()
        raise _Refused(f"it sends more than the {wanted.size:,} bytes that the file has")
    if start < wanted.size:
        raise ConnectionError(f"it broke off after {start:,} of {wanted.size:,} bytes")


class _Bar:
    """A line on stderr that fills: `mnist.gz  [######      ]  50 %  of 9.9 MB`."""

    WIDTH = 30

    def __init__(self, name, size, is_shown):
        self.name, self.size, self.is_shown, self.next = name, size, is_shown, 0.0
        self.was_shown = False

    def show(self, arrived):
        now = time.monotonic()
        if not self.is_shown or (now < self.next and arrived < self.size):
            return
        share = arrived / self.size
        filled = "#" * round(share * self.WIDTH)
        sys.stderr.write(f"\r{self.name}  [{filled:{self.WIDTH}}] {share:4.0%}  of {self.size / 1e6:.1f} MB")
        sys.stderr.flush()
        self.next, self.was_shown = now + 0.2, True

    def end(self):
        if self.was_shown:
            sys.stderr.write("\n")
