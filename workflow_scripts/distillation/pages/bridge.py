"""The effect of each switch between two protocols: one changed at a time, paired over the same seeds."""

from collections.abc import Mapping
from pathlib import Path
from statistics import fmean

import pandas as pd

from distillation.pages.absent import NOT_RUN
from distillation.pages.documents import Document, Section
from distillation.statistics.estimates import estimate
from distillation.statistics.evaluations import of_run, read_all
from distillation.statistics.quantities import Share, paired
from distillation.study.contents import BridgePage, Key


def worth(page: BridgePage, evaluations: Mapping[Key, Path]) -> pd.DataFrame:
    """One row for each switch and run: the accuracy with the switch changed minus that of the base.

    Args:
        page: the base and the switches.
        evaluations: JSON files by protocol, run and seed.

    Returns:
        Columns switch, protocol, run, status ("run" or "not run"), seeds (those that both sides have),
        without, turned (mean accuracies in the base and with the change, percent), difference, low, high
        (mean difference and its 95 % interval, percentage points), interval ("t over seeds" or
        "binomial"), differences (one per seed).
    """
    tested = read_all(evaluations)
    rows = []
    for switch in page.switches:
        for run in switch.runs:
            place = {"switch": switch.label, "protocol": switch.protocol, "run": run}
            turned = {
                seed: test.accuracy(switch.selection)
                for seed, test in of_run(tested, switch.protocol, run).items()
            }
            without = {seed: test.accuracy() for seed, test in of_run(tested, page.base, run).items()}
            rows.append(place | _row(without, turned))
    return pd.DataFrame(rows)


def _row(without: Mapping[int, Share], turned: Mapping[int, Share]) -> dict:
    differences = paired(turned, without)
    if not differences:
        return {"status": NOT_RUN, "seeds": ""}
    found = estimate(differences)
    return {
        "status": "run",
        "seeds": " ".join(map(str, differences)),
        "without": fmean(without[seed].percent for seed in differences),
        "turned": fmean(turned[seed].percent for seed in differences),
        "difference": found.mean,
        "low": found.low,
        "high": found.high,
        "interval": found.method,
        "differences": " ".join(f"{value:+.2f}" for value in found.values.values()),
    }


def document(page: BridgePage, frame: pd.DataFrame) -> Document:
    """The table as a document; `frame` is that of `worth`."""
    table = pd.DataFrame([_cells(row) for _, row in frame.iterrows()])
    table.index = [f"{row.switch}: {page.labels[row.run]}" for row in frame.itertuples()]
    caption = (
        "Test accuracy (%), mean over seeds, and the difference in percentage points with its 95 % interval:"
        " Student's t over the seeds of both sides or, for a single seed, the binomial interval of the test"
        " images."
    )
    return Document(page.title, page.note, [Section("One switch changed at a time", table, caption)])


def _cells(row: pd.Series) -> dict[str, str]:
    if row["status"] == NOT_RUN:
        return {"base": "-", "changed": "-", "difference": NOT_RUN, "95 % interval": "-", "seeds": "-"}
    return {
        "base": f"{row['without']:.2f}",
        "changed": f"{row['turned']:.2f}",
        "difference": f"{row['difference']:+.2f}",
        "95 % interval": f"[{row['low']:+.2f}, {row['high']:+.2f}]",
        "seeds": row["seeds"],
    }
