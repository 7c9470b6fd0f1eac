"""Which user a learner's code is, inside and as the kernel sees it: never root.

An ordinary user's sandbox is a new user namespace in which that user is number 1000, which bubblewrap makes
itself. Were root to do the same, the kernel would still see root: exempt from the limit on processes, and owner
of the host's device files. So for root the namespace is made here by nobody, and root only maps its
users: every id moves up by one, so that there is no 0, hence no root, in it. bubblewrap is started as nobody too.
"""

import contextlib
import os
import subprocess
from collections.abc import Iterator

from autograders.sandbox.unavailable import SandboxUnavailable, explain, has_option

NOBODY = 65534
LARGEST_ID = 2**32 - 2

# The helper stays until the ids are mapped, then forbids user namespaces within its own.
HELPER = "echo made; read mapped; echo 0 > /proc/sys/user/max_user_namespaces; echo closed; read end"


def start_as() -> dict:
    """Popen's arguments for the user whom bubblewrap is started as: nobody, or an ordinary user themselves.

    bubblewrap's two processes must belong to one user, or the death of one is not told to the other.
    """
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


@contextlib.contextmanager
def arguments(bubblewrap: str) -> Iterator[tuple[list[str], tuple[int, ...]]]:
    """bubblewrap's arguments for the user namespace, and the descriptors that they name, open within the block."""
    if os.geteuid() != 0:
        closed = ["--disable-userns"] if has_option(bubblewrap, "--disable-userns") else []
        yield ["--unshare-all", "--unshare-user", *closed, "--uid", "1000", "--gid", "1000"], ()
        return
    namespace = _namespace_without_root()
    try:
        # --unshare-all would make a user namespace of its own; these are all the others
        others = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
        user = str(NOBODY + 1)
        yield ["--userns", str(namespace), *others, "--uid", user, "--gid", user], (namespace,)
    finally:
        os.close(namespace)


def _namespace_without_root() -> int:
    """A descriptor of a new user namespace in which every id is one more than outside."""
    command = ["unshare", "--user", "--keep-caps", "sh", "-c", HELPER]
    pipe = subprocess.PIPE
    try:
        helper = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd="/", **start_as())
    except FileNotFoundError as error:
        raise SandboxUnavailable("the command `unshare` is not installed: apt-get install util-linux") from error
    with helper:
        if helper.stdout.readline() != "made\n":
            raise explain(helper.communicate()[1])
        try:
            _move_ids_up("uid", helper.pid)
            _move_ids_up("gid", helper.pid)
        except PermissionError as error:
            helper.kill()
            raise explain(f"mapping users: {error}") from error
        helper.stdin.write("\n")
        helper.stdin.flush()
        helper.stdout.readline()
        namespace = os.open(f"/proc/{helper.pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
        helper.communicate("\n")
    return namespace


def _move_ids_up(kind: str, process: int) -> None:
    with open(f"/proc/self/{kind}_map") as own:
        ranges = [tuple(map(int, line.split())) for line in own]
    lines = [f"{first + 1} {first} {min(count, LARGEST_ID - first)}" for first, _, count in ranges]
    with open(f"/proc/{process}/{kind}_map", "w") as theirs:
        theirs.write("\n".join(lines))
