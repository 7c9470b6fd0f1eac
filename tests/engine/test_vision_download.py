"""Downloads against a server of our own that is slow, silent, cuts off, knows no ranges, or serves the wrong thing."""

import contextlib
import hashlib
import http.server
import threading
import time

import pytest

from engine.vision.download import fetch

CONTENT = bytes(range(256)) * 1000
MD5, SIZE = hashlib.md5(CONTENT).hexdigest(), len(CONTENT)
NAME = "numbers.bin"


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as `server.way` says; `server.asked` lists (path, Range)."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Range")))
        self.close_connection = True
        with contextlib.suppress(ConnectionError):  # a client that has seen enough goes
            getattr(self, self.server.way)()

    def send(self, content, status=200, claimed=None, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(content) if claimed is None else claimed))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def start(self):
        given = self.headers.get("Range")
        return int(given.removeprefix("bytes=").removesuffix("-")) if given else 0

    def rest(self, most=None):
        """What was asked for, or the first `most` bytes of it and then the end of the connection."""
        start = self.start()
        rest = CONTENT[start:]
        ranges = {"Content_Range": f"bytes {start}-{SIZE - 1}/{SIZE}"} if start else {}
        self.send(rest[:most], 206 if start else 200, len(rest), **ranges)

    def good(self):
        self.rest()

    def cuts_off(self):
        self.rest(100_000)

    def cuts_off_at_once(self):
        self.rest(0)

    def knows_no_ranges(self):
        self.send(CONTENT[:100_000] if len(self.server.asked) == 1 else CONTENT, claimed=SIZE)

    def other_range(self):
        self.send(CONTENT[5:], 206, Content_Range=f"bytes 5-{SIZE - 1}/{SIZE}")

    def refuses_ranges(self):
        self.send(b"", 416) if self.start() else self.send(CONTENT)

    def corrupt(self):
        self.send(CONTENT[:-1] + b"?")

    def endless(self):
        self.send(b"", claimed=1000 * SIZE)
        for self.server.sent in range(1000):
            self.wfile.write(CONTENT)

    def short(self):
        self.send(CONTENT[:-1])

    def absent(self):
        self.send(b"no such file", 404)

    def silent(self):
        self.send_response(200)
        self.end_headers()
        self.server.done.wait(10)

    def slow(self):
        self.send(CONTENT[:1000], claimed=SIZE)
        for start in range(1000, SIZE, 50_000):
            time.sleep(0.05)
            self.wfile.write(CONTENT[start : start + 50_000])


@pytest.fixture
def serve():
    """serve("good") starts a server that answers in this way; it has `mirror`, its address, and `asked`."""
    started = []

    def start(way):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.way, server.asked, server.done, server.daemon_threads = way, [], threading.Event(), True
        server.mirror = f"http://127.0.0.1:{server.server_port}/files"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.done.set()
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def get(folder, *servers, **options):
    options = {"timeout": 5, "progress": False, **options}
    return fetch(NAME, folder, [server.mirror for server in servers], MD5, SIZE, **options)


def refusal(folder, *servers, **options):
    """The text of the error; nothing must stand in the file's place."""
    with pytest.raises(RuntimeError) as caught:
        get(folder, *servers, **options)
    assert not (folder / NAME).exists()
    return str(caught.value)


def only_the_file(folder):
    assert [path.name for path in folder.iterdir()] == [NAME] and (folder / NAME).read_bytes() == CONTENT


def test_a_file_arrives_once(tmp_path, serve):
    """It is whole, in its place, and not asked for again."""
    server = serve("good")
    assert get(tmp_path / "new" / "folder", server) == tmp_path / "new" / "folder" / NAME
    get(tmp_path / "new" / "folder", server)
    only_the_file(tmp_path / "new" / "folder")
    assert server.asked == [(f"/files/{NAME}", None)]


def test_a_wrong_file_in_its_place_is_replaced(tmp_path, serve):
    (tmp_path / NAME).write_bytes(b"something else")
    get(tmp_path, serve("good"))
    only_the_file(tmp_path)


