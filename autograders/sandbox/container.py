"""The level `container`: Podman or Docker runs the worker, for machines that have one of them and nothing better.

The container has no network, no rights (capabilities), a user that is nobody, a read-only root, and bounds for the
memory and the processes of all that runs in it. Its image is made here, once, of nothing but links: no registry is
asked for anything. What Python needs is mounted read-only from the host, the same parts as at the other levels.
`container_init.py` is its first process, which adds our filter of system calls to the engine's own.

An engine that could not bound memory and processes would say so in a warning and go on; so it is asked beforehand,
and refused. CHAINRULE_CONTAINER=podman or docker allows that one alone; else Podman is preferred, which needs no
daemon with root's rights. Sources: podman-run(1), the reference of `docker run`, the OCI runtime specification.
"""

import functools
import hashlib
import io
import json
import os
import re
import resource
import secrets
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from autograders.sandbox import contents, identity
from autograders.sandbox.contents import PACKAGES, SANDBOX
from autograders.sandbox.jail import Jail
from autograders.sandbox.limits import Limits
from autograders.sandbox.unavailable import SandboxUnavailable, need_linux

NAME = "container"
IN_TURN = False
LACKS = "/proc shows the kernel's figures, and where on the host the files that it reads lie; a start takes long"

FORCE = "CHAINRULE_CONTAINER"
INSTALL = {
    "podman": "apt-get install podman uidmap (Fedora: dnf install podman)",
    "docker": "apt-get install docker.io (Fedora: dnf install moby-engine)",
}
START_DOCKER = "start its daemon (systemctl start docker), and let this user use it"
ONLY_PODMAN = ("--read-only-tmpfs=false", "--http-proxy=false", "--no-hosts")
MADE_BY_ENGINES = ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/passwd", "/etc/group")
INIT_FILES = ("container_init.py", "confine.py", "filters.py")
INIT_MEGABYTES = 32  # for the first process, and for the engine's helper that becomes it
FILES_TO_START = 1024  # engines ask for more than some machines may give; the worker bounds itself further
PROCESSES_OF_USER = 4096  # as above; the container's own bound is --pids-limit
EMPTY_BYTES = 4096
SECONDS_TO_ANSWER = 30.0
GUARD = 'read end; exec "$0" kill "$1"'  # its standard input ends when the grader does, however that ends
APART = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True, "cwd": "/"}

ADVICE = (  # what an engine's complaint holds, and what to do about it
    (r"unknown flag|invalid argument", "Podman 4 or Docker 20.10 is needed"),
    (
        r"newuidmap|newgidmap|subuid|subgid|UIDs or GIDs",
        "an ordinary user's Podman needs numbers for users: apt-get install uidmap, then usermod "
        "--add-subuids 100000-165535 --add-subgids 100000-165535 and the user's name, then podman system migrate",
    ),
    (
        r"hybrid mode",
        "crun does not work beside both versions of cgroups: boot with systemd.unified_cgroup_hierarchy=1, or "
        'apt-get install runc and write runtime = "runc" below [engine] in /etc/containers/containers.conf',
    ),
    (r"cgroup|systemd|dbus", "the engine must be able to make cgroups: log in by systemd, or grade as root"),
    (r"mount source path|statfs|bind source", "the engine must run on this machine: unset DOCKER_HOST"),
)


@dataclass(frozen=True)
class Engine:
    """A program that runs containers, and whether it can bound their time on a core."""

    name: str
    path: str
    bounds_processor: bool


def start(packages: tuple[contents.Package, ...], limits: Limits, requests: int, replies: int) -> "Container":
    """A worker that reads the descriptor `requests` and writes to `replies`."""
    need_linux()
    engine = find_engine()
    name = f"chainrule-{os.getpid()}-{secrets.token_hex(6)}"
    process = subprocess.Popen(
        command(engine, name, _image(engine), packages, limits),
        stdin=requests,
        stdout=replies,
        stderr=subprocess.PIPE,
        start_new_session=True,
        cwd="/",
    )
    return Container(process, engine, name)


class Container(Jail):
    """The engine's client; what it runs ends with the container's first process, which the engine kills.

    Neither engine ends a container when its client is killed. So a guard waits for the grader's end, and kills then.
    """

    def __init__(self, process: subprocess.Popen, engine: Engine, name: str):
        super().__init__(process)
        self._engine = engine
        self._name = name
        self._guard = None
        self._killer = None

    def explain(self, complaint: str) -> SandboxUnavailable:
        said = " ".join(complaint.split())[-300:] or f"it said nothing (exit status {self.process.returncode})"
        return SandboxUnavailable(f"{self._engine.name} did not start the sandbox ({said}): {_advice(complaint)}")

    def ready(self) -> None:
        command = ["/bin/sh", "-c", GUARD, self._engine.path, self._name]
        self._guard = subprocess.Popen(command, stdin=subprocess.PIPE, **APART)

    def kill(self) -> None:
        # It fails where the container has ended by itself, or was never made. An engine that is still handing on a
        # reply is not done before that is read, so nobody waits here.
        command = [self._engine.path, "kill", self._name]
        self._killer = subprocess.Popen(command, stdin=subprocess.DEVNULL, **APART)

    def release(self) -> None:
        try:
            self._killer.wait(SECONDS_TO_ANSWER)
        except subprocess.TimeoutExpired:
            self._killer.kill()
            self._killer.wait()
        if self._guard is not None:
            self._guard.kill()
            self._guard.wait()
            self._guard.stdin.close()


