"""The child's side of the level `landlock`: gives up all that a learner's code must not have, then becomes the worker.

It is run as a program, with what `landlock.py` planned as JSON. Whatever goes wrong ends it before the worker starts.
Sources: landlock(7), seccomp(2), capabilities(7), and the kernel's linux/landlock.h.
"""

import contextlib
import ctypes
import errno
import json
import os
import resource
import secrets
import signal
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long

NOBODY = 65534


class Missing(Exception):
    """This machine has not what the level needs. Says what, and what to do about it."""


def main():
    plan = json.loads(sys.argv[1])
    begin_to_die_with(plan["parent"])
    program = system_call_filter()
    rules = landlock_rules(plan)
    be_first_to_go()
    own_user = become_nobody([*plan["run"], *plan["read"]]) if os.geteuid() == 0 else False
    begin_to_die_with(plan["parent"])  # the kernel forgets it when the user changes
    limit_processes(plan["processes"], own_user)
    argument = json.loads(plan["argument"])
    argument["limits"].pop("processes")  # the worker must not count other processes of an ordinary user
    control(PR_SET_NO_NEW_PRIVS, 1)
    call(LANDLOCK_RESTRICT_SELF, rules, 0)
    os.close(rules)
    filter_system_calls(program)
    command = [*plan["command"], json.dumps(argument)]
    os.execve(command[0], command, plan["environment"])


def call(number, *arguments):
    result = libc.syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), f"system call {number}")
    return result


def control(option, *arguments):
    if libc.prctl(option, *map(ctypes.c_ulong, (*arguments, 0, 0, 0, 0)[:4])) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), f"prctl {option}")


# Processes

PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 1, 8, 22, 38, 47
CAPSET = 126
CAPABILITY_VERSION_3 = 0x20080522
CAP_DAC_READ_SEARCH = 2
CAP_AMBIENT_RAISE = 2


def begin_to_die_with(parent):
    control(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the grader is gone")


def be_first_to_go():
    """Should the host's memory run out, this process ends before any other. Some containers do not allow it."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def become_nobody(needed):
    """Root becomes a user whose number nobody has; returns whether the kernel had one to give.

    Should a file that is needed lie in a folder that is root's alone (/root/.pyenv), the right to search folders is
    kept: it opens nothing that Landlock does not allow.
    """
    os.setgroups([])
    control(PR_SET_KEEPCAPS, 1)
    own_user = True
    user = 2**30 + secrets.randbelow(2**30)
    try:
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    except OSError as error:
        if error.errno != errno.EINVAL:  # the number does not exist in this container
            raise
        own_user = False
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    closed = [path for path in needed if not os.access(path, os.R_OK)]
    if not closed:
        set_capabilities(0)
        return own_user
    try:
        set_capabilities(1 << CAP_DAC_READ_SEARCH)
        control(PR_CAP_AMBIENT, CAP_AMBIENT_RAISE, CAP_DAC_READ_SEARCH)
    except PermissionError as error:  # containers take this right from root
        raise Missing(f"{closed[0]} is closed to other users than root: open it and its folders to them") from error
    return own_user


def set_capabilities(mask):
    """Hold exactly the capabilities of `mask`, all among the first 32."""
    header = struct.pack("=Ii", CAPABILITY_VERSION_3, 0)
    call(CAPSET, header, struct.pack("=6I", mask, mask, mask, 0, 0, 0))


def limit_processes(count, own_user):
    """So many threads may run beside what other processes of this user do."""
    most = count + (0 if own_user else tasks_of(os.getuid()))
    _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_NPROC, (most, most))


def tasks_of(user):
    count = 0
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.stat(f"/proc/{name}").st_uid == user:
                count += len(os.listdir(f"/proc/{name}/task"))
        except OSError:  # it has just ended, or hides its threads
            count += 1
    return count


# Files

LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446
CREATE_RULESET_VERSION = 1
RULE_PATH_BENEATH = 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
RIGHTS = {3: 2**15 - 1, 5: 2**16 - 1}  # all there are to files, by the version that brought them
NETWORK_RIGHTS = 3  # TCP's bind and connect, version 4
SCOPES = 3  # abstract sockets and signals, version 6
OLDEST = 3  # it brought the right to truncate


def landlock_rules(plan):
    """A descriptor of the rules: nothing but what the plan names may be opened."""
    version = libc.syscall(LANDLOCK_CREATE_RULESET, None, 0, CREATE_RULESET_VERSION)
    if version < OLDEST:
        has = f"version {version}" if version > 0 else "none"
        raise Missing(
            f"Landlock version {OLDEST} is needed, this kernel offers {has}: use Linux 6.2 or newer with `landlock` "
            "in its boot option lsm=; a container must allow its system calls, as recent Dockers do by default"
        )
    files = RIGHTS[max(known for known in RIGHTS if known <= version)]
    attributes = struct.pack("=QQQ", files, NETWORK_RIGHTS, SCOPES)
    size = 8 if version < 4 else 16 if version < 6 else 24
    rules = call(LANDLOCK_CREATE_RULESET, attributes, size, 0)
    for path in plan["read"]:
        add_rule(rules, path, READ_FILE | READ_DIR if os.path.isdir(path) else READ_FILE)
    for path in plan["list"]:
        add_rule(rules, path, READ_DIR)
    for path in plan["run"]:
        add_rule(rules, path, READ_FILE | EXECUTE)
    for path in plan["devices"]:
        add_rule(rules, path, READ_FILE | WRITE_FILE)
    return rules


def add_rule(rules, path, rights):
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        call(LANDLOCK_ADD_RULE, rules, RULE_PATH_BENEATH, struct.pack("=Qi", rights, descriptor), 0)
    finally:
        os.close(descriptor)


# System calls

SECCOMP_MODE_FILTER = 2


def system_call_filter():
    """The kernel's program for this process; loaded while our files can still be read."""
    sys.path.insert(0, os.path.dirname(__file__))
    import filters

    return filters.nothing_but_computing(os.getpid())


def filter_system_calls(program):
    """From now on a call that is not on the list fails, and cannot be asked for again."""
    instructions = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("@HP", len(program) // 8, ctypes.addressof(instructions))
    buffer = ctypes.create_string_buffer(described, len(described))
    try:
        control(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(buffer))
    except OSError as error:
        raise Missing(f"this kernel has no seccomp filters ({error}): use one with CONFIG_SECCOMP_FILTER") from error


if __name__ == "__main__":
    try:
        main()
    except (Missing, OSError) as error:
        sys.exit(str(error))
