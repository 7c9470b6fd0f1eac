"""Where there can be no sandbox, nothing is run, and one line says why and what to do about it."""

import os
import sys

import pytest

from autograders.sandbox import (
    SandboxUnavailable,
    available,
    bubblewrap,
    cgroup,
    landlock,
    levels,
    open_session,
    unavailable,
)

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
    remembered = levels.problem
    remembered.cache_clear()
    yield
    remembered.cache_clear()


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
    [((), cgroup), ((cgroup.NAME,), bubblewrap), ((cgroup.NAME, bubblewrap.NAME), landlock)],
)
def test_the_best_level_that_works_is_chosen(monkeypatch, missing, chosen):
    monkeypatch.delenv(levels.FORCE)
    broken(monkeypatch, *missing)
    assert levels.choose() is chosen


def test_a_level_that_was_asked_for_is_never_replaced_by_another(monkeypatch):
    broken(monkeypatch, "bubblewrap")
    assert refusal() == "CHAINRULE_SANDBOX=bubblewrap does not work here: bubblewrap is broken"
    monkeypatch.setenv(levels.FORCE, "chroot")
    assert "names no sandbox; there are: bubblewrap+cgroup, bubblewrap, landlock" in refusal()


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
