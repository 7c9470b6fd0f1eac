"""What a learner's code may read, at every level: the interpreter, its standard library, shared libraries, packages.

Never the whole of a system folder: packages that others installed there are none of an answer's business, and an
nbgrader exchange may live below /usr.
"""

import importlib.util
import sys
import sysconfig
from pathlib import Path

from autograders.sandbox.unavailable import SandboxUnavailable

HERE = Path(__file__).parent
OUR_FILES = ("worker.py", "wire.py")  # the only ones of ours that are inside
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


def module_file(name: str) -> Path:
    """The file that `import name` runs first. Raises SandboxUnavailable for a package that is not installed."""
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    if spec is None or spec.origin is None:
        raise SandboxUnavailable(f"the exercise needs the package {name!r}, which is not installed here")
    return Path(spec.origin)


def package(name: str) -> list[Path]:
    """A package's folder or file, and the folder of shared libraries that its wheel brought along."""
    file = module_file(name)
    path = file.parent if file.stem == "__init__" else file
    libraries = path.parent / f"{name}.libs"
    return [path, libraries] if libraries.is_dir() else [path]


def modules_inside(packages: tuple[str, ...]) -> dict[str, str]:
    """Where inside the files of the worker's modules are, at levels that mount them."""
    places = {"wire": f"{SANDBOX}/wire.py"}
    for name in packages:
        file, folder = module_file(name), package(name)[0].parent
        places[name] = f"{PACKAGES}/{file.relative_to(folder)}"
    return places
