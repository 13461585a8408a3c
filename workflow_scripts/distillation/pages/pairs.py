"""Differences in accuracy between two runs, paired over seeds."""

from collections.abc import Mapping
from pathlib import Path
from statistics import fmean

import pandas as pd

from distillation.pages.absent import NOT_RUN
from distillation.pages.documents import Document, Section
from distillation.pages.tables import RUN
from distillation.statistics import pairing
from distillation.statistics.estimates import estimate
from distillation.statistics.evaluations import Evaluation, of_run, read_all
from distillation.statistics.quantities import Contrast, Share
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study.contents import Compared, Key, Pair, PairsPage

_PAIRED = (
    *("status", "seeds", "first", "second", "mean", "std", "low", "high", "interval", "smallest"),
    "differences",
)

_CAPTION = (
    "Test accuracies (%) and their difference (points), means over the seeds that both runs have, and the"
    " 95 % interval of the difference: Student's t over seeds (and teachers, if there are several) or, for a"
    " single seed, the binomial interval of the test images. The smallest difference is half the width of the"
    " interval: these trainings cannot detect less; a dash: equal in all seeds, which leaves no interval, or"
    " not every seed with every teacher. {fixed}"
)


def differences(page: PairsPage, evaluations: Mapping[Key, Path], published: pd.DataFrame) -> pd.DataFrame:
    """One row for each pair.

    Args:
        page: the pairs.
        evaluations: JSON files by protocol, run and seed.
        published: see `published_values.accuracies`.

    Returns:
        Columns section, pair (its label), protocol, run, against_protocol, against, published (difference),
        status (see `tables.cells`), seeds (those of both), first, second (mean accuracies over these,
        percent), mean, std, low and high (the 95 % interval of the mean), interval (its method; see
        `estimates.estimate`), smallest (half its width), differences (one per seed). Differences are
        percentage points.
    """
    results = read_all(evaluations)
    known = published["accuracy"]
    records = []
    for pair in page.pairs:
        record = {
            "section": pair.section,
            "pair": pair.label,
            "protocol": pair.first.protocol,
            "run": pair.first.run,
            "against_protocol": pair.second.protocol,
            "against": pair.second.run,
            "published": _published(pair, known),
            "status": _why_absent(page, pair),
        }
        records.append(record | _paired(results, pair))
    return pd.DataFrame.from_records(records)


def _published(pair: Pair, known: pd.Series) -> float | None:
    if pair.printed is None or not set(pair.printed) <= set(known.index):
        return None
    return known[pair.printed[0]] - known[pair.printed[1]]


def _why_absent(page: PairsPage, pair: Pair) -> str:
    reasons = (page.why_absent(one.protocol, one.run) for one in (pair.first, pair.second))
    return next(filter(None, reasons), NOT_RUN)


def _accuracies(results: Mapping[Key, Evaluation], one: Compared) -> dict[TrainingSeed, Share]:
    tests = of_run(results, one.protocol, one.run)
    return {seed: test.accuracy(one.selection) for seed, test in tests.items()}


def _paired(results: Mapping[Key, Evaluation], pair: Pair) -> dict:
    sides = {"first": pair.first, "second": pair.second}
    accuracies = {name: _accuracies(results, one) for name, one in sides.items()}
    shared = pairing.shared(accuracies, {name for name, one in sides.items() if one.is_taught})
    if not shared:
        return dict.fromkeys(_PAIRED[1:]) | {"seeds": "", "differences": ""}
    first, second = ({seed: accuracies[name][own[name]] for seed, own in shared.items()} for name in sides)
    found = estimate({seed: Contrast(((1.0, first[seed]), (-1.0, second[seed]))) for seed in shared})
    values = (
        RUN,
        " ".join(map(str, found.values)),
        fmean(one.percent for one in first.values()),
        fmean(one.percent for one in second.values()),
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
    for section, rows in frame.groupby("section", sort=False):
        table = pd.DataFrame([_cells(row) for _, row in rows.iterrows()], index=list(rows["pair"]))
        if page.published is None:
            table = table.drop(columns="published")
        sections.append(Section(section, table, _CAPTION.format(fixed=page.taken_as_fixed)))
    return Document(page.title, page.note, sections, [page.remark] if page.remark else [])


def _cells(row: pd.Series) -> dict[str, str]:
    cells = {"published": "-" if pd.isna(row["published"]) else f"{row['published']:+.2f}"}
    if row["status"] != RUN:
        absent = dict.fromkeys(("95 % interval", "smallest difference", "accuracies", "seeds"), "-")
        return cells | {"difference": row["status"]} | absent
    return cells | {
        "difference": f"{row['mean']:+.2f}",
        "95 % interval": "-" if pd.isna(row["low"]) else f"[{row['low']:+.2f}, {row['high']:+.2f}]",
        "smallest difference": "-" if pd.isna(row["low"]) else f"{row['smallest']:.2f}",
        "accuracies": f"{row['first']:.2f}, {row['second']:.2f}",
        "seeds": row["seeds"],
    }
