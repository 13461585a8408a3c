"""Differences in accuracy between rows of a table, paired over seeds."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from distillation.pages.absent import NOT_RUN
from distillation.pages.documents import Document, Section
from distillation.pages.tables import RUN
from distillation.statistics.estimates import estimate
from distillation.statistics.evaluations import Evaluation, of_run, read_all
from distillation.statistics.quantities import paired
from distillation.study.contents import Key, PairsPage

_PAIRED = ("status", "seeds", "mean", "std", "low", "high", "interval", "smallest", "differences")

_CAPTION = (
    "Mean difference over the seeds that both runs have, and its 95 % interval: Student's t over seeds or,"
    " for a single seed, the binomial interval of the test images. The smallest difference is half the width"
    " of the interval: these seeds cannot detect less. The test images, and the one teacher of all"
    " seeds, are taken as fixed."
)


def differences(page: PairsPage, evaluations: Mapping[Key, Path], published: pd.DataFrame) -> pd.DataFrame:
    """One row for each protocol, pair of rows and column of a table.

    Args:
        page: the pairs.
        evaluations: JSON files by protocol, run and seed.
        published: see `published_values.accuracies`; a pair uses the runs in the layout's rows, never those
            shown instead.

    Returns:
        Columns protocol, row, minus, column, run, against, published, status (see `tables.cells`), seeds
        (those of both), mean, std, low and high (the 95 % interval of the mean), interval (its method;
        see `estimates.estimate`), smallest (half its width), differences (one per seed). Numbers are
        percentage points.
    """
    results = read_all(evaluations)
    choices = dict(page.layout.rows)
    known = published["accuracy"]
    records = []
    for protocol in page.protocols:
        runs = page.layout.in_protocol(protocol)
        for first, second in page.pairs:
            for index, column in enumerate(page.layout.columns):
                one, other = runs[first][index], runs[second][index]
                place = {"protocol": protocol, "row": first, "minus": second, "column": column}
                printed = [choices[row][index] for row in (first, second)]
                both = all(run in known.index for run in printed)
                named = {
                    "run": one,
                    "against": other,
                    "published": known[printed[0]] - known[printed[1]] if both else None,
                    "status": page.why_absent(protocol, one) or page.why_absent(protocol, other) or NOT_RUN,
                }
                pair = _paired(of_run(results, protocol, one), of_run(results, protocol, other))
                records.append(place | named | pair)
    return pd.DataFrame.from_records(records)


def _paired(one: Mapping[int, Evaluation], other: Mapping[int, Evaluation]) -> dict:
    differences = paired(
        {seed: test.accuracy() for seed, test in one.items()},
        {seed: test.accuracy() for seed, test in other.items()},
    )
    if not differences:
        return dict.fromkeys(_PAIRED[1:]) | {"seeds": "", "differences": ""}
    found = estimate(differences)
    values = (
        RUN,
        " ".join(map(str, found.values)),
        found.mean,
        found.std,
        found.low,
        found.high,
        found.method,
        found.smallest,
        " ".join(f"{value:+.2f}" for value in found.values.values()),
    )
    return dict(zip(_PAIRED, values, strict=True))


def document(page: PairsPage, frame: pd.DataFrame) -> Document:
    """The differences as a document; `frame` is that of `differences`."""
    sections = []
    for protocol, label in page.protocols.items():
        own = frame[frame["protocol"] == protocol]
        table = pd.DataFrame([_cells(row) for _, row in own.iterrows()])
        table.index = [f"{row.row} minus {row.minus}, {row.column}" for row in own.itertuples()]
        sections.append(Section(f"Protocol: {label}", table, _CAPTION))
    return Document(page.title, page.note, sections)


def _cells(row: pd.Series) -> dict[str, str]:
    cells = {"published": "-" if pd.isna(row["published"]) else f"{row['published']:+.2f}"}
    if row["status"] != RUN:
        return cells | {
            "difference": row["status"],
            "95 % interval": "-",
            "smallest difference": "-",
            "seeds": "-",
        }
    return cells | {
        "difference": f"{row['mean']:+.2f}",
        "95 % interval": f"[{row['low']:+.2f}, {row['high']:+.2f}]",
        "smallest difference": f"{row['smallest']:.2f}",
        "seeds": row["seeds"],
    }
