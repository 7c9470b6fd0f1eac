"""Filters of system calls (seccomp), as the kernel's BPF programs: which calls a learner's code may make.

`nothing_but_computing` is a list of what is allowed, for the level `landlock`, where it is one of two walls.
`nothing_unbounded` is a list of what is refused, for bubblewrap, where namespaces are the wall: calls whose memory no
limit counts, and doors into the kernel that computing never needs. Both are for x86-64. This file needs nothing but
the standard library, since `confine.py` loads it by itself. Sources: seccomp(2), linux/filter.h, linux/seccomp.h.
"""

import errno
import struct

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
REFUSED_IN_NAMESPACES = {
    "shmget": 29, "msgget": 68, "semget": 64, "mq_open": 240, "memfd_create": 319, "memfd_secret": 447,  # memory
    "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312, "process_madvise": 440,
    "add_key": 248, "request_key": 249, "keyctl": 250, "io_uring_setup": 425, "io_uring_enter": 426,
    "io_uring_register": 427, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323, "personality": 135,
    "mount": 165, "umount2": 166, "pivot_root": 155, "open_tree": 428, "move_mount": 429, "fsopen": 430,
    "mount_setattr": 442, "unshare": 272, "setns": 308, "open_by_handle_at": 304, "quotactl": 179, "syslog": 103,
    "init_module": 175, "finit_module": 313, "delete_module": 176, "kexec_load": 246, "kexec_file_load": 320,
    "iopl": 172, "ioperm": 173, "vmsplice": 278, "acct": 163, "swapon": 167, "reboot": 169, "modify_ldt": 154,
    "sched_setaffinity": 203,  # who grades many keeps each worker, and what it starts, to a core of its own
    "pidfd_getfd": 438, "setpriority": 141, "sched_setparam": 142, "sched_setscheduler": 144, "sched_setattr": 314,
    "ioprio_set": 251,  # of the sandbox's first process, which starts the next answer's
}  # fmt: skip
CLONE, FORK, VFORK, CLONE3, KILL, TGKILL, PRCTL, PRLIMIT, IOCTL, FCNTL = 56, 57, 58, 435, 62, 234, 157, 302, 16, 72
SOCKET = 41
FAMILIES = (1, 2, 10)  # local, IPv4, IPv6: these end at the namespace; AF_VSOCK goes on to a virtual machine's host
CLONE_THREAD = 0x10000
CLONE_NAMESPACES = 0x7E020000
TERMINAL_AND_BLOCKING = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # TCGETS ... FIOCLEX: they change nothing
DESCRIPTOR_COMMANDS = (0, 1, 2, 3, 4, 5, 6, 7, 1030, 1032)  # not F_SETOWN and F_SETSIG, which send signals

NAME_OF_THREAD = (15, 16)  # prctl's PR_SET_NAME and PR_GET_NAME

X86_64 = 0xC000003E  # the kernel's name for this architecture
FIRST_X32 = 0x40000000  # the same calls once more, under numbers of their own
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # instructions of the filter
ALLOW, REFUSE, KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # places within what the filter is shown


def nothing_but_computing(process: int) -> bytes:
    """Refuses what ALLOWED does not name. `process` is the number of the one that will be filtered."""
    return b"".join(_nothing_but_computing(process))


def nothing_unbounded() -> bytes:
    """Refuses what REFUSED_IN_NAMESPACES names, and namespaces within those that there are."""
    return b"".join(_nothing_unbounded())


def _nothing_unbounded():
    yield from _right_numbers()
    for number in REFUSED_IN_NAMESPACES.values():
        yield from refuse(number, errno.EPERM)
    yield from only_if(PRLIMIT, 0, (0,))  # the limits of the process itself
    yield from only_if(SOCKET, 0, FAMILIES)
    yield from refuse(CLONE3, errno.ENOSYS)  # its flags lie in memory, out of sight; the C library then uses clone
    yield from (step(EQUAL, CLONE, 0, 3), step(LOAD, ARGUMENTS))
    yield from (step(ANY_BIT, CLONE_NAMESPACES, 0, 1), step(RETURN, REFUSE | errno.EPERM))
    yield step(RETURN, ALLOW)


def _nothing_but_computing(process):
    yield from _right_numbers()
    for number in ALLOWED.values():
        yield from (step(EQUAL, number, 0, 1), step(RETURN, ALLOW))
    yield from refuse(FORK, errno.EAGAIN)
    yield from refuse(VFORK, errno.EAGAIN)
    yield from refuse(CLONE3, errno.ENOSYS)  # its flags lie in memory, out of sight; the C library then uses clone
    yield from only_threads()
    yield from only_if(KILL, 0, (process,))
    yield from only_if(TGKILL, 0, (process,))
    yield from only_if(PRCTL, 0, NAME_OF_THREAD)
    yield from only_if(PRLIMIT, 0, (0, process))
    yield from only_if(IOCTL, 1, TERMINAL_AND_BLOCKING)
    yield from only_if(FCNTL, 1, DESCRIPTOR_COMMANDS)
    yield step(RETURN, REFUSE | errno.EPERM)


def _right_numbers():
    yield from (step(LOAD, ARCHITECTURE), step(EQUAL, X86_64, 1, 0), step(RETURN, KILL_PROCESS))
    yield from (step(LOAD, NUMBER), step(AT_LEAST, FIRST_X32, 0, 1), step(RETURN, KILL_PROCESS))


def step(instruction, operand, if_true=0, if_false=0):
    """One instruction; the last two say how many to skip after a comparison."""
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
