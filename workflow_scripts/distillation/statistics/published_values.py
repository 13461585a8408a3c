"""Read and check the numbers published in the paper and its released notebooks."""

from pathlib import Path

import pandas as pd

from distillation.statistics import published_files
from distillation.statistics.published_files import Form


def accuracies(path: Path | None) -> pd.DataFrame:
    """The columns `accuracy` (percent), `source` and `doubt` by run id; empty without a file.

    Raises:
        InputError: see `published_files.rows`.
    """
    form = published_files.ACCURACIES
    frame = pd.DataFrame(columns=list(form.columns)) if path is None else read(path, form)
    return frame.set_index("run")


def reported(path: Path | None) -> pd.DataFrame:
    """Accuracies published beside a table, in percent: columns run, quantity, value, source, doubt.

    Without a file there are none.

    Quantities: "text" and "header" (test accuracies named in them), "test" (printed), and "train_last",
    "val_last" and "val_best" (accuracies of the last epoch, and the best one, at full resolution).

    Raises:
        InputError: see `published_files.rows`.
    """
    form = published_files.REPORTED
    return pd.DataFrame(columns=list(form.columns)) if path is None else read(path, form)


def stages(path: Path) -> pd.DataFrame:
    """Best validation accuracies (percent) by run and stage.

    Columns: run, stage_px, val_acc, view ("scale" or "crop"), digitized ("yes" or "no"), source, doubt.

    Raises:
        InputError: see `published_files.rows`.
    """
    return read(path, published_files.STAGES)


def curve(path: Path) -> pd.DataFrame:
    """A curve of a released notebook: global_epoch, train_acc if it was printed, val_acc, and more.

    Raises:
        InputError: see `published_files.rows`.
    """
    return read(path, published_files.CURVE)


def read(path: Path, form: Form) -> pd.DataFrame:
    """The rows of a file of a form, with all its columns.

    Raises:
        InputError: see `published_files.rows`.
    """
    return pd.DataFrame(published_files.rows(path, form))
