"""Where there can be no sandbox, nothing is run, and one line says why and what to do about it."""

import json
import os
import platform
import subprocess
import sys

import pytest

from autograders.sandbox import (
    Limits,
    SandboxUnavailable,
    available,
    bubblewrap,
    cgroup,
    container,
    contents,
    landlock,
    levels,
    open_session,
    unavailable,
)

PACKAGES = (contents.package("numpy"),)
ADVICE = {
    "kernel/unprivileged_userns_clone": ("0", "sysctl kernel.unprivileged_userns_clone=1"),
    "user/max_user_namespaces": ("0", "sysctl user.max_user_namespaces="),
    "kernel/apparmor_restrict_unprivileged_userns": ("1", "AppArmor"),
    "none of these": ("", "seccomp=unconfined"),
}


@pytest.fixture(autouse=True)
def untried(monkeypatch):
    """Each test asks for bubblewrap, and what was found out about this machine before does not count."""
    monkeypatch.setenv(levels.FORCE, "bubblewrap")
    remembered = (levels.problem, container._find, container._image)
    for each in remembered:
        each.cache_clear()
    yield
    for each in remembered:
        each.cache_clear()


def refusal():
    with pytest.raises(SandboxUnavailable) as caught:
        with open_session([("a", "def f(): pass")], "f"):
            pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_are_told_what_to_use(monkeypatch, platform):
    monkeypatch.setattr(sys, "platform", platform)
    assert "Lima" in refusal() and "WSL2" in refusal()


def test_without_bubblewrap_it_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refusal() == (
        "CHAINRULE_SANDBOX=bubblewrap does not work here: bubblewrap is not installed: apt-get install bubblewrap "
        "(Fedora: dnf install bubblewrap)"
    )


def a_bubblewrap(tmp_path, monkeypatch, script):
    file = tmp_path / "bwrap"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    tmp_path.chmod(0o755)
    monkeypatch.setattr(unavailable.shutil, "which", lambda name: str(file))


def test_a_bubblewrap_that_is_too_old_is_named_as_such(monkeypatch, tmp_path):
    a_bubblewrap(tmp_path, monkeypatch, "echo '    --userns FD   Use this'")
    assert "no --clearenv, --size, --perms, --remount-ro, --seccomp: version 0.8" in refusal()


@pytest.mark.parametrize("setting", ADVICE)
def test_the_complaint_is_passed_on_with_the_likely_cause(monkeypatch, setting):
    """The cause is the setting of this kernel that forbids user namespaces."""
    value, advice = ADVICE[setting]
    monkeypatch.setattr(unavailable, "_kernel_setting", lambda name: value if name == setting else None)
    message = str(unavailable.explain("bwrap: creating a namespace:\nnot permitted\n"))
    assert "(bwrap: creating a namespace: not permitted)" in message and advice in message


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux gets as far as starting one")
def test_a_sandbox_that_does_not_start_is_not_the_learners_fault(monkeypatch):
    monkeypatch.setattr(bubblewrap, "find_bubblewrap", lambda: "/bin/false")
    before = len(os.listdir("/proc/self/fd"))
    assert "the sandbox did not start" in refusal()
    assert len(os.listdir("/proc/self/fd")) == before


# Which level is chosen


@pytest.mark.parametrize("level", levels.LEVELS, ids=lambda level: level.NAME)
def test_the_level_works_here_or_says_why_not(level):
    """A level that is missing is seen among the skipped tests, with its reason."""
    problem = levels.problem(level)
    if problem:
        assert "\n" not in problem
        pytest.skip(f"{level.NAME} does not work here: {problem}")


def broken(monkeypatch, *names):
    monkeypatch.setattr(levels, "problem", lambda level: f"{level.NAME} is broken" if level.NAME in names else "")


