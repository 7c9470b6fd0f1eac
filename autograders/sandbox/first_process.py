"""Runs inside, where answers may have processes: the sandbox's first process, which forks one for each answer in turn.

Python and the packages are imported once, before it; no code of a learner's ever runs in it. What it forks has its
user, so it keeps itself from them: the kernel lets no process of a namespace signal the namespace's first one, nobody
can look into its memory or take its descriptors (it is not "dumpable"; there is no /proc; the filter of system calls
refuses the rest), and none of its descriptors, memory or files that can be written is theirs too. When an answer is
done it kills whatever is left, waits until nothing is, and says whether /tmp was left alone. Sources:
pid_namespaces(7), kill(2) for -1, PR_SET_DUMPABLE(2const), unix(7) for SCM_RIGHTS.
"""

import ctypes
import json
import math
import os
import select
import signal
import socket
import time

PR_SET_DUMPABLE = 4
LONGEST_ORDER = 64  # bytes


def serve(descriptor):
    """Follow the grader's orders; returns in each process that is forked for an answer, with its two descriptors.

    An order is a packet: a JSON number with two descriptors starts an answer. One without, of seconds, ends it: it may
    go on for so long, then everything is killed. The reply tells how it ended (None if it had to be killed), and
    whether it touched /tmp, the only thing that it shares with the next one.
    """
    control = socket.socket(fileno=descriptor)
    if ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError("the first process could not be protected")
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the kernel drops what would end it, not what it handles
    ended = told_of_ends()
    untouched = touched("/tmp")
    while True:
        descriptors = wait_for_answer(control)
        child = os.fork()
        if child == 0:
            control.detach()
            return become_answer(*descriptors)
        for each in descriptors:
            os.close(each)
        status = watch(child, control, ended)
        kill_all()
        said = {"status": status, "left_alone": touched("/tmp") == untouched}
        control.send(json.dumps(said).encode())


def told_of_ends():
    """A descriptor that can be read whenever a process has ended, those too whose parents ended before them."""
    reading, writing = os.pipe()
    for end in (reading, writing):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    return reading


def touched(folder):
    """When a file was last made, renamed or removed in it, or its mode or times set. No call can set this back."""
    return os.stat(folder).st_ctime_ns


def wait_for_answer(control):
    message, descriptors, _, _ = socket.recv_fds(control, LONGEST_ORDER, 2, socket.MSG_CMSG_CLOEXEC)
    if not message:
        os._exit(0)  # the grader is gone
    return descriptors


def become_answer(requests, replies):
    """In the new process: as if Python had just been started, with nothing of the first one's; its descriptors."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    nothing = os.open("/dev/null", os.O_RDWR)  # opened anew: a file opened once has one state for all who hold it
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    for number, mine in ((3, requests), (4, replies)):  # their own numbers are higher: the first process has some
        os.dup2(mine, number, inheritable=False)
    os.closerange(5, 1024)
    return 3, 4


def watch(child, control, ended):
    """Collect what ends, until the answer is to end and did, or had its time; its status if it ended by itself."""
    poll = select.poll()
    for each in (control, ended):
        poll.register(each, select.POLLIN)
    status, deadline = None, math.inf
    while status is None or deadline == math.inf:
        left = deadline - time.monotonic()
        if left <= 0:
            break
        ready = {number for number, _ in poll.poll(None if left == math.inf else math.ceil(left * 1000))}
        if ended in ready:
            os.read(ended, 1024)
        status = collect(child, status)
        if control.fileno() in ready:
            order = control.recv(LONGEST_ORDER)
            if not order:
                os._exit(0)
            deadline = time.monotonic() + json.loads(order)
    return collect(child, status)


def collect(child, status):
    """Let go of all processes that have ended; the child's status, once it is among them."""
    while True:
        try:
            process, found = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status
        if process == 0:
            return status
        if process == child and status is None:  # a later process may have its number
            status = os.waitstatus_to_exitcode(found)


def kill_all():
    """Return once there is no process but this one. Whoever lost their parents is this one's child."""
    while True:
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            pass
        try:
            os.wait()
        except ChildProcessError:
            return
