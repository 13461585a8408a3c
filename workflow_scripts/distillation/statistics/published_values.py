"""Read and check the numbers published in the paper and its released notebooks."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from distillation.core.errors import InputError

# Columns of the files: numbers in percent, and the best accuracy of each stage.
_ACCURACIES = {"run": str, "accuracy": float, "source": str, "doubt": str}
_REPORTED = {"run": str, "quantity": str, "value": float, "source": str, "doubt": str}
_STAGES = {"run": str, "stage_px": int, "val_acc": float, "view": str, "digitized": str}
_CURVE = {"global_epoch": int, "train_acc": float, "val_acc": float}

QUANTITIES = ("text", "header", "test", "train_last", "val_last", "val_best")


def accuracies(path: Path | None) -> pd.DataFrame:
    """The columns `accuracy` (percent), `source` and `doubt` by run id; empty without a file.

    Raises:
        InputError: a column or a number is missing or wrong, or a run has two rows.
    """
    if path is None:
        return pd.DataFrame(columns=[name for name in _ACCURACIES if name != "run"])
    frame = _read(path, _ACCURACIES, ("accuracy",))
    _once(path, frame, ["run"])
    return frame.set_index("run")


def reported(path: Path | None) -> pd.DataFrame:
    """Accuracies published beside a table, in percent: columns run, quantity, value, source, doubt.

    Without a file there are none.

    Quantities: "text" and "header" (test accuracies named in them), "test" (printed), and "train_last",
    "val_last" and "val_best" (accuracies of the last epoch, and the best one, at full resolution).

    Raises:
        InputError: a column or a number is missing or wrong, or a quantity is unknown.
    """
    if path is None:
        return pd.DataFrame(columns=list(_REPORTED))
    frame = _read(path, _REPORTED, ("value",))
    for place, quantity in frame["quantity"].items():
        if quantity not in QUANTITIES:
            _refuse(path, place, "quantity", f"{quantity!r} is unknown; use one of {', '.join(QUANTITIES)}")
    return frame


def stages(path: Path) -> pd.DataFrame:
    """Best validation accuracies (percent) by run and stage.

    Columns: run, stage_px, val_acc, view ("scale" or "crop"), digitized ("yes" or "no"), source, doubt.

    Raises:
        InputError: a column or a number is missing or wrong, or a stage of a run has two rows.
    """
    frame = _read(path, _STAGES, ("val_acc",))
    for column, known in (("view", ("scale", "crop")), ("digitized", ("yes", "no"))):
        for place, word in frame[column].items():
            if word not in known:
                _refuse(path, place, column, f"{word!r} is not allowed; write {' or '.join(known)}")
    _once(path, frame, ["run", "stage_px"])
    return frame


def curve(path: Path) -> pd.DataFrame:
    """A curve of a released notebook: global_epoch, train_acc if it was printed, val_acc, and more.

    Raises:
        InputError: a column or a number is missing or wrong.
    """
    frame = _read(path, {name: kind for name, kind in _CURVE.items() if name != "train_acc"}, ("val_acc",))
    if "train_acc" in frame:
        frame["train_acc"] = _numbers(path, frame, "train_acc", float, percent=True)
    return frame


def _read(path: Path, columns: Mapping[str, type], percent: Sequence[str]) -> pd.DataFrame:
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    missing = [name for name in columns if name not in frame]
    if missing:
        raise InputError(
            f"{path}: there is no column {' and no column '.join(map(repr, missing))}"
            f" (found: {', '.join(frame)}); add it."
        )
    for name, kind in columns.items():
        if kind is not str:
            frame[name] = _numbers(path, frame, name, kind, name in percent)
    return frame


def _numbers(path: Path, frame: pd.DataFrame, column: str, kind: type, percent: bool) -> pd.Series:
    numbers = pd.to_numeric(frame[column], errors="coerce")
    for place, text in frame[column].items():
        number = numbers[place]
        if not math.isfinite(number) or (kind is int and number != int(number)):
            _refuse(path, place, column, f"{text!r} is not a {'whole ' * (kind is int)}number; write one")
        if percent and not 0 <= number <= 100:
            _refuse(path, place, column, f"{text!r} is not a percentage; write a number from 0 to 100")
    return numbers.astype(kind)


def _once(path: Path, frame: pd.DataFrame, key: list[str]) -> None:
    twice = frame[frame.duplicated(key)]
    for place, row in twice.iterrows():
        named = " and ".join(f"{name} {row[name]!r}" for name in key)
        _refuse(path, place, key[0], f"there is another row of {named}; keep one")


def _refuse(path: Path, place: int, column: str, text: str) -> None:
    # The heading is line 1.
    raise InputError(f"{path}, line {place + 2}, column {column!r}: {text}.")