@pytest.mark.parametrize(
    "missing, chosen",
    [
        ((), cgroup),
        ((cgroup.NAME,), bubblewrap),
        ((cgroup.NAME, bubblewrap.NAME), landlock),
        ((cgroup.NAME, bubblewrap.NAME, landlock.NAME), container),
    ],
)
def test_the_best_level_that_works_is_chosen(monkeypatch, missing, chosen):
    monkeypatch.delenv(levels.FORCE)
    broken(monkeypatch, *missing)
    assert levels.choose() is chosen


def test_a_level_that_was_asked_for_is_never_replaced_by_another(monkeypatch):
    broken(monkeypatch, "bubblewrap")
    assert refusal() == "CHAINRULE_SANDBOX=bubblewrap does not work here: bubblewrap is broken"
    monkeypatch.setenv(levels.FORCE, "chroot")
    assert "names no sandbox; there are: bubblewrap+cgroup, bubblewrap, landlock, container" in refusal()


def test_where_no_level_works_nothing_runs_and_each_reason_is_given(monkeypatch):
    monkeypatch.delenv(levels.FORCE)
    broken(monkeypatch, *(level.NAME for level in levels.LEVELS))
    message = refusal()
    assert all(f"{level.NAME} is broken" in message for level in levels.LEVELS)
    assert available() == (False, message)


def test_a_session_says_its_level(monkeypatch):
    if levels.problem(bubblewrap):
        pytest.skip(f"bubblewrap does not work here: {levels.problem(bubblewrap)}")
    with open_session([("a", "def f(): pass")], "f") as session:
        assert session.level == "bubblewrap"


# What a kernel may lack


def test_landlock_on_another_processor_says_so(monkeypatch):
    monkeypatch.setenv(levels.FORCE, "landlock")
    monkeypatch.setattr(landlock.platform, "machine", lambda: "aarch64")
    assert "this machine is aarch64" in refusal()


@pytest.mark.parametrize(
    "controllers, reason",
    [("", "no memory and pids controller"), ("memory", "no pids controller"), ("memory pids", "systemd-run --user")],
)
def test_a_cgroup_tree_that_cannot_be_used_says_what_to_do(monkeypatch, tmp_path, controllers, reason):
    (tmp_path / "cgroup.controllers").write_text(controllers)
    monkeypatch.setattr(cgroup, "_place", lambda: (tmp_path, tmp_path / "own"))
    monkeypatch.setenv(levels.FORCE, cgroup.NAME)
    assert reason in refusal()


# Containers. Engines are played by scripts here: what a real one does with the command is in test_isolation.py

PODMAN = {
    "host": {
        "cgroupVersion": "v2",
        "cgroupControllers": ["cpu", "memory", "pids"],
        "security": {"rootless": True, "seccompEnabled": True},
    }
}
SECCOMP = ["name=seccomp,profile=default"]
DOCKER = {"MemoryLimit": True, "PidsLimit": True, "CpuCfsQuota": True, "SecurityOptions": SECCOMP}


@pytest.fixture
def engines(monkeypatch, tmp_path):
    """`engines(podman=script, docker=script)`: these alone are installed, and the level `container` is asked for."""
    monkeypatch.setenv(levels.FORCE, container.NAME)
    monkeypatch.delenv(container.FORCE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))

    def install(**scripts):
        for name, script in scripts.items():
            file = tmp_path / name
            file.write_text(f"#!/bin/sh\n{script}\n")
            file.chmod(0o755)

    return install


def answers(about, **commands):
    """A script that says `about` of itself; `run`, `image`, `import_` are what it does for those commands."""
    cases = {"info": f"echo '{json.dumps(about)}'", **commands}
    lines = [f"{name.rstrip('_')}) {script};;" for name, script in cases.items()]
    return "\n".join(["case $1 in", *lines, "esac"])


def changed(about, **changes):
    return {**about, "host": {**about["host"], **changes}} if "host" in about else {**about, **changes}


