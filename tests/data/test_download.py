"""Downloads against a real server on this machine that misbehaves on purpose."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from plumbline.data.download import download
from plumbline.data.manifest import File
from plumbline.data.obtain import Places, Remote, idx_files, obtain_file
from plumbline.errors import InputError

CONTENT = np.random.default_rng(0).bytes(3_000_000)
MD5 = hashlib.md5(CONTENT).hexdigest()
FLIPPED = CONTENT[:1000] + bytes([CONTENT[1000] ^ 1]) + CONTENT[1001:]
HALF = len(CONTENT) // 2


class Server(ThreadingHTTPServer):
    """Answers by the path of the address; ``asked`` records path and range of each request."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []

    def url(self, path):
        return f"http://127.0.0.1:{self.server_port}/{path}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        path, span = self.path.strip("/"), self.headers.get("Range")
        self.server.asked.append((path, span))
        times = sum(asked == path for asked, _ in self.server.asked)
        getattr(self, path)(int(span[6:-1]) if span else 0, times)

    def answer(self, content, status=200, length=True):
        self.send_response(status)
        if length:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        return content

    def good(self, start, times):
        if start >= len(CONTENT):
            self.send_error(416)
        else:
            self.wfile.write(self.answer(CONTENT[start:], 206 if start else 200))

    def no_ranges(self, start, times):
        self.wfile.write(self.answer(CONTENT))

    def breaks_once(self, start, times):
        body = self.answer(CONTENT[start:], 206 if start else 200)
        self.wfile.write(body[:HALF] if times == 1 else body)

    def breaks_silently_once(self, start, times):
        body = self.answer(CONTENT, length=False)
        self.wfile.write(body[:HALF] if times == 1 else body)

    def flipped_once(self, start, times):
        self.wfile.write(self.answer(FLIPPED if times == 1 else CONTENT))

    def flipped(self, start, times):
        self.wfile.write(self.answer(FLIPPED[start:], 206 if start else 200))

    def absent(self, start, times):
        self.send_error(404)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "file.gz"


def part(target):
    return target.with_name("file.gz.part")


def get(server, target, *paths):
    return download([server.url(path) for path in paths], target, MD5, pause=0, timeout=5)


def test_a_file_is_downloaded_once(server, target, capsys):
    assert get(server, target, "good") == server.url("good")
    assert target.read_bytes() == CONTENT
    assert not part(target).exists()
    assert server.asked == [("good", None)]
    assert "file.gz, MiB: 3 of 3" in capsys.readouterr().err


def test_a_partial_file_is_resumed(server, target):
    part(target).write_bytes(CONTENT[:HALF])
    get(server, target, "good")
    assert target.read_bytes() == CONTENT
    assert server.asked == [("good", f"bytes={HALF}-")]


def test_a_partial_file_that_is_whole_is_taken(server, target):
    part(target).write_bytes(CONTENT)
    get(server, target, "good")
    assert target.read_bytes() == CONTENT
    assert server.asked == [("good", f"bytes={len(CONTENT)}-")]


def test_a_partial_file_of_other_content_is_detected_and_fetched_again(server, target, capsys):
    part(target).write_bytes(FLIPPED[:HALF])
    get(server, target, "good")
    assert target.read_bytes() == CONTENT
    assert server.asked == [("good", f"bytes={HALF}-"), ("good", None)]
    assert "file.gz from" in (err := capsys.readouterr().err)
    assert "wrong checksum" in err


def test_a_server_without_ranges_sends_the_whole_file(server, target):
    part(target).write_bytes(CONTENT[:HALF])
    get(server, target, "no_ranges")
    assert target.read_bytes() == CONTENT


def test_a_truncated_answer_is_named_and_taken_up(server, target, capsys):
    get(server, target, "breaks_once")
    assert target.read_bytes() == CONTENT
    assert server.asked == [("breaks_once", None), ("breaks_once", f"bytes={HALF}-")]
    assert f"truncated: {HALF} of {len(CONTENT)} bytes" in capsys.readouterr().err


def test_a_truncated_answer_without_length_is_detected_by_checksum(server, target):
    get(server, target, "breaks_silently_once")
    assert target.read_bytes() == CONTENT
    assert [span for _, span in server.asked] == [None, None]


def test_wrong_bytes_are_fetched_again(server, target):
    get(server, target, "flipped_once")
    assert target.read_bytes() == CONTENT
    assert len(server.asked) == 2


def test_wrong_bytes_for_ever_leave_nothing(server, target):
    with pytest.raises(InputError, match=r"file\.gz: download failed 3 times: .*wrong check") as e:
        get(server, target, "flipped")
    assert "\n" not in str(e.value)
    assert len(server.asked) == 3
    assert not target.exists()
    assert not part(target).exists()


