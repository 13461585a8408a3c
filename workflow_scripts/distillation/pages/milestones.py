"""Validation accuracies at one epoch of a training, compared with a published number."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from distillation.pages.absent import NOT_RUN
from distillation.study.contents import Milestone


def sentences(
    milestones: Sequence[Milestone],
    histories: Mapping[tuple[str, str, int], Path],
    protocols: Mapping[str, str],
) -> list[str]:
    """One sentence for each milestone whose protocol is in `protocols`.

    Args:
        milestones: what to read.
        histories: history.csv by protocol, run and seed.
        protocols: labels by id.
    """
    return [
        f"{one.run}, {protocols[one.protocol]}: validation accuracy after epoch {one.epoch} of"
        f" {one.resolution} px: published {one.published:.2f}, reproduced {_read(one, histories)}"
        for one in milestones
        if one.protocol in protocols
    ]


def _read(milestone: Milestone, histories: Mapping[tuple[str, str, int], Path]) -> str:
    own = [path for key, path in sorted(histories.items()) if key[:2] == (milestone.protocol, milestone.run)]
    if not own:
        return NOT_RUN
    values = pd.Series(
        [value for path in own if (value := accuracy(path, milestone)) is not None], dtype=float
    )
    if len(values) < len(own):
        return "not reached"
    seeds = f"{len(values)} seed{'s' * (len(values) > 1)}"
    spread = f" ± {values.std(ddof=1):.2f}" if len(values) > 1 else ""
    return f"{values.mean():.2f}{spread} ({seeds})"


def accuracy(history: Path, milestone: Milestone) -> float | None:
    """Validation accuracy in percent at the epoch of a milestone; None if there is none."""
    rows = pd.read_csv(history)
    stage = (rows["epoch"] == 1).cumsum()
    last = stage[rows["stage_px"] == milestone.resolution].max()
    found = rows.loc[(stage == last) & (rows["epoch"] == milestone.epoch), "val_acc"]
    return None if found.isna().all() else float(found.iloc[0])
