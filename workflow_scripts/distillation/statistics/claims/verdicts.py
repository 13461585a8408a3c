"""Verdicts on each case and each claim, from outcomes of runs."""

import operator
from collections.abc import Iterable, Mapping

import pandas as pd

from distillation.statistics.claims.outcomes import Published, Reproduced
from distillation.statistics.claims.statistics import STATISTICS, Statistic
from distillation.statistics.estimates import Estimate, estimate
from distillation.statistics.quantities import Quantity, Unknown

SUPPORTED, NOT_SUPPORTED, UNDECIDED, NOT_RUN = "supported", "not supported", "undecided", "not run"
_RELATIONS = {"above": operator.gt, "at_least": operator.ge, "below": operator.lt, "at_most": operator.le}

COLUMNS = (
    *("protocol", "claim", "case", "runs", "statistic", "unit", "threshold", "published", "doubt"),
    *("verdict", "claim_verdict", "status", "reason", "mean", "low", "high", "interval", "smallest"),
    *("std", "seeds", "values"),
)
_REASONS = {"one seed": "no interval from a single seed", "undefined": "not a number"}
# Separates the doubts about the published values of a case.
DOUBTS = " | "

# Trainings by protocol, run and seed.
Outcomes = Mapping[tuple[str, str, int], Reproduced]
# Protocol and id of the teacher of a run, by protocol and run.
TaughtBy = Mapping[str, Mapping[str, tuple[str, str]]]


def judge(
    claims: Mapping[str, Mapping],
    protocols: Iterable[str],
    outcomes: Outcomes,
    taught_by: TaughtBy,
    published: Mapping[str, Published],
    no_verdict: str,
) -> pd.DataFrame:
    """One row for each protocol, claim and case.

    Args:
        claims: by id, as in the configuration.
        protocols: ids of the protocols to reproduce.
        outcomes: every finished training.
        taught_by: protocol and id of the teacher of each run with one.
        published: the published runs, by id.
        no_verdict: text instead of every verdict if the runs cannot decide anything; otherwise empty.

    Returns:
        The columns `COLUMNS`: verdict is of the case, claim_verdict of the claim; status is "run" or "not
        run"; reason says why there are no numbers or no interval; low and high are the ends of the 95 %
        interval, interval is its method, smallest half its width; values has one value per seed.
    """
    rows = []
    for protocol in protocols:
        for name, claim in claims.items():
            if protocol not in claim.get("protocols", [protocol]):
                continue
            cases = [
                {"protocol": protocol, "claim": name}
                | _case(claim, case, protocol, outcomes, taught_by, published)
                for case in claim["cases"]
            ]
            whole = of_claim([row["verdict"] for row in cases])
            rows += [row | {"claim_verdict": whole} for row in cases]
    frame = pd.DataFrame.from_records(rows, columns=COLUMNS)
    if no_verdict:
        frame[["verdict", "claim_verdict"]] = no_verdict
    return frame


def of_case(found: Estimate, threshold: Mapping[str, float]) -> str:
    """Supported if the threshold holds in the whole interval, not supported if it holds nowhere in it."""
    if found.low is None:
        return UNDECIDED
    ((relation, limit),) = threshold.items()
    ends = {_RELATIONS[relation](end, limit) for end in (found.low, found.high)}
    return UNDECIDED if len(ends) > 1 else SUPPORTED if ends.pop() else NOT_SUPPORTED


def of_claim(verdicts: Iterable[str]) -> str:
    """Supported if all cases are, otherwise the worst verdict of its cases."""
    found = set(verdicts)
    order = (NOT_SUPPORTED, NOT_RUN, UNDECIDED, SUPPORTED)
    return next(verdict for verdict in order if verdict in found)


def written(threshold: Mapping[str, float]) -> str:
    """A threshold in words."""
    ((relation, limit),) = threshold.items()
    return f"{relation.replace('_', ' ')} {limit:g}"


