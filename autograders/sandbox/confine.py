"""The child's side of the level `landlock`: gives up all that a learner's code must not have, then becomes the worker.

It is run as a program, with what `landlock.py` planned as JSON. Whatever goes wrong ends it before the worker starts.
Sources: landlock(7), seccomp(2), capabilities(7), and the kernel's linux/landlock.h, linux/seccomp.h, linux/filter.h.
"""

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
    rules = landlock_rules(plan)
    own_user = become_nobody(plan["run"]) if os.geteuid() == 0 else False
    begin_to_die_with(plan["parent"])  # the kernel forgets it when the user changes
    limit_processes(plan["processes"], own_user)
    argument = json.loads(plan["argument"])
    argument["limits"].pop("processes")  # the worker must not count other processes of an ordinary user
    control(PR_SET_NO_NEW_PRIVS, 1)
    call(LANDLOCK_RESTRICT_SELF, rules, 0)
    os.close(rules)
    filter_system_calls()
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
PR_SET_NAME, PR_GET_NAME = 15, 16
CAPSET = 126
CAPABILITY_VERSION_3 = 0x20080522
CAP_DAC_READ_SEARCH = 2
CAP_AMBIENT_RAISE = 2


def begin_to_die_with(parent):
    control(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the grader is gone")


def become_nobody(programs):
    """Root becomes a user whose number nobody has; returns whether the kernel had one to give.

    Should Python lie in a folder that is root's alone (/root/.pyenv), the right to search folders is kept: it opens
    nothing that Landlock does not allow.
    """
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")  # should the host's memory run out, this goes first
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
    search = not all(os.access(program, os.X_OK) for program in programs)
    set_capabilities(1 << CAP_DAC_READ_SEARCH if search else 0)
    if search:
        control(PR_CAP_AMBIENT, CAP_AMBIENT_RAISE, CAP_DAC_READ_SEARCH)
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
            "in its boot option lsm=; a container must allow its system calls (Docker 23 or newer does)"
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


# System calls, by their numbers on x86-64

ALLOWED = {
    "read": 0, "write": 1, "open": 2, "close": 3, "stat": 4, "fstat": 5, "lstat": 6, "poll": 7, "lseek": 8,
    "mmap": 9, "mprotect": 10, "munmap": 11, "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14,
    "rt_sigreturn": 15, "pread64": 17, "pwrite64": 18, "readv": 19, "writev": 20, "access": 21, "pipe": 22,
    "select": 23, "sched_yield": 24, "mremap": 25, "mincore": 27, "madvise": 28, "dup": 32, "dup2": 33,
    "pause": 34, "nanosleep": 35, "getitimer": 36, "alarm": 37, "setitimer": 38, "getpid": 39, "execve": 59,
    "exit": 60, "uname": 63, "getcwd": 79, "readlink": 89, "gettimeofday": 96, "getrlimit": 97, "getrusage": 98,
    "sysinfo": 99, "times": 100, "getuid": 102, "getgid": 104, "geteuid": 107, "getegid": 108, "getppid": 110,
    "getpgrp": 111, "getgroups": 115, "getresuid": 118, "getresgid": 120, "getpgid": 121, "getsid": 124,
    "sigaltstack": 131, "arch_prctl": 158, "gettid": 186, "time": 201, "futex": 202, "sched_getaffinity": 204,
    "getdents64": 217, "set_tid_address": 218, "restart_syscall": 219, "clock_gettime": 228, "clock_getres": 229,
    "clock_nanosleep": 230, "exit_group": 231, "epoll_wait": 232, "epoll_ctl": 233, "openat": 257,
    "newfstatat": 262, "readlinkat": 267, "faccessat": 269, "pselect6": 270, "ppoll": 271, "set_robust_list": 273,
    "epoll_pwait": 281, "eventfd2": 290, "epoll_create1": 291, "dup3": 292, "pipe2": 293, "getrandom": 318,
    "membarrier": 324, "statx": 332, "rseq": 334, "close_range": 436, "faccessat2": 439,
}  # fmt: skip
CLONE, FORK, VFORK, CLONE3, KILL, TGKILL, PRCTL, PRLIMIT, IOCTL, FCNTL = 56, 57, 58, 435, 62, 234, 157, 302, 16, 72
CLONE_THREAD = 0x10000
CLONE_NAMESPACES = 0x7E020000
TERMINAL_AND_BLOCKING = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # TCGETS ... FIOCLEX: they change nothing
DESCRIPTOR_COMMANDS = (0, 1, 2, 3, 4, 5, 6, 7, 1030, 1032)  # not F_SETOWN and F_SETSIG, which send signals

X86_64 = 0xC000003E  # the kernel's name for this architecture
FIRST_X32 = 0x40000000  # the same calls once more, under numbers of their own
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # instructions of the filter
ALLOW, REFUSE, KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # places within what the filter is shown
SECCOMP_MODE_FILTER = 2


def filter_system_calls():
    """From now on a call that is not on the list fails with EPERM, and cannot be asked for again."""
    code = b"".join(program(os.getpid()))
    buffer = ctypes.create_string_buffer(code, len(code))
    try:
        control(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, address(struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer))))
    except OSError as error:
        raise Missing(f"this kernel has no seccomp filters ({error}): use one with CONFIG_SECCOMP_FILTER") from error


