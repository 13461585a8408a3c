"""Tables of published and reproduced accuracies."""

from collections.abc import Mapping
from pathlib import Path
from statistics import fmean

import pandas as pd

from distillation.pages import documents
from distillation.pages.absent import NOT_RUN
from distillation.pages.documents import Document, Section
from distillation.statistics.estimates import estimate
from distillation.statistics.evaluations import Evaluation, of_run, read_all
from distillation.statistics.quantities import Contrast
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study.contents import Key, TablePage

RUN = "run"
_REPRODUCED = (
    *("seeds", "mean", "std", "min", "max", "low", "high", "interval", "test_images", "selection"),
    *("accuracies", "best_of_an_epoch"),
)


def cells(page: TablePage, evaluations: Mapping[Key, Path], published: pd.DataFrame) -> pd.DataFrame:
    """One row for each cell and protocol.

    Args:
        page: what the table shows.
        evaluations: JSON files by (protocol, run, seed).
        published: see `published_values.accuracies`; a cell uses the run in the layout's rows, never the
            one shown instead.

    Returns:
        Columns protocol, row, column, run, published_run, published, doubt, status ("run", "not run" or why
        not), seeds, mean, std (sample standard deviation over seeds, empty for a single one), min, max, low
        and high (the 95 % interval of the mean), interval (its method; see `estimates.estimate`),
        test_images, selection, accuracies (one per seed), best_of_an_epoch (mean of the best test accuracies
        of an epoch, empty if epochs were not tested). Accuracies are percentages.
    """
    results = read_all(evaluations)
    records = []
    for protocol in page.protocols:
        for label, runs in page.layout.in_protocol(protocol).items():
            choices = dict(page.layout.rows)[label]
            for column, run, choice in zip(page.layout.columns, runs, choices, strict=True):
                own = of_run(results, protocol, run)
                place = {"protocol": protocol, "row": label, "column": column, "run": run}
                status = RUN if own else page.why_absent(protocol, run) or NOT_RUN
                records.append(place | _published(choice, published) | {"status": status} | _reproduced(own))
    return pd.DataFrame.from_records(records)


def _published(run: str, published: pd.DataFrame) -> dict:
    if run not in published.index:
        return {"published_run": run, "published": None, "doubt": ""}
    accuracy, doubt = published.loc[run, ["accuracy", "doubt"]]
    return {"published_run": run, "published": accuracy, "doubt": doubt}


def _reproduced(results: Mapping[TrainingSeed, Evaluation]) -> dict:
    if not results:
        return dict.fromkeys(_REPRODUCED) | {"seeds": "", "accuracies": ""}
    found = estimate({seed: Contrast(((1.0, result.accuracy()),)) for seed, result in results.items()})
    any_result = next(iter(results.values()))
    tested = [result.best_of_an_epoch() for result in results.values()]
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
        fmean(best.percent for best in tested) if all(tested) else None,
    )
    return dict(zip(_REPRODUCED, values, strict=True))


def document(page: TablePage, frame: pd.DataFrame) -> Document:
    """The table as a document: each cell "published / mean ± spread", a caption, and remarks.

    A single seed has no spread; its interval is in brackets.

    Args:
        page: what the table shows; its remarks follow those about published values.
        frame: see `cells`.
    """
    sections = []
    for protocol, label in page.protocols.items():
        own = frame[frame["protocol"] == protocol]
        text = own.assign(text=own.apply(_cell, axis=1)).pivot(index="row", columns="column", values="text")
        possible = own[own["status"].isin((RUN, NOT_RUN))]["row"].unique()
        text = text.loc[[row for row, _ in page.layout.rows if row in possible], list(page.layout.columns)]
        caption = caption_of(own) + _best_tests(own) + _left_out(own[~own["row"].isin(possible)])
        text = text.rename_axis(index=None, columns=None)
        sections.append(Section(f"Protocol: {label} (published / reproduced)", text, caption))
    doubts = frame[frame["doubt"] != ""].drop_duplicates(["published", "doubt"])
    remarks = [
        f"published {row.published_run}, {row.published:.2f}: {row.doubt}" for row in doubts.itertuples()
    ]
    return Document(page.heading, page.note, sections, [*remarks, *page.remarks])


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
    seeds = [list(map(TrainingSeed.parse, text.split())) for text in run["seeds"]]
    counts = {(len({seed.teacher for seed in own}), len(own)) for own in seeds}
    alone = [str(count) for teachers, count in sorted(counts) if teachers == 1 and count > 1]
    several = [f"{' or '.join(alone)} seeds"] if alone else []
    several += [
        f"{count} trainings with {teachers} teachers" for teachers, count in sorted(counts) if teachers > 1
    ]
    kinds = [f"mean ± sample standard deviation over {' or '.join(several)}"] if several else []
    if (1, 1) in counts:
        kinds.append("a single seed with its binomial 95 % interval (Wilson) in brackets")
    spread = " or ".join(kinds)
    weights = {"best": "best validation accuracy in the last stage", "last": "last epoch"}
    chosen = " or ".join(sorted(weights[name] for name in set(run["selection"])))
    images = " or ".join(f"{int(count):,}" for count in sorted(set(run["test_images"])))
    return f"{spread[0].upper()}{spread[1:]}, {images} test images, weights of the {chosen}."


def _best_tests(frame: pd.DataFrame) -> str:
    """The best test accuracies of an epoch, in one sentence; empty if there are none."""
    tested = frame[frame["best_of_an_epoch"].notna()]
    if tested.empty:
        return ""
    found = ", ".join(f"{row.row} {row.best_of_an_epoch:.2f}" for row in tested.itertuples())
    return f" Best test accuracy of an epoch, chosen on the test set and therefore not in the table: {found}."


def _left_out(frame: pd.DataFrame) -> str:
    """Rows without any run in the protocol, in one sentence per reason."""
    reasons = frame.groupby("status", sort=True)["row"].unique()
    return "".join(
        f" {reason[:1].upper()}{reason[1:]}: {', '.join(rows)}." for reason, rows in reasons.items()
    )
