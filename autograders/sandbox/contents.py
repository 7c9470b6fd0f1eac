"""What a learner's code may read, at every level: the interpreter, its standard library, shared libraries, packages.

Never the whole of a system folder: packages that others installed there are none of an answer's business, and an
nbgrader exchange may live below /usr.
"""

import importlib.util
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

from autograders.sandbox.unavailable import SandboxUnavailable

HERE = Path(__file__).parent
OUR_FILES = ("worker.py", "wire.py")  # of ours; where answers take turns, `first_process.py` too
PACKAGES, SANDBOX = "/packages", "/sandbox"  # where inside they and our files are, at levels that can mount them
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")
PYTHON_OPTIONS = ("-I", "-S", "-B", "-X", "utf8")


def environment(home: str) -> dict[str, str]:
    """All environment variables that there are inside."""
    # conda's numpy looks for its libraries beside the interpreter
    return {"HOME": home, "LD_LIBRARY_PATH": str(prefix() / "lib"), **dict.fromkeys(ONE_THREAD, "1")}


def interpreter() -> Path:
    """The real interpreter: behind the links, and outside any virtual environment."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for path in (Path(sys.base_prefix, "bin", version + sys.abiflags), Path(sys.executable)):
        if path.exists():
            return path.resolve()
    raise SandboxUnavailable(f"no interpreter was found below {sys.base_prefix}")


def prefix() -> Path:
    return interpreter().parent.parent


def standard_library() -> Path:
    return Path(sysconfig.get_path("stdlib")).resolve()


def system_parts() -> list[Path]:
    """Files, folders and links that Python needs to start, those that hold others first."""
    parts = []
    for place in (Path("/lib"), Path("/lib64"), Path("/usr/lib"), Path("/usr/lib64")):
        parts += _libraries(place)
    if prefix() != Path("/usr"):
        parts.append(prefix() / "lib")
    parts.append(standard_library())
    parts += [Path("/etc/ld.so.cache"), Path("/etc/alternatives"), interpreter()]
    return [part for part in parts if part.exists()]


def _libraries(place: Path) -> list[Path]:
    """Where the shared libraries below /lib are: in a folder of the architecture (Debian), else all of it."""
    architecture = place / (sysconfig.get_config_var("MULTIARCH") or "none")
    if place.is_symlink() or not architecture.is_dir():
        return [place]
    return [architecture, *sorted(place.glob("ld-*.so*"))]


def installed_packages(folders: list[Path]) -> list[Path]:
    """The folders of installed packages (site-packages and the like) within `folders`."""
    return sorted(
        found
        for folder in folders
        for pattern in ("{}-packages", "python*/{}-packages")
        for kind in ("site", "dist")
        for found in folder.glob(pattern.format(kind))
        if found.is_dir() and not found.is_symlink()
    )


class Package(NamedTuple):
    """A module to be had inside: its name, the file that its import runs first, and all paths that it consists of.

    The file is the first path, or lies within it.
    """

    name: str
    file: Path
    paths: tuple[Path, ...]

    def file_in(self, folder: str) -> str:
        """Where the file is once the first path stands in `folder`."""
        return f"{folder}/{self.file.relative_to(self.paths[0].parent)}"


def package_in(folder: Path) -> Package:
    """The package that a folder of our own is."""
    return Package(folder.name, folder / "__init__.py", (folder,))


def package(name: str) -> Package:
    """An installed package, with the shared libraries that its wheel brought; SandboxUnavailable if there is none."""
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    if spec is None or spec.origin is None:
        raise SandboxUnavailable(f"the exercise needs the package {name!r}, which is not installed here")
    file = Path(spec.origin)
    path = file.parent if file.stem == "__init__" else file
    libraries = path.parent / f"{name}.libs"
    return Package(name, file, (path, libraries) if libraries.is_dir() else (path,))


def modules_inside(packages: tuple[Package, ...]) -> dict[str, str]:
    """Where inside the files of the worker's modules are, at levels that mount them."""
    return {"wire": f"{SANDBOX}/wire.py", **{package.name: package.file_in(PACKAGES) for package in packages}}
