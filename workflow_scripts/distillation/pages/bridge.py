"""What each switch between two protocols is worth: one turned at a time, the same seeds on both sides."""

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from distillation.core.atomic import replacing
from distillation.pages import documents
from distillation.pages.documents import Document, Section
from distillation.statistics import intervals

Evaluations = Mapping[tuple[str, str, int], Path]
NOT_RUN = "not run"


@dataclass(frozen=True)
class Switch:
    """One switch, and the runs that it changes.

    Attributes:
        label: what is turned.
        protocol: where it is turned; the base itself where only the tested weights differ.
        selection: weights that are tested, "last" or "best"; None for those of the protocol.
        runs: ids.
    """

    label: str
    protocol: str
    selection: str | None
    runs: Sequence[str]


def worth(base: str, switches: Sequence[Switch], evaluations: Evaluations) -> pd.DataFrame:
    """One row for each switch and run: the accuracy with the switch turned minus that without.

    Args:
        base: protocol in which no switch is turned.
        switches: in order.
        evaluations: JSON files by protocol, run and seed.

    Returns:
        Columns switch, protocol, run, status ("run" or "not run"), seeds (those that both sides have),
        without, turned (mean accuracies, percent), difference, low, high (its mean and 95 % interval,
        percentage points), interval ("t over seeds" or "binomial"), differences (one a seed).
    """
    results = {key: json.loads(path.read_text()) for key, path in sorted(evaluations.items())}
    rows = []
    for switch in switches:
        for run in switch.runs:
            place = {"switch": switch.label, "protocol": switch.protocol, "run": run}
            rows.append(place | _row(list(_pairs(base, switch, run, results))))
    return pd.DataFrame(rows)


def _pairs(base: str, switch: Switch, run: str, results: Mapping) -> Iterator[tuple[int, float, float, int]]:
    """Seed, accuracies without and with the switch, and number of test images."""
    for (protocol, other, seed), without in results.items():
        turned = results.get((switch.protocol, run, seed))
        if (protocol, other) == (base, run) and turned is not None:
            accuracy = turned["accuracy"]
            if switch.selection:
                accuracy = turned["weights"][switch.selection]["accuracy"]
            yield seed, without["accuracy"], accuracy, without["images"]


def _row(pairs: Sequence[tuple[int, float, float, int]]) -> dict:
    if not pairs:
        return {"status": NOT_RUN, "seeds": ""}
    seeds, without, turned, images = zip(*pairs, strict=True)
    differences = [one - other for one, other in zip(turned, without, strict=True)]
    if len(pairs) > 1:
        (low, high), interval = intervals.over_seeds(differences), "t over seeds"
    else:
        counts = [
            (weight, round(accuracy * images[0] / 100), images[0])
            for weight, accuracy in ((1.0, turned[0]), (-1.0, without[0]))
        ]
        (low, high), interval = (100.0 * end for end in intervals.of_contrast(counts)), "binomial"
    return {
        "status": "run",
        "seeds": " ".join(map(str, seeds)),
        "without": statistics.fmean(without),
        "turned": statistics.fmean(turned),
        "difference": statistics.fmean(differences),
        "low": low,
        "high": high,
        "interval": interval,
        "differences": " ".join(f"{value:+.2f}" for value in differences),
    }


def document(title: str, frame: pd.DataFrame, labels: Mapping[str, str], note: str) -> Document:
    """The table for a reader.

    Args:
        title: above it.
        frame: see `worth`.
        labels: of the runs, by id.
        note: below the title; may be empty.
    """
    table = pd.DataFrame([_cells(row) for _, row in frame.iterrows()])
    table.index = [f"{row.switch}: {labels[row.run]}" for row in frame.itertuples()]
    caption = (
        "Test accuracy (%), mean over seeds, and the difference in percentage points with its 95 % interval:"
        " Student's t over the seeds of both sides or, for a single seed, the binomial interval of the test"
        " images."
    )
    return Document(title, note, [Section("One switch turned at a time", table, caption)])


def _cells(row: pd.Series) -> dict[str, str]:
    if row["status"] == NOT_RUN:
        return {"without": "-", "turned": "-", "difference": NOT_RUN, "95 % interval": "-", "seeds": "-"}
    return {
        "without": f"{row['without']:.2f}",
        "turned": f"{row['turned']:.2f}",
        "difference": f"{row['difference']:+.2f}",
        "95 % interval": f"[{row['low']:+.2f}, {row['high']:+.2f}]",
        "seeds": row["seeds"],
    }


def write(
    title: str,
    base: str,
    switches: Sequence[Switch],
    evaluations: Evaluations,
    labels: Mapping[str, str],
    note: str,
    files: Mapping[str, Path],
) -> None:
    """Write the table as files "csv", "md", "tex" and "html"."""
    frame = worth(base, switches, evaluations)
    with replacing(files["csv"]) as temporary:
        frame.assign(note=note).to_csv(temporary, index=False, float_format="%.4f")
    documents.write(document(title, frame, labels, note), files["md"], files["tex"], files["html"])
