"""Files of published numbers: their columns, and the faults that they can have.

Free of pandas, because planning calls it.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distillation.core import text_files
from distillation.core.errors import InputError

_NUMBER = re.compile(r"\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)\s*", re.ASCII)
QUANTITIES = ("text", "header", "test", "train_last", "val_last", "val_best")
# Of a check: the best accuracy of each stage, unlike those of each epoch.
BEST_OF_STAGES = "best_val_acc"

# A value of a text; a ValueError says what is wrong with it, and the fix.
Kind = Callable[[str], Any]


def identifier(text: str) -> str:
    """A text by which a row is found."""
    if not text or text != text.strip():
        raise ValueError(f"{text!r} is empty or has spaces around it; write the id alone")
    return text


def number(text: str) -> float:
    """A number as people write it, not all that Python takes for one."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is not a number; write one")
    return float(text)


def whole(text: str) -> int:
    """A whole number."""
    if not _NUMBER.fullmatch(text) or not float(text).is_integer():
        raise ValueError(f"{text!r} is not a whole number; write one")
    return int(float(text))


def percentage(text: str) -> float:
    """A number from 0 to 100."""
    found = number(text)
    if not 0 <= found <= 100:
        raise ValueError(f"{text!r} is not a percentage; write a number from 0 to 100")
    return found


def _quantity(text: str) -> str:
    if text not in QUANTITIES:
        raise ValueError(f"{text!r} is unknown; use one of {', '.join(QUANTITIES)}")
    return text


def _either(first: str, second: str) -> Kind:
    def kind(text: str) -> str:
        if text not in (first, second):
            raise ValueError(f"{text!r} is not allowed; write {first} or {second}")
        return text

    return kind


@dataclass(frozen=True)
class Form:
    """What a file has.

    Attributes:
        columns: the kind of their values, by name.
        key: columns whose values together stand in one row only.
        optional: as `columns`, of those that may be missing. Any other column is text.
    """

    columns: Mapping[str, Kind]
    key: tuple[str, ...]
    optional: Mapping[str, Kind] = field(default_factory=dict)


# Accuracies in percent.
ACCURACIES = Form({"run": identifier, "accuracy": percentage, "source": str, "doubt": str}, ("run",))
REPORTED = Form(
    {"run": identifier, "quantity": _quantity, "value": percentage, "source": str, "doubt": str},
    ("run", "quantity"),
)
STAGE_BEST = Form({"run": identifier, "stage_px": whole, "val_acc": percentage}, ("run", "stage_px"))
STAGES = Form(
    {**STAGE_BEST.columns, "view": _either("scale", "crop"), "digitized": _either("yes", "no")},
    STAGE_BEST.key,
)
CURVE = Form({"global_epoch": whole, "val_acc": percentage}, ("global_epoch",), {"train_acc": percentage})


def of_check(measures: Iterable[str]) -> Form:
    """The form of the file with which a run is compared by these measures, those of its tolerances."""
    if BEST_OF_STAGES in measures:
        return STAGE_BEST
    return Form({"global_epoch": whole, **dict.fromkeys(measures, percentage)}, CURVE.key)


def rows(path: Path, form: Form) -> list[dict[str, Any]]:
    """The rows of a file, each by column.

    Raises:
        InputError: the file cannot be read, is not UTF-8, not a table or empty, or it lacks a column, or a
            value is missing or wrong, or two rows have the same key.
    """
    lines = _lines(path)
    if not lines:
        raise InputError(f"{path}: this file is empty; write the columns {', '.join(form.columns)}.")
    heading = lines.pop(0)[1]
    _check_heading(path, heading, form)
    if not lines:
        raise InputError(f"{path}: there is no row below the names of the columns; add one.")
    kinds = {**form.columns, **form.optional}
    found: dict[tuple, dict[str, Any]] = {}
    for line, values in lines:
        if len(values) != len(heading):
            raise InputError(
                f"{path}, line {line}: it has {len(values)} of {len(heading)} values; write one for each"
                " column, and quotes around a text with a comma."
            )
        row = {}
        for column, value in zip(heading, values, strict=True):
            try:
                row[column] = kinds.get(column, str)(value)
            except ValueError as error:
                raise InputError(f"{path}, line {line}, column {column!r}: {error}.") from None
        if found.setdefault(tuple(row[column] for column in form.key), row) is not row:
            named = " and ".join(f"{column} {row[column]!r}" for column in form.key)
            raise InputError(
                f"{path}, line {line}, column {form.key[0]!r}: there is another row of {named}; keep one."
            )
    return list(found.values())


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """The number of its first line, and the values, of each row that is not blank."""
    reader = csv.reader(io.StringIO(text_files.read(path), newline=""), strict=True)
    found, first = [], 1
    try:
        for values in reader:
            if any(values):
                found.append((first, values))
            first = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"{path}, line {first}: the quotes of this row do not match ({error}); close each that is opened,"
            " and write one inside a quoted text twice."
        ) from error
    return found


def _check_heading(path: Path, heading: list[str], form: Form) -> None:
    if missing := [name for name in form.columns if name not in heading]:
        raise InputError(
            f"{path}: there is no column {' and no column '.join(map(repr, missing))}"
            f" (found: {', '.join(heading)}); add it."
        )
    if twice := [name for index, name in enumerate(heading) if name in heading[:index]]:
        raise InputError(f"{path}: the column {twice[0]!r} is there twice; keep one.")
