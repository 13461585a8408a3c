"""What comes home from a machine that is given back: the evidence, and the state to go on from elsewhere."""

import io
import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from distillation.core import commit
from distillation.core.errors import InputError
from distillation.pages import archive

from offline_node import parts

# Snakemake's records of what was made from what. Without the second folder it would take the first for
# that of an old version and move it.
RECORDS = (".snakemake/metadata", ".snakemake/incomplete")

EVALUATIONS = "evaluation/*/*/seed-*.json"
RUNS = "runs/*/*/seed-*/run.json"

# First in a state: the code that made it.
_ORIGIN = "state.json"

# Below the folder of results: committed, made again at will, or as large as the data set.
_NEVER = {"reference", "rebuilt", "downloads", "arrays.safetensors"}
_HEAVY = {".safetensors", ".npz", ".gz", ".pt"}


def pack_evidence(results: Path, output: Path) -> int:
    """Pack all results but weights, maps, data and what a training continues from; how many files.

    See `pages.archive.pack`. What is not finished is not among them: every file appears whole or not at all.

    Raises:
        OSError: a file cannot be read or written.
    """
    files = [path for path in _kept(results) if "resume" not in path.parts and path.suffix not in _HEAVY]
    archive.pack(results, files, output)
    return len(files)


def pack_state(home: Path, results: Path, output: Path, mebibytes: int | None, light: bool) -> None:
    """Pack all that `unpack_state` needs to let Snakemake go on in another copy of the repository.

    It is `results` but the data set, with the times of the files, and Snakemake's records. What made it comes
    first.

    Args:
        home: the repository.
        results: a folder in it.
        output: a tar, or the name that those of its parts begin with.
        mebibytes: largest size of a part; None for one file.
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
    """What `pack_state` would write, in bytes.

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
    """Unpack a state over a copy of the repository, each file with its time; how many files.

    A file that is there already and as new stays: states of several machines add up.

    Raises:
        InputError: a part is missing or has changed, the state is of other code, or wants to write elsewhere.
        OSError: a file cannot be written.
    """
    count = 0
    with parts.opened(source) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
        members = iter(tar)
        _check_origin(home, source, tar, next(members, None))
        for member in members:
            name = PurePosixPath(member.name)
            if name.is_absolute() or ".." in name.parts or not (member.isdir() or member.isreg()):
                raise InputError(f"{source}: holds {member.name}, so it is no state: name another.")
            target = home / name
            if member.isdir():
                target.mkdir(parents=True, exist_ok=True)
            elif not target.exists() or target.stat().st_mtime < member.mtime:
                _write(target, tar.extractfile(member), member.mtime)
                count += 1
    return count


def spare_weights(results: Path) -> Iterator[Path]:
    """Weights that no table, no figure and no further training needs.

    Those of tested students, and of tested teachers the file that does not teach.
    """
    for tested in found(results, EVALUATIONS):
        protocol, run, seed = tested.parent.parent.name, tested.parent.name, tested.stem
        folder = tested.parents[3] / "runs" / protocol / run / seed
        record = folder / "run.json"
        if not record.is_file() or tested.stat().st_mtime < record.stat().st_mtime:
            continue
        taught = json.loads(record.read_text())["role"] == "student"
        selected = json.loads(tested.read_text())["selection"]
        yield from (path for path in folder.glob("*.safetensors") if taught or path.stem != selected)


def found(results: Path, pattern: str) -> list[Path]:
    """Files of this study's own results by a pattern: without what the repository keeps."""
    paths = sorted(results.rglob(pattern))
    return [path for path in paths if not _NEVER.intersection(path.relative_to(results).parts)]


def _state_paths(home: Path, results: Path, light: bool) -> list[Path]:
    """The folders of records that have to be there, and all files."""
    spare = set(spare_weights(results)) if light else set()
    records = [path for folder in RECORDS for path in sorted((home / folder).rglob("*"))]
    files = [
        path
        for path in [*_kept(results), *records]
        if path.is_file() and path not in spare and not _kept_twice(path)
    ]
    return [*(home / folder for folder in RECORDS if (home / folder).is_dir()), *files]


def _origin(home: Path) -> tuple[tarfile.TarInfo, bytes]:
    made_by = {"commit": (commit.of(home) or {}).get("commit"), "code": commit.sha256_of_all_code(home)}
    content = json.dumps(made_by).encode("utf-8")
    member = tarfile.TarInfo(_ORIGIN)
    member.size = len(content)
    return member, content


def _check_origin(home: Path, source: Path, tar: tarfile.TarFile, first: tarfile.TarInfo | None) -> None:
    """Refuse what this code did not make: its trainings would begin anew, among files of the old ones."""
    if first is None or first.name != _ORIGIN:
        raise InputError(
            f"{source}: does not begin with {_ORIGIN}, which says what code made it: name another state, or"
            " remove this one to begin anew."
        )
    made_by = json.load(tar.extractfile(first))
    if made_by["code"] != commit.sha256_of_all_code(home):
        raise InputError(
            f"{source}: made by other code than that of this checkout, commit"
            f" {made_by['commit'] or 'unknown'}: check that commit out here, or name another state."
        )


def _kept(results: Path) -> Iterator[Path]:
    return (path for path in found(results, "*") if path.is_file() and not path.name.startswith("."))


def _write(target: Path, content: BinaryIO, time: float) -> None:
    """Write a file with its time, whole or, if this process is killed, not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.unpacked")
    with temporary.open("wb") as file:
        shutil.copyfileobj(content, file)
    os.utime(temporary, (time, time))
    temporary.replace(target)


def _kept_twice(path: Path) -> bool:
    """Whether this is of a finished training's result, which its folder has as well."""
    if path.parent.name != "result" or path.parent.parent.parent.name != "resume":
        return False
    records = path.parent / "record", path.parents[3] / "run.json"
    return all(map(Path.is_file, records)) and records[0].read_bytes() == records[1].read_bytes()
