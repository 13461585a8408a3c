"""Compare the first epochs of a run with its published log."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from distillation.core import finished_runs
from distillation.core.errors import UserError
from distillation.pages.documents import Document, Section
from distillation.statistics import published_files, published_values
from distillation.study.contents import ChecksPage, Key


def comparison(
    page: ChecksPage, histories: Mapping[Key, Path], published: Mapping[Key, Path]
) -> pd.DataFrame:
    """Every run beside its published values: by epoch, or the best of each stage; see the functions below.

    Args:
        page: the runs and their tolerances.
        histories: history.csv by protocol, run and seed.
        published: csv by protocol, run and seed; see `of_curve` and `of_stages`.

    Raises:
        UserError: a file of published values is malformed, or lacks a value.
    """
    parts = []
    for key in page.runs:
        run, tolerances = key[1], page.checks[key[1]]["tolerances"]
        history = pd.DataFrame(finished_runs.history(histories[key])).apply(pd.to_numeric)
        known = published_values.read(published[key], published_files.of_check(tolerances))
        if published_files.BEST_OF_STAGES in tolerances:
            parts.append(of_stages(run, history, known, tolerances[published_files.BEST_OF_STAGES]))
        else:
            parts.append(of_curve(run, history, known, tolerances))
    return pd.concat(parts, ignore_index=True)


def of_curve(run: str, history: pd.DataFrame, published: pd.DataFrame, tolerances: Mapping) -> pd.DataFrame:
    """Every epoch of a history beside the published one.

    Args:
        run: id of the run.
        history: history.csv.
        published: columns global_epoch and the measures.
        tolerances: by measure (train_acc, val_acc), largest absolute difference in percentage points.

    Returns:
        Columns run, what, reproduced, published, difference, tolerance (percentage points), follows.

    Raises:
        UserError: there is no published value for an epoch.
    """
    known = published.set_index("global_epoch")
    rows = []
    for epoch in history.to_dict("records"):
        number = epoch["global_epoch"]
        if number not in known.index:
            raise UserError(
                f"{run}: there is no published value for epoch {number}; train fewer epochs to compare."
            )
        for measure, tolerance in tolerances.items():
            what = f"{measure} of epoch {number}"
            rows.append((run, what, epoch[measure], known.at[number, measure], tolerance))
    return _frame(rows)


def of_stages(run: str, history: pd.DataFrame, published: pd.DataFrame, tolerance: float) -> pd.DataFrame:
    """The best validation accuracy of every stage beside the published one.

    Args:
        run: id of the run.
        history: history.csv.
        published: columns run, stage_px and val_acc.
        tolerance: largest absolute difference in percentage points.

    Returns:
        As `of_curve`.

    Raises:
        UserError: there is no published value for a stage.
    """
    known = published[published["run"] == run].set_index("stage_px")["val_acc"]
    rows = []
    for side, best in history.groupby("stage_px", sort=False)["val_acc"].max().items():
        if side not in known.index:
            raise UserError(
                f"{run}: there is no published value for its stage of {side} px; train without that stage."
            )
        rows.append((run, f"best val_acc of {side} px", best, known[side], tolerance))
    return _frame(rows)


def _frame(rows: list[tuple]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["run", "what", "reproduced", "published", "tolerance"])
    frame["difference"] = frame["reproduced"] - frame["published"]
    frame["follows"] = frame["difference"].abs() <= frame["tolerance"]
    return frame


def section(frame: pd.DataFrame) -> Section:
    """The comparison with a verdict for each value; `frame` is that of `comparison`."""
    text = pd.DataFrame(
        {
            "reproduced": frame["reproduced"].map("{:.2f}".format),
            "published": frame["published"].map("{:.2f}".format),
            "difference": frame["difference"].map("{:+.2f}".format),
            "tolerance": frame["tolerance"].map("{:g}".format),
            "verdict": frame["follows"].map({True: "follows", False: "does not follow"}),
        }
    )
    text.index = frame["run"] + ", " + frame["what"]
    caption = f"{frame['follows'].sum()} of {len(frame)} values follow; percentages and percentage points."
    return Section("Reproduced beside published", text, caption)


def document(page: ChecksPage, frame: pd.DataFrame) -> Document:
    """The comparison as a document; `frame` is that of `comparison`."""
    return Document(page.title, page.note, [section(frame)])
