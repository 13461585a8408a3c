"""Tables of accuracies, published beside reproduced."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from irkd import documents
from irkd.atomic import replacing
from irkd.documents import Document, Section

NOT_RUN = "not run"


@dataclass(frozen=True)
class Layout:
    """What a table shows: one run id for each row and column."""

    title: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]


def published_values(path: Path | None) -> pd.DataFrame:
    """The columns `accuracy` (percent) and `doubt` by run id; empty without a file."""
    if path is None:
        return pd.DataFrame(columns=["accuracy", "doubt"])
    return pd.read_csv(path, index_col="run", keep_default_na=False, dtype={"doubt": str, "accuracy": float})


def cells(
    layout: Layout,
    protocols: Mapping[str, str],
    evaluations: Mapping[tuple[str, str, int], Path],
    published: pd.DataFrame,
) -> pd.DataFrame:
    """One row for each cell and protocol.

    Args:
        layout: rows, columns and runs of the table.
        protocols: labels by protocol id.
        evaluations: JSON files by (protocol, run, seed).
        published: see `published_values`.

    Returns:
        Columns protocol, row, column, run, published, doubt, status ("run" or "not run"), seeds,
        mean, std (sample standard deviation over seeds, empty for a single one), min, max,
        test_images, selection, accuracies (one a seed). Accuracies are percentages.
    """
    results = {key: json.loads(path.read_text()) for key, path in evaluations.items()}
    records = []
    for protocol in protocols:
        for label, runs in layout.rows:
            for column, run in zip(layout.columns, runs, strict=True):
                own = {key[2]: value for key, value in sorted(results.items()) if key[:2] == (protocol, run)}
                place = {"protocol": protocol, "row": label, "column": column, "run": run}
                records.append(place | _published(run, published) | _reproduced(own))
    return pd.DataFrame.from_records(records)


def _published(run: str, published: pd.DataFrame) -> dict:
    if run not in published.index:
        return {"published": None, "doubt": ""}
    return {"published": published.at[run, "accuracy"], "doubt": published.at[run, "doubt"]}


def _reproduced(results: Mapping[int, dict]) -> dict:
    accuracies = pd.Series({seed: result["accuracy"] for seed, result in results.items()}, dtype=float)
    any_result = next(iter(results.values()), {})
    return {
        "status": "run" if results else NOT_RUN,
        "seeds": " ".join(map(str, results)),
        "mean": accuracies.mean(),
        "std": accuracies.std(ddof=1),
        "min": accuracies.min(),
        "max": accuracies.max(),
        "test_images": any_result.get("images"),
        "selection": any_result.get("selection"),
        "accuracies": " ".join(f"{value:.2f}" for value in accuracies),
    }


def document(layout: Layout, frame: pd.DataFrame, protocols: Mapping[str, str], note: str) -> Document:
    """The table for a reader: each cell "published / mean ± spread", and what the numbers are."""
    sections = []
    for protocol, label in protocols.items():
        own = frame[frame["protocol"] == protocol]
        text = own.assign(text=own.apply(_cell, axis=1)).pivot(index="row", columns="column", values="text")
        text = text.loc[[row for row, _ in layout.rows], list(layout.columns)].rename_axis(
            index=None, columns=None
        )
        sections.append(Section(f"Protocol: {label} (published / reproduced)", text, _caption(own)))
    doubts = frame[frame["doubt"] != ""].drop_duplicates("run")
    remarks = [f"published {row.run}, {row.published:.2f}: {row.doubt}" for row in doubts.itertuples()]
    return Document(layout.title, note, sections, remarks)


def _cell(row: pd.Series) -> str:
    published = "-" if pd.isna(row["published"]) else f"{row['published']:.2f}"
    if row["status"] == NOT_RUN:
        return f"{published} / {NOT_RUN}"
    spread = "" if pd.isna(row["std"]) else f" ± {row['std']:.2f}"
    return f"{published} / {row['mean']:.2f}{spread}"


def _caption(frame: pd.DataFrame) -> str:
    run = frame[frame["status"] != NOT_RUN]
    if run.empty:
        return "Nothing of this protocol was run."
    seeds = {f"{len(seeds.split())} seed{'s' * (len(seeds.split()) > 1)}" for seeds in run["seeds"]}
    weights = {"best": "best validation accuracy in the last stage", "last": "last epoch"}
    chosen = " or ".join(sorted(weights[name] for name in set(run["selection"])))
    images = " or ".join(f"{int(count):,}" for count in sorted(set(run["test_images"])))
    return (
        f"Mean ± sample standard deviation over seeds ({', '.join(sorted(seeds))}; no ± for a single seed),"
        f" {images} test images, weights of the {chosen}."
    )


def write(
    layout: Layout,
    protocols: Mapping[str, str],
    evaluations: Mapping[tuple[str, str, int], Path],
    published: Path | None,
    note: str,
    files: Mapping[str, Path],
) -> None:
    """Write a table as files "csv", "md", "tex" and "html", all from the same cells."""
    frame = cells(layout, protocols, evaluations, published_values(published))
    with replacing(files["csv"]) as temporary:
        frame.assign(note=note).to_csv(temporary, index=False, float_format="%.4f")
    documents.write(document(layout, frame, protocols, note), files["md"], files["tex"], files["html"])
