"""Histories and evaluations of many runs as pandas frames."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from distillation.core import finished_runs
from distillation.core.errors import InputError
from distillation.statistics import evaluations as evaluation_files
from distillation.statistics.evaluations import Evaluation

_TRAINING = ("study", "protocol", "run", "seed")


def histories(folder: Path | str) -> pd.DataFrame:
    """All epochs of all finished runs below a folder of results, such as "results" or "results/irkd".

    Returns:
        Columns study (its folder), protocol, run, seed (text) and those of history.csv, as numbers:
        accuracies in percent, losses in nats, seconds, memory in 10^6 bytes.

    Raises:
        InputError: there are no runs, or a file is damaged.
    """
    parts = [
        pd.DataFrame(rows).apply(pd.to_numeric).assign(**training)
        for training, path in _found(Path(folder), "runs/*/*/seed-*/history.csv")
        if (rows := finished_runs.history(path))
    ]
    frame = pd.concat(parts, ignore_index=True)
    return frame[[*_TRAINING, *frame.columns.difference(_TRAINING, sort=False)]]


def evaluations(folder: Path | str) -> pd.DataFrame:
    """Test results of all evaluated runs below a folder of results.

    Returns:
        One row a run and seed: study, protocol, run, seed (text), images, selection ("last" or "best", the
        weights that the protocol reports), accuracy (percent) of these weights, and for both, with the name
        of the weights at the end, accuracy, nll (nats per image) and calibration_error (share).

    Raises:
        InputError: there are no evaluations, or one is damaged.
    """
    rows = []
    for training, one in _evaluations(Path(folder)):
        row = {"images": one.images, "selection": one.selection, "accuracy": one.accuracy().percent}
        for name, measured in one.content["weights"].items():
            row[f"accuracy_{name}"] = one.accuracy(name).percent
            row |= {f"{key}_{name}": measured.get(key) for key in ("nll", "calibration_error")}
        rows.append(training | row)
    return pd.DataFrame(rows)


def accuracies_by_resolution(folder: Path | str) -> pd.DataFrame:
    """Test accuracy of the selected weights by view of the images.

    Returns:
        Columns study, protocol, run, seed (text), view ("scale" or "crop"), resolution (pixels) and accuracy
        (percent).

    Raises:
        InputError: see `evaluations`.
    """
    return pd.DataFrame(
        training | {"view": view, "resolution": side, "accuracy": share.percent}
        for training, one in _evaluations(Path(folder))
        for view in one.content["correct_by_view"]
        for side, share in one.by_resolution(view).items()
    )


def _evaluations(folder: Path) -> Iterator[tuple[dict[str, str], Evaluation]]:
    for training, path in _found(folder, "evaluation/*/*/seed-*.json"):
        yield training, evaluation_files.read(path)


def _found(folder: Path, pattern: str) -> list[tuple[dict[str, str], Path]]:
    """The files of a pattern in a study's folder, or in those of all studies, each with its training."""
    folder = folder.resolve()
    paths = sorted({*folder.glob(pattern), *folder.glob(f"*/{pattern}")})
    if not paths:
        raise InputError(f"{folder}: there is nothing like {pattern}; name a folder of results.")
    rooms = len(Path(pattern).parts)
    named = []
    for path in paths:
        study, _, protocol, run, last = path.parts[-rooms - 1 :][:5]
        seed = Path(last).name.removesuffix(".json").removeprefix("seed-")
        named.append((dict(zip(_TRAINING, (study, protocol, run, seed), strict=True)), path))
    return named
