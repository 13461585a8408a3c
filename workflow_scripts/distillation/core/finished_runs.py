"""The files of a finished run, checked against its record before they are used.

A run's folder has last.safetensors, best.safetensors, history.csv, run.json and, of runs that record maps,
saliency.npz.
"""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distillation.core import checksums, records
from distillation.core.errors import InputError

RECORD = "run.json"
# How to have a missing file made again, and what to do about a damaged one: ends of sentences.
AGAIN = (
    "run the workflow again, which takes the run's stored result or trains the run again; restore kept"
    " evidence from its archive"
)
FIX = f"delete it and {AGAIN}"


def record(path: Path) -> dict[str, Any]:
    """The content of a run.json.

    Raises:
        InputError: it is missing or damaged.
    """
    found = records.read(path, AGAIN)
    if missing := {"spec", "sha256", "weights", "stages", "sessions"} - found.keys():
        raise InputError(
            f"{path}: this file is no record of a run, it lacks {', '.join(sorted(missing))}; {FIX}."
        )
    return found


def checked(path: Path, record_path: Path | None = None) -> Path:
    """The path of a file of a run, which is that of its record.

    Of a run that an older version trained, the record knows the weights alone.

    Args:
        path: of the file.
        record_path: of the record; by default beside the file.

    Raises:
        InputError: the file or the record is missing or damaged, or the two are of different trainings.
    """
    record_path = record_path or path.parent / RECORD
    known = digests(record(record_path))
    if not path.is_file():
        raise InputError(f"{path}: this file is missing; {AGAIN}.")
    if path.stem in known and checksums.sha256(path) != known[path.stem]:
        raise InputError(f"{path}: this file is not that of {record_path}; {FIX}.")
    return path


def history(path: Path) -> list[dict[str, str]]:
    """The rows of a history.csv, one per epoch; none of a network that stays untrained.

    Raises:
        InputError: see `checked`; or lines are cut off.
    """
    with checked(path).open(newline="", encoding="utf-8") as file:
        try:
            header, *lines = list(csv.reader(file, strict=True)) or [[]]
        except (csv.Error, UnicodeDecodeError) as error:
            raise InputError(f"{path}: this file is damaged ({error}); {FIX}.") from error
    short = next((number for number, line in enumerate(lines, 2) if len(line) != len(header)), None)
    if not header or short:
        place = f"line {short} is cut off" if short else "it is empty"
        raise InputError(f"{path}: this file is damaged, {place}; {FIX}.")
    return [dict(zip(header, line, strict=True)) for line in lines]


def digests(content: Mapping[str, Any]) -> dict[str, str]:
    """SHA-256 (hex) of the files of a run by name: "last", "best", "history" and "saliency"."""
    weights = {name: own["sha256"] for name, own in content["weights"].items()}
    return weights | (content.get("files") or {})


def damage(paths: Mapping[str, Path]) -> str | None:
    """What is wrong with a complete copy of a run's files, as a sentence; None if nothing is.

    Args:
        paths: by name: those of `digests` and "record".
    """
    try:
        content = record(paths["record"])
    except InputError as error:
        return str(error)
    known = digests(content)
    for name, path in paths.items():
        if name != "record" and (not path.is_file() or checksums.sha256(path) != known.get(name)):
            return f"{path}: this file is not that of {paths['record']}"
    return None
