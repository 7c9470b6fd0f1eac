"""Why there may be no sandbox on this machine, in one line that says what to do about it."""

import functools
import re
import shutil
import subprocess
import sys
from pathlib import Path

NEEDED_OPTIONS = ("--clearenv", "--size", "--perms", "--userns", "--remount-ro", "--seccomp")


class SandboxUnavailable(RuntimeError):
    """No learner's code was run, because this machine cannot run it safely. The message says why and what to do."""


def need_linux() -> None:
    """Raises SandboxUnavailable on other systems."""
    if not sys.platform.startswith("linux"):
        raise SandboxUnavailable(
            "answers are graded in a sandbox that needs Linux: on macOS use a Podman or Lima virtual machine, "
            "on Windows use WSL2"
        )


def find_bubblewrap() -> str:
    """The path of a bubblewrap that is new enough; raises SandboxUnavailable where there is none."""
    need_linux()
    path = shutil.which("bwrap")
    if path is None:
        raise SandboxUnavailable(
            "bubblewrap is not installed: apt-get install bubblewrap (Fedora: dnf install bubblewrap)"
        )
    missing = [option for option in NEEDED_OPTIONS if not has_option(path, option)]
    if missing:
        raise SandboxUnavailable(f"this bubblewrap has no {', '.join(missing)}: version 0.8 or newer is needed")
    return path


def has_option(bubblewrap: str, option: str) -> bool:
    """Whether this bubblewrap knows `option`. Its help is asked: distributions backport options to old versions."""
    return re.search(rf"^\s*{re.escape(option)}\s", _help(bubblewrap), re.MULTILINE) is not None


@functools.cache
def _help(bubblewrap: str) -> str:
    return subprocess.run([bubblewrap, "--help"], capture_output=True, text=True, check=False).stdout


def explain(complaint: str) -> SandboxUnavailable:
    """The error for a sandbox that did not start, from what bubblewrap or Python said on stderr."""
    said = " ".join(complaint.split())[-300:] or "it said nothing"
    return SandboxUnavailable(f"the sandbox did not start ({said}): {_advice()}")


def _advice() -> str:
    if _kernel_setting("kernel/unprivileged_userns_clone") == "0":
        return "user namespaces are switched off: sysctl kernel.unprivileged_userns_clone=1"
    if _kernel_setting("user/max_user_namespaces") == "0":
        return "user namespaces are switched off: sysctl user.max_user_namespaces=10000"
    if _kernel_setting("kernel/apparmor_restrict_unprivileged_userns") == "1":
        return (
            "AppArmor keeps user namespaces from it: give bwrap an AppArmor profile with `userns,`, "
            "or sysctl kernel.apparmor_restrict_unprivileged_userns=0"
        )
    return "it needs user namespaces; a container must allow them (Docker: --security-opt seccomp=unconfined)"


def _kernel_setting(name: str) -> str | None:
    try:
        return Path("/proc/sys", name).read_text().strip()
    except OSError:  # this kernel does not have the setting
        return None
