"""Pack the results of a study into one archive with checksums, and verify unpacked archives."""

import gzip
import hashlib
import io
import re
import tarfile
from collections.abc import Iterable
from pathlib import Path

from distillation.core import checksums
from distillation.core.atomic import replacing
from distillation.core.errors import InputError

SUMS = "SHA256SUMS"


def pack(folder: Path, files: Iterable[Path], output: Path) -> None:
    """Write files of a folder as a gzipped tar; equal contents give equal bytes (with the same zlib).

    The archive contains one folder with the name and layout of `folder` and, at its top, SHA256SUMS
    with the SHA-256 of each file: `sha256sum -c SHA256SUMS` checks it, and `verify` checks more.
    Owners, modes and times are constants.

    Args:
        folder: paths in the archive are relative to its parent.
        files: the files to pack, below `folder`, in any order.
        output: the archive.

    Raises:
        OSError: a file cannot be read.
        ValueError: a file is not below the folder.
    """
    contents = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
    names = sorted(contents)
    sums = "".join(f"{hashlib.sha256(contents[name]).hexdigest()}  {name}\n" for name in names)
    with (
        replacing(output) as temporary,
        temporary.open("wb") as file,
        gzip.GzipFile("", "wb", mtime=0, fileobj=file) as stream,
        tarfile.open(fileobj=stream, mode="w") as tar,
    ):
        for name, content in [(SUMS, sums.encode()), *((name, contents[name]) for name in names)]:
            # A new TarInfo has constants for every field that is not set here.
            member = tarfile.TarInfo(f"{folder.name}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def verify(folder: Path) -> list[Path]:
    """Check that an unpacked archive contains every listed file unchanged, and no other file.

    Returns:
        The listed files, sorted by name.

    Raises:
        InputError: with every file that is missing, changed or not listed, one per line.
    """
    fix = "restore the folder from its archive or from version control."
    expected = _listed(folder / SUMS, fix)
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {SUMS}
    wrong = []
    for name in sorted(expected.keys() | found):
        if name not in found:
            wrong.append(f"{name} is missing")
        elif name not in expected:
            wrong.append(f"{name} is not listed in {SUMS}")
        elif (digest := checksums.sha256(folder / name)) != expected[name]:
            wrong.append(f"{name} has changed: its SHA-256 is {digest}, expected {expected[name]}")
    if wrong:
        lines = "".join(f"\n  {line}" for line in wrong)
        raise InputError(f"{folder} differs from what was packed; {fix}{lines}")
    return [folder / name for name in sorted(expected)]


def _listed(path: Path, fix: str) -> dict[str, str]:
    """SHA-256 (hex) of each listed file, by name."""
    if not path.is_file():
        raise InputError(f"{path} does not exist, so the files beside it cannot be checked; {fix}")
    sums = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = re.fullmatch(r"([0-9a-f]{64})  (.+)", line)
        if not match:
            raise InputError(f"{path}, line {number}: expected a SHA-256, two spaces and a file name; {fix}")
        sums[match[2]] = match[1]
    return sums
