"""What pip prints, in a learner's words: which package it is at, how far it is, and why it failed."""

import re
import sys
import time

SECONDS_BETWEEN_LINES = 15  # where there is no terminal whose line could be written over
ABOUT_HOW_MANY = 125  # packages, shown until pip knows the number
FULL_DISK = 50e6  # bytes free; a program that dies with less than this has very likely met the end of the disk

# The first of these patterns that pip's output contains says why pip failed. Retries that succeeded leave the words of
# a lost network too, so those come last.
REASONS = [
    (r"No space left on device|Errno 28|WinError 112|quota exceeded", "the disk is full. Make room, then try again."),
    (r"ensurepip is not available", "this Python cannot make environments. On Debian: apt install python3-venv."),
    (r"Permission denied|Errno 13|WinError 5\b|Read-only file system", "a file or folder may not be written there."),
    (r"CERTIFICATE_VERIFY_FAILED|SSLError", "the package index is not trusted: a certificate is wrong or missing."),
    (r"ProxyError", "the network's proxy cannot be reached. Check the variables HTTPS_PROXY and HTTP_PROXY."),
    (r"connection broken|NewConnectionError|Read timed out", "the network is away. Connect, then try again."),
    (r"from versions: none", "the package index did not answer. Is the network away? Connect, then try again."),
]


def explain(text, free):
    """Why pip or venv failed, as a sentence, from the text that it printed and the bytes free on its disk."""
    if free < FULL_DISK:
        return REASONS[0][1]
    for pattern, reason in REASONS:
        if re.search(pattern, text):
            return reason
    package = re.search(r"No matching distribution found for (\S+)", text)
    if package:
        return f"there is no version of {package[1]} for this Python on the package index."
    errors = re.findall(r"^\s*(?:ERROR|Error|error): (.+)$", text, re.MULTILINE)
    return f"{errors[-1].strip()[:200].rstrip('.')}." if errors else "pip stopped without saying why."


class Progress:
    """One line that says where pip is; call it with what pip has printed since the last call.

    `folder` is the environment, in which the finished packages are counted; `now` says what happens at first. On a
    terminal the line is written over and over, elsewhere a new one appears now and then.
    """

    def __init__(self, folder, now, screen=None):
        self.folder, self.now, self.screen = folder, now, screen or sys.stdout
        self.begun = self.shown = time.monotonic()
        self.rest, self.found, self.total, self.before = "", 0, 0, set()

    def __call__(self, text):
        lines = (self.rest + text).split("\n")
        self.rest = lines.pop()
        for line in lines:
            self.read(line)
        terminal = self.screen.isatty()
        if time.monotonic() - self.shown >= (0.2 if terminal else SECONDS_BETWEEN_LINES):
            self.shown = time.monotonic()
            line = f"  {self.shown - self.begun:3.0f} s: {self.where()}"
            print(f"\r{line[:78]:78}" if terminal else line, end="" if terminal else "\n", file=self.screen, flush=True)

    def read(self, line):
        """Take note of one line of pip's."""
        package = re.match(r"(?:Collecting|Processing)\s+(?:\S*[/\\])?([\w.]+(?:-[A-Za-z_.][\w.]*)*)", line)
        download = re.match(r"\s+Downloading (\S+\.(?:whl|tar\.gz)) (\(.+\))", line)
        if package:
            self.found += 1
            self.now = f"found {self.found} of about {max(ABOUT_HOW_MANY, self.found)} packages, at {package[1]}"
        elif download:
            self.now = f"found {self.found} packages, downloading {download[1].split('-')[0]} {download[2]}"
        elif line.startswith("Installing collected packages:"):
            self.total, self.before = line.count(",") + 1, self.installed()
        elif "Retrying" in line:
            self.now = "the network does not answer; trying again"

    def where(self):
        """Where pip is, in words."""
        if not self.total:
            return self.now
        done = self.installed() - self.before
        latest = max(done, key=lambda path: path.stat().st_mtime, default=None)
        name = f", at {latest.name.split('-')[0]}" if latest else ""
        return f"installed {len(done)} of {self.total} packages{name}"

    def installed(self):
        """The folders in which pip describes the packages that are installed."""
        return {
            *self.folder.glob("lib/python*/site-packages/*.dist-info"),
            *self.folder.glob("Lib/site-packages/*.dist-info"),
        }

    def end(self):
        """Leave the line, so that what is printed next has its own."""
        if self.screen.isatty():
            print(file=self.screen)
