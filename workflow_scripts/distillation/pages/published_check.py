"""Compare the first epochs of a run with its published log."""

import logging
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from distillation.core.atomic import replacing
from distillation.core.errors import UserError
from distillation.pages import documents
from distillation.pages.documents import Document, Section

_LOG = logging.getLogger(__name__)


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


def document(frame: pd.DataFrame, title: str, note: str) -> Document:
    """The comparison as a document, with a verdict for each value."""
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
    return Document(title, note, [Section("Reproduced beside published", text, caption)])


def write(
    checks: Mapping[str, Mapping],
    histories: Mapping[str, Path],
    published: Mapping[str, Path],
    title: str,
    note: str,
    files: Mapping[str, Path],
) -> None:
    """Write the comparison as files "csv", "md", "tex" and "html", and log it.

    Args:
        checks: by run, `tolerances` of train_acc and val_acc, or of best_val_acc.
        histories: history.csv by run.
        published: csv by run; see `of_curve` and `of_stages`.
        title: heading of the document.
        note: printed below the title; may be empty.
        files: output paths by format.
    """
    parts = []
    for run, check in checks.items():
        history, known = pd.read_csv(histories[run]), pd.read_csv(published[run])
        tolerances = check["tolerances"]
        if "best_val_acc" in tolerances:
            parts.append(of_stages(run, history, known, tolerances["best_val_acc"]))
        else:
            parts.append(of_curve(run, history, known, tolerances))
    frame = pd.concat(parts, ignore_index=True)
    with replacing(files["csv"]) as temporary:
        frame.to_csv(temporary, index=False, float_format="%.4f")
    page = document(frame, title, note)
    documents.write(page, files["md"], files["tex"], files["html"])
    _LOG.info("\n%s", documents.markdown(page))