def test_where_it_broke_off_it_goes_on(tmp_path, serve):
    """Each attempt asks for what is missing only."""
    server = serve("cuts_off")
    get(tmp_path, server)
    only_the_file(tmp_path)
    assert [asked for _, asked in server.asked] == [None, "bytes=100000-", "bytes=200000-"]


def test_what_arrived_is_kept_for_another_mirror_and_another_day(tmp_path, serve):
    """The next one is asked for what is missing only, even if the first then gave nothing."""
    (tmp_path / (NAME + ".part")).write_bytes(CONTENT[:200_000])
    refusal(tmp_path, serve("cuts_off_at_once"))
    server = serve("good")
    get(tmp_path, serve("absent"), server)
    only_the_file(tmp_path)
    assert server.asked == [(f"/files/{NAME}", "bytes=200000-")]


def test_a_part_that_is_whole_needs_no_connection(tmp_path):
    (tmp_path / (NAME + ".part")).write_bytes(CONTENT)
    fetch(NAME, tmp_path, ["http://127.0.0.1:9"], MD5, SIZE, progress=False)
    only_the_file(tmp_path)


@pytest.mark.parametrize("way", ["knows_no_ranges", "slow"])
def test_servers_that_are_odd_but_honest(way, tmp_path, serve):
    """One that sends everything though a range was asked for; one that takes its time."""
    get(tmp_path, serve(way))
    only_the_file(tmp_path)


def test_a_part_of_another_file_is_thrown_away(tmp_path, serve):
    """What does not add up to the checksum is asked for anew, from the start, and of the same mirror."""
    (tmp_path / (NAME + ".part")).write_bytes(b"?" * 1000)
    server = serve("good")
    get(tmp_path, server)
    only_the_file(tmp_path)
    assert [asked for _, asked in server.asked] == ["bytes=1000-", None]


@pytest.mark.parametrize("content", [b"?" * 1000, b"?" * (SIZE + 9)])
def test_a_server_that_refuses_ranges_is_asked_for_all(content, tmp_path, serve):
    (tmp_path / (NAME + ".part")).write_bytes(content)
    get(tmp_path, serve("refuses_ranges"))
    only_the_file(tmp_path)


WRONG = {
    "corrupt": "checksum",
    "short": "broke off after 255,999 of 256,000 bytes",
    "endless": "more than the 256,000 bytes",
    "absent": "HTTP 404",
    "silent": "timed out",
    "cuts_off_at_once": "broke off after 0 of 256,000 bytes",
}


@pytest.mark.parametrize("way", WRONG)
def test_another_mirror_helps_where_one_fails(way, tmp_path, serve):
    """And what is wrong never stands in the file's place, which the one mirror alone shows."""
    bad = serve(way)
    assert WRONG[way] in refusal(tmp_path, bad, timeout=0.3)
    get(tmp_path, bad, serve("good"), timeout=1)
    only_the_file(tmp_path)
    assert way != "endless" or bad.sent < 100, "it was listened to for too long"


def test_a_range_that_nobody_asked_for_is_refused(tmp_path, serve):
    (tmp_path / (NAME + ".part")).write_bytes(CONTENT[:1000])
    assert "another range" in refusal(tmp_path, serve("other_range"))


def test_without_a_connection_the_error_says_which_file_to_put_where(tmp_path):
    """Every address with what went wrong there, the file's size and checksum, and its place."""
    with pytest.raises(RuntimeError) as caught:
        fetch(NAME, tmp_path, ["http://127.0.0.1:9/a/", "http://127.0.0.1:9/b/"], MD5, SIZE, timeout=1)
    text = str(caught.value)
    for part in (f"/a/{NAME}: ", f"http://127.0.0.1:9/b/{NAME}: ", "256,000 bytes", MD5, str(tmp_path / NAME)):
        assert part in text


def test_the_bar(tmp_path, serve, capsys):
    """It ends at 100 % on a line of its own; with progress=False there is none."""
    get(tmp_path / "a", serve("good"), progress=True)
    assert capsys.readouterr().err.endswith(f"\r{NAME}  [{'#' * 30}] 100%  of 0.3 MB\n")
    get(tmp_path / "b", serve("good"))
    assert capsys.readouterr().err == ""
