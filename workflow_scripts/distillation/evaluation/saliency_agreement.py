"""How a student's saliency maps came to agree with its teacher's, from the record of its training."""

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

_KEY = re.compile(r"stage(\d+)-(\d+)px-epoch(\d+)-correlation")


def moments(names: Iterable[str]) -> list[tuple[int, int, int]]:
    """Stage (from 1), pixels and epoch within the stage of each moment in a record, in order.

    Args:
        names: of the arrays of a saliency.npz; see `records.saliency.SaliencyRecord`.
    """
    return sorted(tuple(map(int, match.groups())) for match in map(_KEY.fullmatch, names) if match)


def of_record(path: Path, kind: str) -> dict:
    """The agreement in a saliency.npz, as plain values.

    Args:
        path: the record of a taught run.
        kind: of the maps.

    Returns:
        "kind"; "student_layers" and "teacher_layers", block indices in pairs; and "moments", each with
        "stage" (from 1), "resolution" (pixels), "epoch" (within the stage, from 1) and "correlation":
        Pearson's, over patches, mean over the recorded images, one a pair of layers.
    """
    record = np.load(path)
    correlations = {
        moment: record["stage{}-{}px-epoch{}-correlation".format(*moment)].mean(axis=1).tolist()
        for moment in moments(record)
    }
    return {
        "kind": kind,
        "student_layers": record["student_layers"].tolist(),
        "teacher_layers": record["teacher_layers"].tolist(),
        "moments": [
            {"stage": stage, "resolution": side, "epoch": epoch, "correlation": by_layer}
            for (stage, side, epoch), by_layer in correlations.items()
        ],
    }
