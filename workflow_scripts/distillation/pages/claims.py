"""The page of the paper's claims: each claim, the measured values, and the verdict."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from distillation.pages.documents import Document, Section
from distillation.statistics import published_values
from distillation.statistics.claims import verdicts
from distillation.statistics.claims.outcomes import Published, Reproduced
from distillation.statistics.claims.statistics import STATISTICS
from distillation.study.contents import ClaimsPage, Key

_FORMATS = {"points": "{:+.2f}", "%": "{:.1f}", "": "{:+.3f}"}
_METHODS = {
    "t over seeds": "Student's t over seeds",
    "binomial": "for a single seed the binomial interval of its test images",
}


def judged(
    page: ClaimsPage, outcomes: Mapping[Key, Reproduced], accuracies: Path | None, reported: Path | None
) -> pd.DataFrame:
    """The verdict on each case of each claim; see `verdicts.judge`.

    Args:
        page: the claims.
        outcomes: every training that was run, by protocol, run and seed.
        accuracies: csv of published test accuracies, if there are any; see `published_values.accuracies`.
        reported: csv of other published numbers, if there are any; see `published_values.reported`.

    Raises:
        InputError: a file of published numbers is malformed.
    """
    table, logs = published_values.accuracies(accuracies), published_values.reported(reported)
    cases = [case for claim in page.claims.values() for case in claim["cases"]]
    runs = {case[key] for case in cases for key in ("run", "against") if key in case}
    published = {
        run: Published(run, page.teachers.get(run), table, logs) for run in runs | set(page.teachers.values())
    }
    return verdicts.judge(page.claims, page.protocols, outcomes, page.taught_by, published, page.no_verdict)


def document(page: ClaimsPage, frame: pd.DataFrame) -> Document:
    """The page: an overview of the verdicts, then a table for each claim; `frame` is that of `judged`."""
    sections = [_overview(page, frame)]
    for number, (name, claim) in enumerate(page.claims.items(), start=1):
        own = frame[frame["claim"] == name]
        if len(own):
            sections.append(_section(number, claim, page.protocols, own))
    doubts = dict.fromkeys(doubt for text in frame["doubt"] if text for doubt in text.split(verdicts.DOUBTS))
    remarks = [f"* published value of {doubt}" for doubt in doubts]
    return Document(page.title, page.note, sections, remarks)


def _overview(page: ClaimsPage, frame: pd.DataFrame) -> Section:
    found = frame.drop_duplicates(["protocol", "claim"]).set_index(["claim", "protocol"])["claim_verdict"]
    rows = {
        f"{number}. {claim['claim']}": {"section": claim["section"]}
        | {label: found.get((name, protocol), "-") for protocol, label in page.protocols.items()}
        for number, (name, claim) in enumerate(page.claims.items(), start=1)
    }
    caption = page.no_verdict and "No verdict is given on these runs."
    caption = caption or (
        "supported: the 95 % interval of every case lies within the claimed range. not supported: that of at"
        " least one case lies wholly outside. undecided: neither. not run: a run that the claim needs is"
        " missing. Each claim is judged separately: if there is no true difference, one case in forty is"
        " still called supported. An interval over seeds covers the randomness of training."
        f" {page.taken_as_fixed} Smallest difference: half the width of the interval; these seeds cannot"
        " detect less."
    )
    return Section("Verdicts by protocol", pd.DataFrame.from_dict(rows, orient="index"), caption)


def _section(number: int, claim: Mapping, protocols: Mapping[str, str], frame: pd.DataFrame) -> Section:
    statistic = STATISTICS[claim["statistic"]]
    labels = [
        row.case + (f", {protocols[row.protocol]}" if len(protocols) > 1 else "")
        for row in frame.itertuples()
    ]
    table = pd.DataFrame([_cells(row, statistic.unit) for _, row in frame.iterrows()], index=labels)
    unit = f" ({statistic.unit})" if statistic.unit else ""
    holds = verdicts.written(claim["threshold"])
    parts = [f"{claim['section']}. Measured: {statistic.meaning}{unit}. It must be {holds}."]
    methods = [text for method, text in _METHODS.items() if method in set(frame["interval"])]
    parts += [f"Interval: {'; '.join(methods)}."] if methods else []
    for reason, places in frame[frame["reason"] != ""].groupby("reason", sort=False)["case"]:
        parts.append(f"{', '.join(dict.fromkeys(places))}: {reason}.")
    parts += [claim["remark"]] if "remark" in claim else []
    return Section(f"{number}. {claim['claim']}", table, " ".join(parts))


def _cells(row: pd.Series, unit: str) -> dict[str, str]:
    show = _FORMATS[unit].format
    measured = verdicts.NOT_RUN if row["status"] == verdicts.NOT_RUN else "-"
    interval = smallest = "-"
    if pd.notna(row["mean"]):
        measured = show(row["mean"])
    if row["interval"] == "counted":
        interval = "exact"
    elif pd.notna(row["low"]):
        interval = f"[{show(row['low'])}, {show(row['high'])}]"
        smallest = show(row["smallest"]).lstrip("+")
    published = "-" if pd.isna(row["published"]) else show(row["published"]) + "*" * bool(row["doubt"])
    return {
        "runs": ", ".join(row["runs"].split()),
        "published": published,
        "measured": measured,
        "95 % interval": interval,
        "smallest difference": smallest,
        "seeds": row["seeds"] or "-",
        "verdict": row["verdict"],
    }
