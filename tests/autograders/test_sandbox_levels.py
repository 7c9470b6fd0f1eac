"""Where there can be no sandbox, nothing is run, and one line says why and what to do about it."""

import os
import sys

import pytest

from autograders.sandbox import SandboxUnavailable, levels, open_session, process

ADVICE = {
    "kernel/unprivileged_userns_clone": ("0", "sysctl kernel.unprivileged_userns_clone=1"),
    "user/max_user_namespaces": ("0", "sysctl user.max_user_namespaces="),
    "kernel/apparmor_restrict_unprivileged_userns": ("1", "AppArmor"),
    "none of these": ("", "seccomp=unconfined"),
}


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
    assert refusal() == "bubblewrap is not installed: apt-get install bubblewrap (Fedora: dnf install bubblewrap)"


def a_bubblewrap(tmp_path, monkeypatch, script):
    file = tmp_path / "bwrap"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    tmp_path.chmod(0o755)
    monkeypatch.setattr(levels.shutil, "which", lambda name: str(file))


def test_a_bubblewrap_that_is_too_old_is_named_as_such(monkeypatch, tmp_path):
    a_bubblewrap(tmp_path, monkeypatch, "echo '    --userns FD   Use this'")
    assert "no --clearenv, --size, --perms, --remount-ro: version 0.8" in refusal()


@pytest.mark.parametrize("setting", ADVICE)
def test_the_complaint_is_passed_on_with_the_likely_cause(monkeypatch, setting):
    """The cause is the setting of this kernel that forbids user namespaces."""
    value, advice = ADVICE[setting]
    monkeypatch.setattr(levels, "_kernel_setting", lambda name: value if name == setting else None)
    message = str(levels.explain("bwrap: creating a namespace:\nnot permitted\n"))
    assert "(bwrap: creating a namespace: not permitted)" in message and advice in message


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux gets as far as starting one")
def test_a_sandbox_that_does_not_start_is_not_the_learners_fault(monkeypatch):
    monkeypatch.setattr(process, "find_bubblewrap", lambda: "/bin/false")
    before = len(os.listdir("/proc/self/fd"))
    assert "the sandbox did not start" in refusal()
    assert len(os.listdir("/proc/self/fd")) == before
