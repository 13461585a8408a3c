"""Everything that was measured, one row each, and the ratios between rows."""

from collections.abc import Iterable

import pandas as pd

COLUMNS = (
    "part",
    "case",
    "way",
    "precision",
    "batch",
    "steps",
    "seconds",
    "images_per_second",
    "over_notebook",
    "over_timm",
    "over_kernels",
    "over_one",
    "memory_mb",
    "floor",
)


def build(rows: Iterable[dict]) -> pd.DataFrame:
    """The frame of measured rows, ratios filled in.

    Returns:
        Columns part ("step", "views", "class map", "attention" or "processes"), case, way,
        precision, batch (images), steps (batches of a measurement), seconds (median of a measurement),
        images_per_second, over_notebook and over_timm (speed as a multiple of that of the notebooks' way and
        of timm's loop for the same case), over_kernels (of our loop in the same precision, launched kernel
        by kernel), over_one (of a single process), memory_mb (10^6 bytes above what was there before) and
        floor (the time that its matrix products would take at the measured rate, as a share of the time
        taken). What does not apply is missing.
    """
    frame = pd.DataFrame(rows).reindex(columns=COLUMNS)
    frame["over_notebook"] = _over(frame, ("notebook", "per image", "ten gradients", "whole matrix"))
    frame["over_timm"] = _over(frame, ("timm",))
    frame["over_kernels"] = _over(frame, ("ours",), "precision")
    frame["over_one"] = _over(frame, ("1 process",))
    return frame


def _over(frame: pd.DataFrame, ways: tuple[str, ...], *equal: str) -> pd.Series:
    """Each row's speed over that of the row of its case whose way is named; missing where there is none.

    That row has equal values in further columns too.
    """
    columns = ["part", "case", *equal]
    base = frame[frame["way"].isin(ways)].set_index(columns)["images_per_second"]
    keys = pd.MultiIndex.from_frame(frame[columns])
    return frame["images_per_second"] / base.reindex(keys).to_numpy()
