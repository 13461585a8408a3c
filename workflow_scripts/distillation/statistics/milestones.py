"""Validation accuracies at one moment of a training, where a published number is one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd


@dataclass(frozen=True)
class Reading:
    """A moment of a run, and what was published of it.

    Attributes:
        protocol, run: ids.
        resolution: of the last stage of so many pixels.
        epoch: of that stage, from 1.
        published: validation accuracy in percent.
    """

    protocol: str
    run: str
    resolution: int
    epoch: int
    published: float


def sentences(
    readings: Sequence[Reading],
    histories: Mapping[tuple[str, str, int], Path],
    protocols: Mapping[str, str],
) -> list[str]:
    """One sentence for each reading of a protocol that is shown.

    Args:
        readings: what to read.
        histories: history.csv by protocol, run and seed.
        protocols: labels by id.
    """
    return [
        f"{reading.run}, {protocols[reading.protocol]}: validation accuracy after epoch {reading.epoch} of"
        f" {reading.resolution} px: published {reading.published:.2f}, reproduced {_read(reading, histories)}"
        for reading in readings
        if reading.protocol in protocols
    ]


def _read(reading: Reading, histories: Mapping[tuple[str, str, int], Path]) -> str:
    own = [path for key, path in sorted(histories.items()) if key[:2] == (reading.protocol, reading.run)]
    if not own:
        return "not run"
    values = pd.Series([value for path in own if (value := accuracy(path, reading)) is not None], dtype=float)
    if len(values) < len(own):
        return "not reached"
    seeds = f"{len(values)} seed{'s' * (len(values) > 1)}"
    spread = f" ± {values.std(ddof=1):.2f}" if len(values) > 1 else ""
    return f"{values.mean():.2f}{spread} ({seeds})"


def accuracy(history: Path, reading: Reading) -> float | None:
    """Validation accuracy in percent at the moment of a reading; None without such an epoch."""
    rows = pd.read_csv(history)
    stage = (rows["epoch"] == 1).cumsum()
    last = stage[rows["stage_px"] == reading.resolution].max()
    found = rows.loc[(stage == last) & (rows["epoch"] == reading.epoch), "val_acc"]
    return None if found.empty else float(found.iloc[0])