def test_without_an_engine_it_says_how_to_get_one(engines):
    assert "podman is not installed: apt-get install podman" in refusal()
    assert "docker is not installed: apt-get install docker.io" in refusal()


def test_podman_is_preferred_and_docker_taken_where_podman_cannot_bound_memory(engines, monkeypatch):
    engines(podman=answers(PODMAN), docker=answers(DOCKER))
    assert container.find_engine().name == "podman"
    container._find.cache_clear()
    engines(podman=answers(changed(PODMAN, cgroupControllers=["cpu"])))
    assert container.find_engine().name == "docker"
    monkeypatch.setenv(container.FORCE, "podman")
    assert "podman cannot bound memory and pids here" in refusal()


def test_an_engine_that_is_none_is_named(engines, monkeypatch):
    monkeypatch.setenv(container.FORCE, "lxc")
    assert "CHAINRULE_CONTAINER=lxc names no container engine; there are: podman, docker" in refusal()


@pytest.mark.parametrize(
    "engine, about, reason",
    [
        ("podman", changed(PODMAN, cgroupVersion="v1"), "cannot bound memory and pids here"),
        ("podman", changed(PODMAN, cgroupControllers=None), "cannot bound memory and pids here"),
        ("podman", changed(PODMAN, security={"rootless": False, "seccompEnabled": False}), "cannot bound seccomp here"),
        ("podman", changed(PODMAN, serviceIsRemote=True), "does not answer"),
        ("docker", changed(DOCKER, MemoryLimit=False), "cannot bound memory here"),
        ("docker", changed(DOCKER, PidsLimit=False), "cannot bound pids here"),
        ("docker", changed(DOCKER, SecurityOptions=["name=apparmor"]), "cannot bound seccomp here"),
        ("docker", changed(DOCKER, ServerErrors=["Cannot connect to the Docker daemon"]), "does not answer"),
        ("docker", PODMAN, "does not answer"),  # a stand-in of that name
    ],
)
def test_an_engine_that_would_only_warn_that_it_cannot_bound_a_container_is_refused(engines, engine, about, reason):
    engines(**{engine: answers(about, run="echo it ran >&2")})
    assert f"{engine} {reason}" in refusal() and "it ran" not in refusal()


def test_a_daemon_that_does_not_run_is_named_with_the_fix(engines):
    engines(docker="echo Cannot connect to the Docker daemon >&2; exit 1")
    assert "docker does not answer (Cannot connect to the Docker daemon): start its daemon" in refusal()


def test_an_engine_that_hangs_is_not_waited_for_for_ever(engines, monkeypatch):
    monkeypatch.setattr(container, "SECONDS_TO_ANSWER", 0.2)
    engines(docker="exec /bin/sleep 60")
    assert "docker does not answer (no answer to `info` within 0.2 s)" in refusal()


@pytest.mark.parametrize(
    "complaint, advice",
    [
        ("Error: unknown flag: --pull", "Podman 4 or Docker 20.10 is needed"),
        ("Error: command required for rootless mode: exec: newuidmap: not found", "apt-get install uidmap"),
        ("Error: crun: cgroups in hybrid mode not supported", "apt-get install runc"),
        ("Error: crun: creating cgroup directory: Permission denied", "log in by systemd"),
        ("docker: bind source path does not exist: /usr/lib", "unset DOCKER_HOST"),
        ("Error: something else", "whether this user can run containers"),
    ],
)
def test_a_container_that_does_not_start_is_explained(engines, complaint, advice):
    """It is this machine's fault, not the learner's; and nothing is left open."""
    engines(podman=answers(PODMAN, run=f"echo '{complaint}' >&2; exit 125"))
    before = len(os.listdir("/proc/self/fd"))
    message = refusal()
    assert f"podman did not start the sandbox ({complaint}): " in message and advice in message
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_image_is_made_once_and_holds_links_alone(engines, tmp_path):
    """Where it is not known yet it is imported; without a registry, so the container is never allowed to ask one."""
    made = tmp_path / "made.tar"
    engines(podman=answers(PODMAN, image=f"[ -e {made} ]", import_=f"exec /bin/cat > {made}"))
    engine = container.find_engine()
    name = container._image(engine)
    with container.tarfile.open(made) as tar:
        assert not [entry.name for entry in tar if entry.isreg()]
        assert {f"/{entry.name}" for entry in tar if entry.issym()} == {
            str(part) for part in contents.system_parts() if part.is_symlink()
        }
    before = made.stat().st_mtime_ns
    container._image.cache_clear()
    assert container._image(engine) == name and made.stat().st_mtime_ns == before
    command = container.command(engine, "a-name", name, PACKAGES, Limits())
    assert command[command.index("--pull") + 1] == "never" and name in command


