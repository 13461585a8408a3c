"""All measurements, one row each, and the ratios between rows."""

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
    "memory_mb",
    "floor",
)


def build(rows: Iterable[dict]) -> pd.DataFrame:
    """The frame of measured rows, ratios filled in.

    Returns:
        Columns part ("step", "views", "class map" or "attention"), case, way, precision, batch (images),
        steps (batches of a measurement), seconds (median of a measurement), images_per_second, over_notebook
        and over_timm (speed relative to the notebooks' way and to timm's loop for the same case),
        over_kernels (relative to our loop in the same precision, launched kernel by kernel), memory_mb (10^6
        bytes added by the measurement) and floor (time of its matrix products at the measured rate, as a
        share of its time). Values that do not apply are missing.
    """
    frame = pd.DataFrame(rows).reindex(columns=COLUMNS)
    frame["over_notebook"] = _over(frame, ("notebook", "per image", "ten gradients", "whole matrix"))
    frame["over_timm"] = _over(frame, ("timm",))
    frame["over_kernels"] = _over(frame, ("ours",), "precision")
    return frame


def _over(frame: pd.DataFrame, ways: tuple[str, ...], *equal: str) -> pd.Series:
    """Speed of each row relative to the row of its case with one of `ways`; missing if there is none.

    Both rows have the same values in the columns `equal`.
    """
    columns = ["part", "case", *equal]
    base = frame[frame["way"].isin(ways)].set_index(columns)["images_per_second"]
    keys = pd.MultiIndex.from_frame(frame[columns])
    return frame["images_per_second"] / base.reindex(keys).to_numpy()
