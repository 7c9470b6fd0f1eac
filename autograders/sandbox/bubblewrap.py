"""The bubblewrap command line: a machine that holds Python, numpy and nothing else.

There is no network, no home, no /etc, no /proc (which a container could not mount, and which tells of the host) and
no program but the interpreter. The only place to write is a small /tmp in memory. Of /usr just the shared
libraries and the standard library are there, never the whole: an nbgrader exchange may live below it.
"""

import importlib.util
import os
import sys
import sysconfig
from pathlib import Path

from autograders.sandbox.levels import SandboxUnavailable
from autograders.sandbox.limits import Limits

HERE = Path(__file__).parent
PACKAGES = "/packages"
SANDBOX = "/sandbox"
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
# Memory is bounded for each process, not for all of them together: should the host run out, these go first.
EASY_TO_KILL = 'echo 1000 2> /dev/null > /proc/self/oom_score_adj; exec "$@"'
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")


def command(bubblewrap: str, identity: list[str], about: int, packages: tuple[str, ...], limits: Limits) -> list[str]:
    """The argv that starts the worker.

    `identity` is what `identity.arguments` gave; to the descriptor `about` bubblewrap writes the number of the
    sandbox's first process.
    """
    arguments = ["/bin/sh", "-c", EASY_TO_KILL, "sh", bubblewrap, *identity, "--info-fd", str(about)]
    arguments += ["--new-session", "--die-with-parent", "--cap-drop", "ALL", "--hostname", "sandbox", "--clearenv"]
    for name, value in _environment().items():
        arguments += ["--setenv", name, value]
    arguments += ["--perms", "0700", "--size", str(limits.disk_megabytes * 2**20), "--tmpfs", "/tmp"]
    arguments += _mounts(packages)
    for device in DEVICES:
        arguments += ["--dev-bind", device, device]
    arguments += ["--remount-ro", "/", "--chdir", "/tmp", "--"]
    return [*arguments, str(_interpreter()), "-I", "-S", "-B", "-X", "utf8", f"{SANDBOX}/worker.py"]


def _environment() -> dict[str, str]:
    return {
        "HOME": "/tmp",
        "LD_LIBRARY_PATH": str(_prefix() / "lib"),  # conda's numpy looks for its libraries beside the interpreter
        **dict.fromkeys(ONE_THREAD, "1"),
    }


def _mounts(packages: tuple[str, ...]) -> list[str]:
    arguments = []
    folders = []
    for path in _system_parts():
        if path.is_symlink():
            arguments += ["--symlink", os.readlink(path), str(path)]
        elif not any(path.is_relative_to(folder) for folder in folders):
            arguments += ["--ro-bind", str(path), str(path)]
            folders.append(path)
    for installed in _installed_packages(folders):
        # its own packages are the host's business: an empty folder stands in their place
        arguments += ["--size", "4096", "--tmpfs", str(installed), "--remount-ro", str(installed)]
    for name in packages:
        for path in _package(name):
            arguments += ["--ro-bind", str(path), f"{PACKAGES}/{path.name}"]
    for name in ("worker.py", "wire.py"):
        arguments += ["--ro-bind", str(HERE / name), f"{SANDBOX}/{name}"]
    return arguments


def _interpreter() -> Path:
    """The real interpreter: behind the links, and outside any virtual environment."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for path in (Path(sys.base_prefix, "bin", version + sys.abiflags), Path(sys.executable)):
        if path.exists():
            return path.resolve()
    raise SandboxUnavailable(f"no interpreter was found below {sys.base_prefix}")


def _prefix() -> Path:
    return _interpreter().parent.parent


def _system_parts() -> list[Path]:
    """Files, folders and links that Python needs to start, those that hold others first."""
    parts = []
    for place in (Path("/lib"), Path("/lib64"), Path("/usr/lib"), Path("/usr/lib64")):
        parts += _libraries(place)
    if _prefix() != Path("/usr"):
        parts.append(_prefix() / "lib")
    parts.append(Path(sysconfig.get_path("stdlib")).resolve())
    parts += [Path("/etc/ld.so.cache"), Path("/etc/alternatives"), _interpreter()]
    return [part for part in parts if part.exists()]


def _libraries(place: Path) -> list[Path]:
    """Where the shared libraries below /lib are: in a folder of the architecture (Debian), else all of it."""
    architecture = place / (sysconfig.get_config_var("MULTIARCH") or "none")
    if place.is_symlink() or not architecture.is_dir():
        return [place]
    return [architecture, *sorted(place.glob("ld-*.so*"))]


def _installed_packages(folders: list[Path]) -> list[Path]:
    return sorted(
        found
        for folder in folders
        for pattern in ("{}-packages", "python*/{}-packages")
        for kind in ("site", "dist")
        for found in folder.glob(pattern.format(kind))
        if found.is_dir() and not found.is_symlink()
    )


def _package(name: str) -> list[Path]:
    """A package's folder or file, and the folder of shared libraries that its wheel brought along."""
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    if spec is None or spec.origin is None:
        raise SandboxUnavailable(f"the exercise needs the package {name!r}, which is not installed here")
    path = Path(spec.submodule_search_locations[0] if spec.submodule_search_locations else spec.origin)
    libraries = path.parent / f"{name}.libs"
    return [path, libraries] if libraries.is_dir() else [path]
