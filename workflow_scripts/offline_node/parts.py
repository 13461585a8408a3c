"""One file in parts of a limited size, each with its checksum."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from distillation.core.atomic import replacing
from distillation.core.checksums import sha256
from distillation.core.errors import InputError


def listing(path: Path) -> Path:
    """The file with the SHA-256 of all parts, as sha256sum writes it."""
    return path.with_name(f"{path.name}.sha256")


def of(path: Path) -> list[Path]:
    """The parts, in the order of the list."""
    return [
        path.with_name(line.split("  ", 1)[1])
        for line in listing(path).read_text(encoding="utf-8").splitlines()
    ]


def present(path: Path) -> bool:
    """Whether the file or any of its parts exists."""
    return path.exists() or any(path.parent.glob(f"{path.name}.*"))


@contextmanager
def writing(path: Path, mebibytes: int | None = None) -> Iterator[BinaryIO]:
    """A stream into `path`, or, with a size, into parts of it: `path`.001, `path`.002 and so on.

    They replace earlier ones when the block ends without an exception.

    Raises:
        OSError: they cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as scratch:
        temporary = Path(scratch) / path.name
        if mebibytes is None:
            with temporary.open("wb") as stream:
                yield stream
        else:
            command = ["split", f"--bytes={mebibytes}M", "--numeric-suffixes=1", "--suffix-length=3"]
            with subprocess.Popen([*command, "-", f"{temporary}."], stdin=subprocess.PIPE) as split:
                yield split.stdin
            if split.returncode:
                raise OSError(f"{path}: split ended with status {split.returncode}")
        made = sorted(Path(scratch).iterdir())
        sums = "".join(f"{sha256(part)}  {part.name}\n" for part in made)
        _remove(path)
        for part in made:
            part.replace(path.with_name(part.name))
    with replacing(listing(path)) as temporary:
        temporary.write_text(sums, encoding="utf-8")


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A stream of the whole file, after its parts were checked.

    Raises:
        InputError: a part is missing or differs from what was written; names each one.
    """
    if not listing(path).is_file():
        raise InputError(f"{listing(path)} is missing: copy it here together with all parts that it lists.")
    sums = dict(line.split("  ", 1)[::-1] for line in listing(path).read_text(encoding="utf-8").splitlines())
    wrong = []
    for name, digest in sums.items():
        part = path.with_name(name)
        if not part.is_file():
            wrong.append(f"{name} is missing")
        elif sha256(part) != digest:
            wrong.append(f"{name} has changed")
    if wrong:
        raise InputError(f"{listing(path)}: {', '.join(wrong)}: copy all files that it lists here again.")
    command = ["cat", *(str(path.with_name(name)) for name in sums)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as joined:
        yield joined.stdout


def _remove(path: Path) -> None:
    # The list first: without it, a mixture of old and new parts is never read.
    listing(path).unlink(missing_ok=True)
    for old in [path, *path.parent.glob(f"{path.name}.[0-9][0-9][0-9]")]:
        old.unlink(missing_ok=True)