def _advice(complaint: str) -> str:
    for pattern, advice in ADVICE:
        if re.search(pattern, complaint):
            return advice
    return "see whether this user can run containers on this machine at all"


# Which engine


def find_engine() -> Engine:
    """The engine to use; raises SandboxUnavailable, with the reason for each, where none will do."""
    return _find(os.environ.get(FORCE, ""))


@functools.cache  # a refusal is not remembered
def _find(forced: str) -> Engine:
    if forced and forced not in INSTALL:
        raise SandboxUnavailable(f"{FORCE}={forced} names no container engine; there are: {', '.join(INSTALL)}")
    reasons = []
    for name in [forced] if forced else INSTALL:
        try:
            return _examine(name)
        except SandboxUnavailable as error:
            reasons.append(str(error))
    raise SandboxUnavailable("; ".join(reasons))


def _examine(name: str) -> Engine:
    """The engine, if it answers, runs on this machine and can bound what a container uses."""
    path = shutil.which(name)
    if path is None:
        raise SandboxUnavailable(f"{name} is not installed: {INSTALL[name]}")
    told = _ask(path, "info", "--format", "{{json .}}")
    try:
        about = json.loads(told.stdout) if told.returncode == 0 else {}
    except ValueError:
        about = {}
    able = _podman_can(about) if name == "podman" else _docker_can(about)
    if able is None:
        said = _complaint(told) or "it said nothing of itself"
        fix = START_DOCKER if name == "docker" else _advice(said)
        raise SandboxUnavailable(f"{name} does not answer ({said}): {fix}")
    missing = [what for what in ("memory", "pids", "seccomp") if not able[what]]
    if missing:
        raise SandboxUnavailable(
            f"{name} cannot bound {' and '.join(missing)} here: it needs cgroup v2 that hands on memory and pids "
            "(as an ordinary user: under systemd), and a kernel with seccomp"
        )
    return Engine(name, path, able["cpu"])


def _podman_can(about: dict) -> dict[str, bool] | None:
    host = about.get("host")
    if not isinstance(host, dict) or host.get("serviceIsRemote"):
        return None
    security = host.get("security") or {}
    # without root it ignores the bounds of cgroup v1, whatever controllers there are
    ignored = security.get("rootless") and host.get("cgroupVersion") != "v2"
    controllers = [] if ignored else host.get("cgroupControllers") or []
    able = {name: name in controllers for name in ("memory", "pids", "cpu")}
    return {**able, "seccomp": bool(security.get("seccompEnabled"))}


def _docker_can(about: dict) -> dict[str, bool] | None:
    if "MemoryLimit" not in about or about.get("ServerErrors"):
        return None
    security = about.get("SecurityOptions") or []
    return {
        "memory": bool(about["MemoryLimit"]),
        "pids": bool(about.get("PidsLimit")),
        "cpu": bool(about.get("CpuCfsQuota")),
        "seccomp": any(option.startswith("name=seccomp") for option in security),
    }


