"""Files to copy from a machine before it is given back: the evidence, and the state to continue from."""

import io
import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from distillation.core import commit, finished_runs, records
from distillation.core.errors import InputError
from distillation.pages import archive

from offline_node import parts

# Snakemake's metadata of output files. Without the second folder, Snakemake takes the first for that of an
# old version and moves it.
RECORDS = (".snakemake/metadata", ".snakemake/incomplete")

EVALUATIONS = "evaluation/*/*/seed-*.json"
RUNS = "runs/*/*/seed-*/run.json"

# First member of a state: the code that made it.
_ORIGIN = "state.json"

# Not packed: committed files, files that are easy to rebuild, and files as large as the data set.
_NEVER = {"reference", "rebuilt", "downloads", "arrays.safetensors"}
_HEAVY = {".safetensors", ".npz", ".gz", ".pt"}


def pack_evidence(results: Path, output: Path) -> int:
    """Pack all results except weights, maps, data and training states, and return the number of files.

    See `pages.archive.pack`. Unfinished files are not packed: every file appears whole or not at all.

    Raises:
        OSError: a file cannot be read or written.
    """
    files = [
        path for path in _result_files(results) if "resume" not in path.parts and path.suffix not in _HEAVY
    ]
    archive.pack(results, files, output)
    return len(files)


def pack_state(home: Path, results: Path, output: Path, mebibytes: int | None, light: bool) -> None:
    """Pack everything that Snakemake needs to continue in another copy of the repository; see `unpack_state`.

    The state contains `results` without the data set, with file times, and Snakemake's metadata. Its first
    member names the code that made it.

    Args:
        home: the repository.
        results: a folder in it.
        output: a tar, or the prefix of its parts' names.
        mebibytes: maximum size of a part; None for one file.
        light: leave out the weights that only a target that names weights needs; see `spare_weights`.

    Raises:
        OSError: a file cannot be read or written.
    """
    origin, content = _origin(home)
    with (
        parts.writing(output, mebibytes) as stream,
        tarfile.open(fileobj=stream, mode="w|", dereference=True) as tar,
    ):
        tar.addfile(origin, io.BytesIO(content))
        for path in _state_paths(home, results, light):
            tar.add(path, path.relative_to(home).as_posix(), recursive=False)


def state_bytes(home: Path, results: Path, light: bool) -> int:
    """Size in bytes of the state that `pack_state` would write.

    Raises:
        OSError: a file cannot be read.
    """
    with tarfile.open(fileobj=io.BytesIO(), mode="w", dereference=True) as tar:
        paths = _state_paths(home, results, light)
        members = [tar.gettarinfo(path, path.relative_to(home).as_posix()) for path in paths]
    blocks = 2 + sum(
        len(member.tobuf()) // tarfile.BLOCKSIZE - (-member.size // tarfile.BLOCKSIZE)
        for member in [_origin(home)[0], *members]
    )
    return -(-blocks * tarfile.BLOCKSIZE // tarfile.RECORDSIZE) * tarfile.RECORDSIZE


def unpack_state(home: Path, source: Path) -> int:
    """Unpack a state over a copy of the repository, with file times, and return the number of files.

    An existing file that is as new stays, so states of several machines can be combined.

    Raises:
        InputError: a part is missing or has changed, the state is of other code or has paths outside `home`.
        OSError: a file cannot be written.
    """
    count = 0
    with parts.opened(source) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
        members = iter(tar)
        _check_origin(home, source, tar, next(members, None))
        for member in members:
            name = PurePosixPath(member.name)
            if name.is_absolute() or ".." in name.parts or not (member.isdir() or member.isreg()):
                raise InputError(f"{source}: holds {member.name}, so it is not a state: name another.")
            target = home / name
            if member.isdir():
                target.mkdir(parents=True, exist_ok=True)
            elif not target.exists() or target.stat().st_mtime < member.mtime:
                _write(target, tar.extractfile(member), member.mtime)
                count += 1
    return count


def spare_weights(results: Path) -> Iterator[Path]:
    """Weights that no table, no figure and no further training needs.

    These are the weights of tested students, and for tested teachers the file that does not teach.
    """
    for tested in found(results, EVALUATIONS):
        protocol, run, seed = tested.parent.parent.name, tested.parent.name, tested.stem
        folder = tested.parents[3] / "runs" / protocol / run / seed
        record = folder / "run.json"
        if not record.is_file() or tested.stat().st_mtime < record.stat().st_mtime:
            continue
        is_student = records.read(record, finished_runs.AGAIN)["role"] == "student"
        selected = records.read(tested, "run the workflow again")["selection"]
        yield from (path for path in folder.glob("*.safetensors") if is_student or path.stem != selected)


def found(results: Path, pattern: str) -> list[Path]:
    """Files of the results that match a pattern, without committed evidence, downloads and data arrays."""
    paths = sorted(results.rglob(pattern))
    return [path for path in paths if not _NEVER.intersection(path.relative_to(results).parts)]


def _state_paths(home: Path, results: Path, light: bool) -> list[Path]:
    """Folders of Snakemake's metadata, which have to exist, and all files of a state."""
    spare = set(spare_weights(results)) if light else set()
    records = [path for folder in RECORDS for path in sorted((home / folder).rglob("*"))]
    files = [
        path
        for path in [*_result_files(results), *records]
        if path.is_file() and path not in spare and not _is_duplicate(path)
    ]
    return [*(home / folder for folder in RECORDS if (home / folder).is_dir()), *files]


def _origin(home: Path) -> tuple[tarfile.TarInfo, bytes]:
    made_by = {"commit": (commit.of(home) or {}).get("commit"), "code": commit.sha256_of_all_code(home)}
    content = json.dumps(made_by).encode("utf-8")
    member = tarfile.TarInfo(_ORIGIN)
    member.size = len(content)
    return member, content


def _check_origin(home: Path, source: Path, tar: tarfile.TarFile, first: tarfile.TarInfo | None) -> None:
    """Refuse a state of other code: its trainings would restart, among files of the old ones."""
    if first is None or first.name != _ORIGIN:
        raise InputError(
            f"{source}: does not begin with {_ORIGIN}, which names the code that made it: name another state,"
            " or remove this one to start from the beginning."
        )
    made_by = json.load(tar.extractfile(first))
    if made_by["code"] != commit.sha256_of_all_code(home):
        raise InputError(
            f"{source}: made by other code than this checkout, commit"
            f" {made_by['commit'] or 'unknown'}: check out that commit here, or name another state."
        )


def _result_files(results: Path) -> Iterator[Path]:
    return (path for path in found(results, "*") if path.is_file() and not path.name.startswith("."))


def _write(target: Path, content: BinaryIO, time: float) -> None:
    """Write a file with its time; if this process is killed, the file is whole or absent."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.unpacked")
    with temporary.open("wb") as file:
        shutil.copyfileobj(content, file)
    os.utime(temporary, (time, time))
    temporary.replace(target)


def _is_duplicate(path: Path) -> bool:
    """Whether a file belongs to a stored result that the folder of its run contains as well."""
    if path.parent.name != "result" or path.parent.parent.parent.name != "resume":
        return False
    records = path.parent / "record", path.parents[3] / "run.json"
    return all(map(Path.is_file, records)) and records[0].read_bytes() == records[1].read_bytes()
