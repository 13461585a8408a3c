"""Agreement of saliency maps of student and teacher during training: the arrays of saliency.npz."""

import re
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from distillation.core import finished_runs
from distillation.core.errors import InputError


class Moment(NamedTuple):
    """When maps are recorded: stage, epoch within it (both from 1) and the stage's resolution in pixels."""

    stage: int
    resolution: int
    epoch: int


_NAME = "stage{}-{}px-epoch{}-{}"
_CORRELATION = re.compile(_NAME.format(r"(\d+)", r"(\d+)", r"(\d+)", "correlation"))


def read(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a saliency.npz by name.

    Raises:
        InputError: see `finished_runs.checked`; or it is no archive of arrays.
    """
    if not zipfile.is_zipfile(finished_runs.checked(path)):
        raise InputError(f"{path}: this file is damaged, it has no arrays; {finished_runs.FIX}.")
    try:
        with np.load(path) as arrays:
            found = dict(arrays)
    except (ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: this file is damaged ({error}); {finished_runs.FIX}.") from error
    if not all(isinstance(value, np.ndarray) for value in found.values()):
        raise InputError(f"{path}: this file is damaged, it has more than arrays; {finished_runs.FIX}.")
    return found


def name(moment: Moment, what: str) -> str:
    """The name of an array: of the maps of "student" or "teacher", or of their "correlation"."""
    return _NAME.format(*moment, what)


def moments(names: Iterable[str]) -> list[Moment]:
    """The recorded moments, in order, from the names of the arrays in a saliency.npz."""
    matches = map(_CORRELATION.fullmatch, names)
    return sorted(Moment(*map(int, match.groups())) for match in matches if match)


def summary(arrays: Mapping[str, np.ndarray], kind: str) -> dict:
    """Summarise the agreement in the arrays of a saliency.npz as plain values.

    Args:
        arrays: see `training.records.saliency.SaliencyRecord`.
        kind: kind of the maps.

    Returns:
        "kind"; "student_layers" and "teacher_layers", block indices in pairs; and "moments", each with
        "stage" (from 1), "resolution" (pixels), "epoch" (within the stage, from 1) and "correlation":
        Pearson's, over patches, mean over the recorded images, one per pair of layers.
    """
    return {
        "kind": kind,
        "student_layers": arrays["student_layers"].tolist(),
        "teacher_layers": arrays["teacher_layers"].tolist(),
        "moments": [
            moment._asdict() | {"correlation": arrays[name(moment, "correlation")].mean(axis=1).tolist()}
            for moment in moments(arrays)
        ],
    }