def _ask(path: str, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess:
    """Run the engine for a short question; an engine that hangs is one that does not answer."""
    try:
        return subprocess.run([path, *arguments], input=given, capture_output=True, timeout=SECONDS_TO_ANSWER, cwd="/")
    except subprocess.TimeoutExpired:
        said = f"no answer to `{arguments[0]}` within {SECONDS_TO_ANSWER:g} s"
        return subprocess.CompletedProcess([path, *arguments], -1, b"", said.encode())


def _complaint(ran: subprocess.CompletedProcess) -> str:
    return " ".join(ran.stderr.decode(errors="replace").split())[-300:]


# The image


@functools.cache
def _image(engine: Engine) -> str:
    """The name of the image, which is made if the engine does not have it."""
    layer = _layer()
    name = f"chainrule-sandbox:{hashlib.sha256(layer).hexdigest()[:16]}"
    if _ask(engine.path, "image", "inspect", name).returncode != 0:
        made = _ask(engine.path, "import", "-", name, given=layer)
        if made.returncode != 0:
            said = _complaint(made)
            raise SandboxUnavailable(f"{engine.name} did not make the sandbox's image ({said}): {_advice(said)}")
    return name


def _layer() -> bytes:
    """A tar file, always the same on one machine: the links among the system's parts, such as /lib to usr/lib.

    Docker gives a file system in memory the mode of the folder that it covers, hence /tmp.
    """
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for folder, mode in {PACKAGES: 0o755, SANDBOX: 0o755, "/tmp": 0o1777}.items():
            tar.addfile(_entry(folder, tarfile.DIRTYPE, mode))
        for path in contents.system_parts():
            if path.is_symlink():
                link = _entry(str(path), tarfile.SYMTYPE, 0o777)
                link.linkname = os.readlink(path)
                tar.addfile(link)
    return file.getvalue()


def _entry(path: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path.lstrip("/"))
    entry.type, entry.mode = kind, mode
    return entry


# The command


def command(engine: Engine, name: str, image: str, packages: tuple[contents.Package, ...], limits: Limits) -> list[str]:
    """The argv that starts the worker in a new container of this name."""
    user = f"{identity.NOBODY}:{identity.NOBODY}"
    memory = f"{limits.megabytes + limits.disk_megabytes + INIT_MEGABYTES}m"  # files in /tmp count as memory
    arguments = [engine.path, "run", "--rm", "--interactive", "--name", name, "--pull", "never", "--log-driver", "none"]
    arguments += ["--network", "none", "--ipc", "none", "--hostname", "sandbox", "--read-only", "--workdir", "/tmp"]
    arguments += ["--user", user, "--cap-drop", "all", "--security-opt", "no-new-privileges"]
    arguments += ["--security-opt", "label=disable"]  # SELinux would keep it from Python's files
    arguments += ["--memory", memory, "--memory-swap", memory, "--pids-limit", str(limits.processes)]
    arguments += ["--cpus", "1"] if engine.bounds_processor else []
    arguments += ["--oom-score-adj", "1000", "--ulimit", "core=0:0", "--ulimit", "msgqueue=0:0"]
    arguments += ["--ulimit", f"nofile={FILES_TO_START}:{FILES_TO_START}"]
    if engine.name == "podman":
        arguments += [*ONLY_PODMAN, "--ulimit", f"nproc={_processes_of_user()}:{_processes_of_user()}"]
    environment = contents.environment("/tmp")
    for variable, value in environment.items():
        arguments += ["--env", f"{variable}={value}"]
    arguments += ["--tmpfs", f"/tmp:rw,size={limits.disk_megabytes * 2**20},mode=1777"]
    arguments += _mounts(engine, packages)
    python = [str(contents.interpreter()), *contents.PYTHON_OPTIONS]
    plan = {"environment": list(environment), "command": [*python, f"{SANDBOX}/worker.py", _argument(packages, limits)]}
    return [*arguments, image, *python, f"{SANDBOX}/container_init.py", json.dumps(plan)]


def _processes_of_user() -> int:
    _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    return PROCESSES_OF_USER if hard == resource.RLIM_INFINITY else min(hard, PROCESSES_OF_USER)


def _argument(packages: tuple[contents.Package, ...], limits: Limits) -> str:
    argument = json.loads(limits.for_worker(contents.modules_inside(packages)))
    argument["limits"].pop("processes")  # the kernel would count other processes of the same user
    return json.dumps(argument)


def _mounts(engine: Engine, packages: tuple[contents.Package, ...]) -> list[str]:
    # a folder in place of /sys would get cgroups below it; Podman can cover them, Docker's cannot be written to
    arguments = ["--security-opt", "mask=/sys"] if engine.name == "podman" else _empty(engine, "/sys")
    folders = []
    for path in contents.system_parts():
        if not path.is_symlink() and not any(path.is_relative_to(folder) for folder in folders):
            arguments += _bind(path, str(path))
            folders.append(path)
    for installed in contents.installed_packages(folders):
        # its own packages are the host's business: an empty folder stands in their place
        arguments += _empty(engine, str(installed))
    for package in packages:
        for path in package.paths:
            arguments += _bind(path, f"{PACKAGES}/{path.name}")
    for name in (*contents.OUR_FILES, *INIT_FILES):
        arguments += _bind(contents.HERE / name, f"{SANDBOX}/{name}")
    for path in MADE_BY_ENGINES:  # some with settings of the host
        arguments += _bind(Path("/dev/null"), path)
    return arguments


def _bind(source: Path, destination: str) -> list[str]:
    _need_plain(f"{source}{destination}")
    return ["--mount", f"type=bind,source={source},destination={destination},readonly"]


def _empty(engine: Engine, folder: str) -> list[str]:
    _need_plain(folder)
    uncopied = ",notmpcopyup" if engine.name == "podman" else ""  # it would fill it with what it hides
    return ["--mount", f"type=tmpfs,destination={folder},tmpfs-size={EMPTY_BYTES},tmpfs-mode=0555{uncopied}"]


def _need_plain(path: str) -> None:
    if re.search(r'[,"\n]', path):
        raise SandboxUnavailable(f"a container cannot be given {path!r}: its name holds a comma or a quote, rename it")
