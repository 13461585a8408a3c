"""Pack the results of a study into one archive with checksums."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from distillation.core.atomic import replacing

SUMS = "SHA256SUMS"


def pack(folder: Path, files: Iterable[Path], output: Path, more: Mapping[str, bytes] | None = None) -> None:
    """Write files of a folder as a gzipped tar; equal contents give equal bytes (with the same zlib).

    The archive contains one folder with the name and layout of `folder` and, at its top, SHA256SUMS
    with the SHA-256 of each file: `sha256sum -c SHA256SUMS` checks it.
    Owners, modes and times are constants.

    Args:
        folder: paths in the archive are relative to its parent.
        files: the files to pack, below `folder`, in any order.
        output: the archive.
        more: the contents of further files, by their paths in that folder.

    Raises:
        OSError: a file cannot be read.
        ValueError: a file is not below the folder.
    """
    contents = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files} | dict(more or {})
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