def test_the_next_address_is_tried(server, target):
    assert get(server, target, "absent", "flipped", "good") == server.url("good")
    assert [path for path, _ in server.asked] == ["absent", "flipped", "good"]


def test_the_beginning_of_a_sha256_is_enough(server, target):
    found = hashlib.sha256(CONTENT).hexdigest()
    how = {"algorithm": "sha256", "rounds": 1, "pause": 0}
    with pytest.raises(InputError, match=f"wrong checksum: sha256 {found}, not 00000000"):
        download([server.url("good")], target, "00000000", **how)
    assert download([server.url("good")], target, found[:8], **how) == server.url("good")


def test_all_addresses_and_their_reasons_are_named(server, target):
    with pytest.raises(InputError) as caught:
        get(server, target, "absent", "flipped")
    assert f"{server.url('absent')} (HTTP Error 404: Not Found)" in str(caught.value)
    assert f"{server.url('flipped')} (wrong checksum" in str(caught.value)


def test_nobody_answers(target):
    with pytest.raises(InputError, match=r"download failed .*refused"):
        download(["http://127.0.0.1:9/x"], target, MD5, rounds=1)


NAME = "MNIST/raw/file.gz"


def published(server, path="good"):
    return Remote(NAME, (server.url(path),), MD5)


def places(tmp_path, mirrored=None):
    mirror = tmp_path / "mirror"
    (mirror / "MNIST" / "raw").mkdir(parents=True)
    if mirrored is not None:
        (mirror / NAME).write_bytes(mirrored)
    return Places(downloads=tmp_path / "downloads", mirror=mirror)


def test_the_mirror_comes_first_and_the_network_is_not_touched(server, tmp_path):
    where = places(tmp_path, CONTENT)
    got = obtain_file(published(server), where)
    kept = tmp_path / "downloads" / NAME
    assert got == File(NAME, hashlib.sha256(CONTENT).hexdigest(), 3_000_000, "mirror", str(kept))
    assert kept.read_bytes() == CONTENT
    assert server.asked == []


@pytest.mark.parametrize("content", [FLIPPED, CONTENT[:HALF], b""])
def test_a_wrong_file_in_the_mirror_is_refused_and_not_replaced(server, tmp_path, content):
    where = places(tmp_path, content)
    found = hashlib.md5(content).hexdigest()
    with pytest.raises(InputError, match=f"{NAME}: wrong checksum: md5 {found}, expected {MD5}"):
        obtain_file(published(server), where)
    assert server.asked == []
    assert (where.mirror / NAME).read_bytes() == content
    assert not (where.downloads / NAME).exists()


def test_what_was_downloaded_is_kept_and_what_is_corrupt_is_fetched_again(server, tmp_path):
    where = places(tmp_path)
    assert obtain_file(published(server), where).origin == server.url("good")
    assert obtain_file(published(server), where).origin == "downloads"
    assert len(server.asked) == 1
    (where.downloads / NAME).write_bytes(FLIPPED)
    assert obtain_file(published(server), where).origin == server.url("good")
    assert (where.downloads / NAME).read_bytes() == CONTENT


def test_a_file_without_address_must_be_in_the_mirror(tmp_path):
    where = places(tmp_path)
    with pytest.raises(InputError, match=r"not in the mirror .*set data\.mirror or PLUMBLINE_MIR"):
        obtain_file(Remote(NAME), where)
    (where.mirror / NAME).write_bytes(CONTENT)
    assert obtain_file(Remote(NAME), where).origin == "mirror"
    (where.mirror / NAME).unlink()
    assert obtain_file(Remote(NAME), where).origin == "downloads"


def test_two_at_once_fetch_once(server, tmp_path):
    where, got = places(tmp_path), []
    threads = [
        threading.Thread(target=lambda: got.append(obtain_file(published(server), where)))
        for _ in range(2)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(file.origin for file in got) == ["downloads", server.url("good")]
    assert len(server.asked) == 1


def test_downloads_that_cannot_be_written_are_named(server, tmp_path):
    (tmp_path / "downloads").write_text("a file where a folder should be")
    with pytest.raises(InputError, match=r"data\.downloads: .*downloads/MNIST/raw"):
        obtain_file(published(server), places(tmp_path))


def test_addresses_and_checksums_are_torchvisions():
    from plumbline.runtime.torchvision_import import import_torchvision

    known = import_torchvision().datasets.FashionMNIST
    remotes, classes = idx_files("FashionMNIST")
    assert [(each.name.split("/")[-1], each.digest) for each in remotes] == known.resources
    assert all(
        url.startswith("http") and len(each.digest) == 32 for each in remotes for url in each.urls
    )
    assert len(idx_files("MNIST")[0][0].urls) == 2
    assert classes == tuple(known.classes)
    assert len(classes) == 10