def test_an_image_that_cannot_be_made_is_named(engines):
    engines(docker=answers(DOCKER, image="exit 1", import_="echo the disk is full >&2; exit 1"))
    assert "docker did not make the sandbox's image (the disk is full)" in refusal()


@pytest.mark.parametrize("name", container.INSTALL)
def test_the_walls_are_in_the_command(name):
    """On machines without an engine nothing else sees to it that none is forgotten."""
    engine = container.Engine(name, f"/usr/bin/{name}", bounds_processor=True)
    command = container.command(engine, "a-name", "an-image", PACKAGES, Limits(megabytes=100, disk_megabytes=4))
    options = command[: command.index("an-image")]
    pairs = set(zip(options, options[1:]))
    assert pairs >= {("--network", "none"), ("--ipc", "none"), ("--cap-drop", "all"), ("--user", "65534:65534")}
    assert pairs >= {("--security-opt", "no-new-privileges"), ("--pids-limit", "8"), ("--cpus", "1")}
    assert pairs >= {("--memory", "136m"), ("--memory-swap", "136m"), ("--ulimit", "msgqueue=0:0")}
    assert {"--rm", "--read-only", "--interactive"} <= set(options) and "--privileged" not in options
    mounts = [value for option, value in pairs if option == "--mount" and value.startswith("type=bind")]
    assert mounts and all(mount.endswith(",readonly") for mount in mounts)
    sources = {mount.split(",")[1].removeprefix("source=") for mount in mounts}
    assert str(contents.HERE / "worker.py") in sources
    assert not [source for source in sources if contents.HERE.is_relative_to(source) or source in ("/", "/usr", "/etc")]
    without = container.Engine(name, f"/usr/bin/{name}", bounds_processor=False)
    assert "--cpus" not in container.command(without, "a-name", "an-image", PACKAGES, Limits())


def test_a_path_that_an_engines_option_cannot_carry_is_refused():
    with pytest.raises(SandboxUnavailable, match="holds a comma or a quote"):
        container._bind(contents.HERE / "a,readonly=false", "/sandbox")


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or platform.machine() != "x86_64", reason="the filter is for Linux on x86-64"
)
def test_the_first_process_of_a_container():
    """It passes on what is named of its environment, adds the filter, and ends as its worker does."""
    program = (
        "import ctypes, os; refused = ctypes.CDLL(None).syscall(319, b'', 0) == -1;"  # memfd_create
        "print(sorted({*os.environ} - {'LC_CTYPE'}), refused, flush=True);"  # which Python sets itself
        "os.kill(os.getpid(), 9)"
    )
    plan = {"environment": ["HOME"], "command": [sys.executable, *contents.PYTHON_OPTIONS, "-c", program]}
    init = [sys.executable, *contents.PYTHON_OPTIONS, str(contents.HERE / "container_init.py"), json.dumps(plan)]
    ran = subprocess.run(init, capture_output=True, text=True, env={"HOME": "/tmp", "HTTP_PROXY": "the-password"})
    assert (ran.stdout, ran.returncode, ran.stderr) == ("['HOME'] True\n", 128 + 9, "")
