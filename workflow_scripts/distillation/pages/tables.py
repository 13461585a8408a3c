"""Tables of published and reproduced accuracies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from distillation.core.atomic import replacing
from distillation.pages import documents
from distillation.pages.absent import NOT_RUN, NOTHING_ABSENT, Absent
from distillation.pages.documents import Document, Section
from distillation.statistics import published_values
from distillation.statistics.estimates import estimate
from distillation.statistics.evaluations import Evaluation, of_run, read_all
from distillation.statistics.quantities import Contrast

RUN = "run"
_REPRODUCED = (
    *("seeds", "mean", "std", "min", "max", "low", "high", "interval", "test_images", "selection"),
    "accuracies",
)


@dataclass(frozen=True)
class TableLayout:
    """The runs that a table shows: one run id for each row and column.

    Attributes:
        title: heading of the table.
        columns: headings of the columns.
        rows: heading and run ids of each row.
        instead: by protocol and heading of a row, the ids of the runs that this protocol has in that row.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]
    instead: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)


def cells(
    layout: TableLayout,
    protocols: Mapping[str, str],
    evaluations: Mapping[tuple[str, str, int], Path],
    published: pd.DataFrame,
    absent: Absent = NOTHING_ABSENT,
) -> pd.DataFrame:
    """One row for each cell and protocol.

    Args:
        layout: rows, columns and runs of the table.
        protocols: labels by protocol id.
        evaluations: JSON files by (protocol, run, seed).
        published: see `published_values.accuracies`; a cell uses the run in `layout.rows`, never `instead`.
        absent: runs that a protocol does not have, and the status shown for them.

    Returns:
        Columns protocol, row, column, run, published, doubt, status ("run", "not run" or why not), seeds,
        mean, std (sample standard deviation over seeds, empty for a single one), min, max, low and
        high (the 95 % interval of the mean), interval (its method; see `estimates.estimate`),
        test_images, selection, accuracies (one per seed). Accuracies are percentages.
    """
    results = read_all(evaluations)
    records = []
    for protocol in protocols:
        for label, choices in layout.rows:
            runs = layout.instead.get(protocol, {}).get(label, choices)
            for column, run, choice in zip(layout.columns, runs, choices, strict=True):
                own = of_run(results, protocol, run)
                place = {"protocol": protocol, "row": label, "column": column, "run": run}
                status = RUN if own else absent.get(protocol, {}).get(run, NOT_RUN)
                records.append(place | _published(choice, published) | {"status": status} | _reproduced(own))
    return pd.DataFrame.from_records(records)


def _published(run: str, published: pd.DataFrame) -> dict:
    if run not in published.index:
        return {"published": None, "doubt": ""}
    return {"published": published.at[run, "accuracy"], "doubt": published.at[run, "doubt"]}


def _reproduced(results: Mapping[int, Evaluation]) -> dict:
    if not results:
        return dict.fromkeys(_REPRODUCED) | {"seeds": "", "accuracies": ""}
    found = estimate({seed: Contrast(((1.0, result.accuracy()),)) for seed, result in results.items()})
    any_result = next(iter(results.values()))
    values = (
        " ".join(map(str, results)),
        found.mean,
        found.std,
        min(found.values.values()),
        max(found.values.values()),
        found.low,
        found.high,
        found.method,
        any_result.images,
        any_result.selection,
        " ".join(f"{value:.2f}" for value in found.values.values()),
    )
    return dict(zip(_REPRODUCED, values, strict=True))


def document(
    layout: TableLayout,
    frame: pd.DataFrame,
    protocols: Mapping[str, str],
    note: str,
    further: Sequence[str] = (),
) -> Document:
    """The table as a document: each cell "published / mean ± spread", a caption, and remarks.

    A single seed has no spread; its interval is in brackets. `further` remarks follow those about
    published values.
    """
    sections = []
    for protocol, label in protocols.items():
        own = frame[frame["protocol"] == protocol]
        text = own.assign(text=own.apply(_cell, axis=1)).pivot(index="row", columns="column", values="text")
        possible = own[own["status"].isin((RUN, NOT_RUN))]["row"].unique()
        text = text.loc[[row for row, _ in layout.rows if row in possible], list(layout.columns)]
        caption = caption_of(own) + _left_out(own[~own["row"].isin(possible)])
        text = text.rename_axis(index=None, columns=None)
        sections.append(Section(f"Protocol: {label} (published / reproduced)", text, caption))
    doubts = frame[frame["doubt"] != ""].drop_duplicates(["published", "doubt"])
    remarks = [f"published {row.run}, {row.published:.2f}: {row.doubt}" for row in doubts.itertuples()]
    return Document(layout.title, note, sections, [*remarks, *further])


def _cell(row: pd.Series) -> str:
    return f"{published_text(row)} / {reproduced_text(row)}"


def published_text(cell: pd.Series) -> str:
    """The published accuracy of a row of `cells`, or "-" if there is none."""
    return "-" if pd.isna(cell["published"]) else f"{cell['published']:.2f}"


def reproduced_text(cell: pd.Series) -> str:
    """The result in a row of `cells`: mean ± standard deviation, for one seed the interval; or its status."""
    if cell["status"] != RUN:
        return cell["status"]
    alone = pd.isna(cell["std"])
    spread = f" [{cell['low']:.2f}, {cell['high']:.2f}]" if alone else f" ± {cell['std']:.2f}"
    return f"{cell['mean']:.2f}{spread}"


def caption_of(frame: pd.DataFrame) -> str:
    """What the numbers of one protocol in `cells` are: their spread, seeds, test images and weights."""
    run = frame[frame["status"] == RUN]
    if run.empty:
        return documents.NOTHING_RUN
    seeds = {f"{len(seeds.split())} seed{'s' * (len(seeds.split()) > 1)}" for seeds in run["seeds"]}
    weights = {"best": "best validation accuracy in the last stage", "last": "last epoch"}
    chosen = " or ".join(sorted(weights[name] for name in set(run["selection"])))
    images = " or ".join(f"{int(count):,}" for count in sorted(set(run["test_images"])))
    return (
        f"Mean ± sample standard deviation over seeds ({', '.join(sorted(seeds))}; for a single seed the"
        f" binomial 95 % interval (Wilson) in brackets), {images} test images, weights of the {chosen}."
    )


def _left_out(frame: pd.DataFrame) -> str:
    """Rows without any run in the protocol, in one sentence per reason."""
    reasons = frame.groupby("status", sort=True)["row"].unique()
    return "".join(
        f" {reason[:1].upper()}{reason[1:]}: {', '.join(rows)}." for reason, rows in reasons.items()
    )


def write(
    layout: TableLayout,
    protocols: Mapping[str, str],
    evaluations: Mapping[tuple[str, str, int], Path],
    published: Path | None,
    note: str,
    files: Mapping[str, Path],
    absent: Absent = NOTHING_ABSENT,
    further: Sequence[str] = (),
) -> None:
    """Write a table as files "csv", "md", "tex" and "html"."""
    frame = cells(layout, protocols, evaluations, published_values.accuracies(published), absent)
    with replacing(files["csv"]) as temporary:
        frame.assign(note=note).to_csv(temporary, index=False, float_format="%.4f")
    documents.write(
        document(layout, frame, protocols, note, further), files["md"], files["tex"], files["html"]
    )