def address(data):
    address.kept = ctypes.create_string_buffer(data, len(data))
    return ctypes.addressof(address.kept)


def program(process):
    """The filter, instruction by instruction."""
    yield from (step(LOAD, ARCHITECTURE), step(EQUAL, X86_64, 1, 0), step(RETURN, KILL_PROCESS))
    yield from (step(LOAD, NUMBER), step(AT_LEAST, FIRST_X32, 0, 1), step(RETURN, KILL_PROCESS))
    for number in ALLOWED.values():
        yield from (step(EQUAL, number, 0, 1), step(RETURN, ALLOW))
    yield from refuse(FORK, errno.EAGAIN)
    yield from refuse(VFORK, errno.EAGAIN)
    yield from refuse(CLONE3, errno.ENOSYS)  # its flags lie in memory, out of sight; the C library then uses clone
    yield from only_threads()
    yield from only_if(KILL, 0, (process,))
    yield from only_if(TGKILL, 0, (process,))
    yield from only_if(PRCTL, 0, (PR_SET_NAME, PR_GET_NAME))
    yield from only_if(PRLIMIT, 0, (0, process))
    yield from only_if(IOCTL, 1, TERMINAL_AND_BLOCKING)
    yield from only_if(FCNTL, 1, DESCRIPTOR_COMMANDS)
    yield step(RETURN, REFUSE | errno.EPERM)


def step(instruction, operand, if_true=0, if_false=0):
    return struct.pack("=HBBI", instruction, if_true, if_false, operand)


def refuse(number, error):
    return step(EQUAL, number, 0, 1), step(RETURN, REFUSE | error)


def only_if(number, position, values):
    """The call is allowed if the argument at `position` is one of `values`. Its upper half is not looked at."""
    yield step(EQUAL, number, 0, 2 + 2 * len(values))
    yield step(LOAD, ARGUMENTS + 8 * position)
    for value in values:
        yield from (step(EQUAL, value, 0, 1), step(RETURN, ALLOW))
    yield step(RETURN, REFUSE | errno.EPERM)


def only_threads():
    """clone may make a thread of this process, no other process and no namespace."""
    yield step(EQUAL, CLONE, 0, 6)
    yield step(LOAD, ARGUMENTS)
    yield from (step(ANY_BIT, CLONE_NAMESPACES, 0, 1), step(RETURN, REFUSE | errno.EPERM))
    yield from (step(ANY_BIT, CLONE_THREAD, 0, 1), step(RETURN, ALLOW))
    yield step(RETURN, REFUSE | errno.EAGAIN)


if __name__ == "__main__":
    try:
        main()
    except (Missing, OSError) as error:
        sys.exit(str(error))
