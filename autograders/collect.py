"""nbgrader's collect, without following links: a submission is what a learner wrote, not what they pointed at.

In an exchange that learners share, a submission may hold a link to the instructor's solutions, or be one. Stock
nbgrader copies what it points to, with the instructor's rights. Here plain files are taken and nothing else, and
neither a link nor a submission that is too big keeps the others from being collected.
"""

import os
import shutil
import stat
import tempfile
from pathlib import Path

from nbgrader.exchange.default import ExchangeCollect


class CollectPlainFiles(ExchangeCollect):
    """Takes only plain files in plain folders; whatever else is there is left out, with a warning in the log."""

    def do_copy(self, src, dest, log=None):
        """Copy the submission `src` to `dest` by nbgrader's rules, or leave it out if it is a link or too big."""
        if not hasattr(os, "fwalk"):  # Windows, where making links is a privilege
            super().do_copy(src, dest, log)
            return
        with tempfile.TemporaryDirectory() as folder:
            plain = Path(folder, "submission")
            if self._take_plain_files(src, plain):
                super().do_copy(str(plain), dest, log)

    def _take_plain_files(self, src, plain):
        """Copy the plain files below `src`; False if there is nothing to collect. A file may change at any moment."""
        bytes_left = 1000 * self.coursedir.max_dir_size
        for top, folders, files, descriptor in os.fwalk(src, follow_symlinks=False):
            target = plain / os.path.relpath(top, src)
            target.mkdir(parents=True)
            for name in files:
                bytes_left -= self._take_plain_file(name, descriptor, target / name, bytes_left)
                if bytes_left < 0:
                    self.log.error(f"{src} was not collected: it is bigger than {self.coursedir.max_dir_size} KB")
                    return False
        if not plain.exists():
            self.log.error(f"{src} was not collected: it is no folder but a link or a file")
        return plain.exists()

    def _take_plain_file(self, name, folder, target, most):
        """Copy one file if it is plain and has at most `most` bytes; returns its size."""
        try:
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        except OSError as error:
            self.log.warning(f"{name} was not collected: {error.strerror}")  # a link, or not readable
            return 0
        with open(descriptor, "rb") as file:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode):
                self.log.warning(f"{name} was not collected: it is no plain file")
                return 0
            if about.st_size <= most:
                with open(target, "wb") as copy:
                    shutil.copyfileobj(file, copy)
        return about.st_size