def _case(
    claim: Mapping,
    case: Mapping,
    protocol: str,
    outcomes: Outcomes,
    taught_by: TaughtBy,
    published: Mapping[str, Published],
) -> dict:
    statistic = STATISTICS[claim["statistic"]]
    row = {
        "case": case["label"],
        "runs": " ".join(_runs(case, protocol)),
        "statistic": claim["statistic"],
        "unit": statistic.unit,
        "threshold": written(claim["threshold"]),
        **_published(statistic, case, published),
        "seeds": "",
    }
    try:
        found = estimate(_over_seeds(statistic, case, protocol, outcomes, taught_by))
    except NotRun as missing:
        return row | {"verdict": NOT_RUN, "status": NOT_RUN, "reason": f"not run: {missing}"}
    except Unknown as missing:
        return row | {"verdict": UNDECIDED, "status": "run", "reason": str(missing)}
    return row | {
        "verdict": of_case(found, claim["threshold"]),
        "status": "run",
        "reason": "" if found.low is not None else _REASONS[found.method],
        "mean": found.mean,
        "low": found.low,
        "high": found.high,
        "interval": found.method,
        "smallest": found.smallest,
        "std": found.std,
        "seeds": " ".join(map(str, found.values)),
        "values": " ".join(f"{value:.4g}" for value in found.values.values()),
    }


def _runs(case: Mapping, protocol: str) -> list[str]:
    """Ids of the run and of the run it is compared with, the latter with its protocol if that differs."""
    other = f"@{case['against_protocol']}" if "against_protocol" in case else ""
    compared = [_against_in(case, protocol) + other] if "against" in case else []
    return [_run_in(case, protocol), *compared]


def _run_in(case: Mapping, protocol: str) -> str:
    return case.get("instead", {}).get(protocol, case["run"])


def _against_in(case: Mapping, protocol: str) -> str:
    return case.get("against_instead", {}).get(protocol, case["against"])


class NotRun(LookupError):  # noqa: N818 (a result, not an error)
    """A run that a case needs was not run; the text says which."""


def _over_seeds(
    statistic: Statistic, case: Mapping, protocol: str, outcomes: Outcomes, taught_by: TaughtBy
) -> dict[int, Quantity]:
    """The statistic of each seed that all runs of a case have.

    Runs are paired by seed; the teacher is the one that the run of that seed was trained with.
    """
    places = {"run": (protocol, _run_in(case, protocol))}
    if "against" in case:
        places["against"] = (case.get("against_protocol", protocol), _against_in(case, protocol))
    seeds = {place: {key[2] for key in outcomes if key[:2] == place} for place in places.values()}
    missing = [f"{run} ({of})" for (of, run), found in seeds.items() if not found]
    if missing:
        raise NotRun(" and ".join(missing))
    shared = set.intersection(*seeds.values())
    if not shared:
        raise Unknown("the runs have no seed in common")
    of, run = places["run"]
    teacher = taught_by[of][run] if statistic.teacher else None
    return {seed: statistic.of(case, _roles(places, seed, outcomes, teacher)) for seed in sorted(shared)}


def _roles(
    places: Mapping[str, tuple[str, str]], seed: int, outcomes: Outcomes, teacher: tuple[str, str] | None
) -> dict[str, Reproduced]:
    roles = {role: outcomes[*place, seed] for role, place in places.items()}
    if teacher:
        key = (*teacher, roles["run"].teacher_seed)
        if key not in outcomes:
            raise NotRun(f"{key[1]} ({key[0]})")
        roles["teacher"] = outcomes[key]
    return roles


def _published(statistic: Statistic, case: Mapping, published: Mapping[str, Published]) -> dict:
    """The same statistic of published numbers and the doubts about them; empty between two protocols."""
    if "against_protocol" in case:
        return {"published": None, "doubt": ""}
    roles = {role: published[case[role]] for role in ("run", "against") if role in case}
    if statistic.teacher:
        roles["teacher"] = published[roles["run"].teacher]
    try:
        value = statistic.of(case, roles).value
    except Unknown:
        return {"published": None, "doubt": ""}
    doubts = [doubt for outcome in roles.values() for doubt in outcome.doubts]
    return {"published": value, "doubt": DOUBTS.join(doubts)}
