"""The page of the paper's claims: each claim, the measured values, and the verdict."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from distillation.pages.documents import Document, Section
from distillation.statistics import estimates, intervals, published_values
from distillation.statistics.claims import judging, verdicts
from distillation.statistics.claims.outcomes import Published, Reproduced
from distillation.statistics.claims.statistics import STATISTICS
from distillation.study.contents import ClaimsPage, Key

_FORMATS = {"points": "{:+.2f}", "%": "{:.1f}", "": "{:+.3f}"}
_METHODS = {
    **{method: f"Student's {method}" for method in estimates.OVER_TRAININGS},
    "binomial": "for a single seed the binomial interval of its test images",
}
_POWER = f"{', '.join(map(str, judging.PLANNED_SEEDS[:-1]))} or {judging.PLANNED_SEEDS[-1]} seeds show"


def judged(
    page: ClaimsPage, outcomes: Mapping[Key, Reproduced], accuracies: Path | None, reported: Path | None
) -> pd.DataFrame:
    """The verdict on each case of each claim; see `judging.judge`.

    Args:
        page: the claims.
        outcomes: every training that was run, by protocol, run and seed.
        accuracies: csv of published test accuracies, if there are any; see `published_values.accuracies`.
        reported: csv of other published numbers, if there are any; see `published_values.reported`.

    Raises:
        InputError: a file of published numbers is malformed.
    """
    table, logs = published_values.accuracies(accuracies), published_values.reported(reported)
    cases = [
        case for claim in page.claims.values() for key in ("cases", "controls") for case in claim.get(key, ())
    ]
    runs = {case[key] for case in cases for key in ("run", "against") if key in case}
    published = {
        run: Published(run, page.teachers.get(run), table, logs) for run in runs | set(page.teachers.values())
    }
    return judging.judge(page.claims, page.protocols, outcomes, page.taught_by, published, page.no_verdict)


def document(page: ClaimsPage, frame: pd.DataFrame) -> Document:
    """The page: an overview of the verdicts, then a table for each claim; `frame` is that of `judged`."""
    sections = [_overview(page, frame)]
    for number, (name, claim) in enumerate(page.claims.items(), start=1):
        own = frame[frame["claim"] == name]
        if len(own):
            sections.append(_section(number, claim, page.protocols, own))
    doubts = dict.fromkeys(doubt for text in frame["doubt"] if text for doubt in text.split(judging.DOUBTS))
    remarks = [f"* published value of {doubt}" for doubt in doubts]
    return Document(page.title, page.note, sections, remarks)


def _overview(page: ClaimsPage, frame: pd.DataFrame) -> Section:
    rows = {
        f"{number}. {claim['claim']}": {
            label: _whole(claim, protocol, frame[(frame["claim"] == name) & (frame["protocol"] == protocol)])
            for protocol, label in page.protocols.items()
        }
        | {"section": claim["section"]}
        for number, (name, claim) in enumerate(page.claims.items(), start=1)
    }
    caption = page.no_verdict and "No verdict is given on these runs."
    if not caption:
        meanings = "; ".join(f"{word}: {meaning}" for word, meaning in verdicts.MEANINGS.items())
        caption = (
            f"Each case is judged by itself ({meanings}). The line of a claim counts its cases, and how many"
            " are still supported after Holm's correction for their number. If there is no true difference,"
            " one case in forty is called supported without it. An interval over seeds covers the randomness"
            f" of training. {page.taken_as_fixed}"
        )
    return Section("Verdicts by protocol", pd.DataFrame.from_dict(rows, orient="index"), caption)


def _whole(claim: Mapping, protocol: str, rows: pd.DataFrame) -> str:
    cases = rows[~rows["is_control"].astype(bool)]
    if cases.empty:
        return "-"
    text = cases["claim_verdict"].iloc[0]
    is_supported = cases["verdict"] == verdicts.SUPPORTED
    if is_supported.any() and cases["p_holm"].notna().any():
        holds = is_supported & (cases["p_holm"] < intervals.LEVEL)
        text += f"; after Holm supported {holds.sum()}"
    return text + "; see its remark" * (protocol in claim.get("remarks", {}))


def _section(number: int, claim: Mapping, protocols: Mapping[str, str], frame: pd.DataFrame) -> Section:
    statistic = STATISTICS[claim["statistic"]]
    labels = [
        ("Control: " if row.is_control else "")
        + row.case
        + (f", {protocols[row.protocol]}" if len(protocols) > 1 else "")
        for row in frame.itertuples()
    ]
    table = pd.DataFrame([_cells(row, statistic.unit) for _, row in frame.iterrows()], index=labels)
    unit = f" ({statistic.unit})" if statistic.unit else ""
    holds = verdicts.written(claim["threshold"])
    parts = [f"{claim['section']}. Measured: {statistic.meaning}{unit}. It must be {holds}."]
    margin = verdicts.margin_of(claim, statistic.unit)
    parts += [f"A value within {margin:g} of this limit is no effect."] if margin else []
    methods = [text for method, text in _METHODS.items() if method in set(frame["interval"])]
    parts += [f"Interval: {'; '.join(methods)}."] if methods else []
    if (frame["spread"] != "").any():
        assumed = f"{judging.ASSUMED_SPREAD:g}"
        parts.append(
            "So many seeds show: half the width of their interval with the spread over the seeds that were"
            f" run, in brackets with an assumed one of {assumed}."
        )
    for reason, places in frame[frame["reason"] != ""].groupby("reason", sort=False)["case"]:
        parts.append(f"{', '.join(dict.fromkeys(places))}: {reason}.")
    parts += [claim["remark"]] if "remark" in claim else []
    remarks = {key: text for key, text in claim.get("remarks", {}).items() if key in set(frame["protocol"])}
    parts += [f"{protocols[protocol]}: {text}" for protocol, text in remarks.items()]
    return Section(f"{number}. {claim['claim']}", table, " ".join(parts))


def _cells(row: pd.Series, unit: str) -> dict[str, str]:
    show = _FORMATS[unit].format
    measured = verdicts.NOT_RUN if row["status"] == verdicts.NOT_RUN else "-"
    interval = p = "-"
    if pd.notna(row["mean"]):
        measured = show(row["mean"])
    if row["interval"] == "counted":
        interval = "exact"
    elif pd.notna(row["low"]):
        interval = f"[{show(row['low'])}, {show(row['high'])}]"
    if pd.notna(row["p"]):
        p = f"{row['p']:.2g}" + (f", {row['p_holm']:.2g}" if pd.notna(row["p_holm"]) else "")
    published = "-" if pd.isna(row["published"]) else show(row["published"]) + "*" * bool(row["doubt"])
    return {
        "verdict": row["verdict"],
        "published": published,
        "measured": measured,
        "95 % interval": interval,
        "p; with Holm": p,
        _POWER: _power(row, show),
        "seeds": row["seeds"] or "-",
        "runs": ", ".join(row["runs"].split()),
    }


def _power(row: pd.Series, show: Callable[[float], str]) -> str:
    if not row["spread"]:
        return "-"
    shown = ", ".join(show(row[f"shown_by_{seeds}"]).lstrip("+") for seeds in judging.PLANNED_SEEDS)
    return f"({shown})" if row["spread"] == "assumed" else shown
