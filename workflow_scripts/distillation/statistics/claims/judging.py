"""Judge each case of each claim, from outcomes of trainings."""

from collections.abc import Iterable, Mapping

import pandas as pd

from distillation.statistics import intervals, pairing
from distillation.statistics.claims import cases, verdicts
from distillation.statistics.claims.outcomes import Published, Reproduced
from distillation.statistics.claims.statistics import STATISTICS, Statistic
from distillation.statistics.estimates import Estimate, estimate
from distillation.statistics.evaluations import Key
from distillation.statistics.quantities import Quantity, Unknown
from distillation.statistics.training_seeds import TrainingSeed

# Numbers of seeds for which the smallest difference that they could show is given.
PLANNED_SEEDS = (3, 5, 10)
# Percentage points: standard deviation of a difference over seeds, where none was measured.
ASSUMED_SPREAD = 0.3

COLUMNS = (
    *("protocol", "claim", "case", "is_control", "runs", "statistic", "unit", "threshold", "margin"),
    *(
        "published",
        "doubt",
        "verdict",
        "claim_verdict",
        "status",
        "reason",
        "mean",
        "low",
        "high",
        "interval",
    ),
    *("smallest", "p", "p_holm", "std", "spread", *(f"shown_by_{seeds}" for seeds in PLANNED_SEEDS)),
    *("seeds", "values"),
)
# Separates the doubts about the published values of a case.
DOUBTS = " | "

# Trainings by protocol, run and seed.
Outcomes = Mapping[Key, Reproduced]
# Protocol and id of the teacher of a run, by protocol and run.
TaughtBy = Mapping[str, Mapping[str, cases.Place]]


class NotRun(LookupError):  # noqa: N818 (a result, not an error)
    """A run that a case needs was not run; the text says which."""


def judge(
    claims: Mapping[str, Mapping],
    protocols: Iterable[str],
    outcomes: Outcomes,
    taught_by: TaughtBy,
    published: Mapping[str, Published],
    no_verdict: str,
) -> pd.DataFrame:
    """One row for each protocol, claim, and case or control.

    Args:
        claims: by id, as in the configuration.
        protocols: ids of the protocols to judge.
        outcomes: every finished training.
        taught_by: protocol and id of the teacher of each run with one.
        published: the published runs, by id.
        no_verdict: text instead of every verdict if the runs cannot decide anything; otherwise empty.

    Returns:
        The columns `COLUMNS`: verdict is of the case, claim_verdict sums up those of the claim's cases
        without its controls; status is "run" or "not run"; reason says why there are no numbers or no
        verdict; low and high are the ends of the 95 % interval, interval is its method, smallest half its
        width; p is that of the t test of a mean at the threshold, p_holm the same corrected for the number of
        the claim's cases that have one, if there are several (Holm 1979); std is over seeds, spread says
        where the standard deviation comes from with which 3, 5 or 10 seeds could show the differences in
        `shown_by_*`; values has one value per seed.
    """
    rows = [
        row
        for protocol in protocols
        for name, claim in claims.items()
        if protocol in claim.get("protocols", [protocol])
        for row in _claim(name, claim, protocol, outcomes, taught_by, published)
    ]
    frame = pd.DataFrame.from_records(rows, columns=COLUMNS)
    if no_verdict:
        frame[["verdict", "claim_verdict"]] = no_verdict
    return frame


def _claim(
    name: str,
    claim: Mapping,
    protocol: str,
    outcomes: Outcomes,
    taught_by: TaughtBy,
    published: Mapping[str, Published],
) -> list[dict]:
    rows = [
        {"protocol": protocol, "claim": name, "is_control": kind == "controls"}
        | _case(claim, case, protocol, outcomes, taught_by, published)
        for kind in ("cases", "controls")
        for case in claim.get(kind, ())
        if cases.protocols_of(claim, case, [protocol])
    ]
    counted = [row for row in rows if not row["is_control"]]
    whole = verdicts.summary([row["verdict"] for row in counted]) if counted else ""
    tested = [row for row in counted if row.get("p") is not None]
    if len(tested) > 1:
        for row, corrected in zip(tested, intervals.holm([row["p"] for row in tested]), strict=True):
            row["p_holm"] = corrected
    return [row | {"claim_verdict": whole} for row in rows]


def _case(
    claim: Mapping,
    case: Mapping,
    protocol: str,
    outcomes: Outcomes,
    taught_by: TaughtBy,
    published: Mapping[str, Published],
) -> dict:
    statistic = STATISTICS[claim["statistic"]]
    published_case, case = case, cases.in_protocol(case, protocol)
    places, margin = cases.places(case, protocol), verdicts.margin_of(claim, statistic.unit)
    row = {
        "case": case["label"],
        "runs": " ".join(run if of == protocol else f"{run}@{of}" for of, run in places.values()),
        "statistic": claim["statistic"],
        "unit": statistic.unit,
        "threshold": verdicts.written(claim["threshold"]),
        "margin": margin,
        **_published(statistic, published_case, published),
        **_power(None, statistic),
        "seeds": "",
        "reason": "",
    }
    try:
        found = estimate(_over_seeds(statistic, case, places, outcomes, taught_by))
    except NotRun as missing:
        not_run = {"verdict": verdicts.NOT_RUN, "status": verdicts.NOT_RUN}
        return row | not_run | {"reason": f"not run: {missing}"}
    except Unknown as missing:
        return row | {"verdict": verdicts.NO_VERDICT, "status": "run", "reason": str(missing)}
    verdict, reason = verdicts.of_case(
        found, claim["threshold"], margin, compares_trainings=not statistic.of_one_network
    )
    ((_, limit),) = claim["threshold"].items()
    return row | {
        "verdict": verdict,
        "status": "run",
        "reason": reason,
        "mean": found.mean,
        "low": found.low,
        "high": found.high,
        "interval": found.method,
        "smallest": found.smallest,
        "p": found.p_value(limit),
        "std": found.std,
        **_power(found, statistic),
        "seeds": " ".join(map(str, found.values)),
        "values": " ".join(f"{value:.4g}" for value in found.values.values()),
    }


def _power(found: Estimate | None, statistic: Statistic) -> dict:
    """The smallest difference that more seeds could show, from the measured spread or from an assumed one."""
    # More seeds would not make the part of the teachers smaller.
    if found and (found.method == "counted" or "teachers" in found.method):
        return {"spread": ""}
    is_measured = found is not None and found.is_over_trainings
    if not is_measured and statistic.unit != "points":
        return {"spread": ""}
    std = found.std if is_measured else ASSUMED_SPREAD
    shown = {f"shown_by_{seeds}": intervals.reach(std, seeds) for seeds in PLANNED_SEEDS}
    return {"spread": "measured" if is_measured else "assumed"} | shown


def _over_seeds(
    statistic: Statistic,
    case: Mapping,
    places: Mapping[str, cases.Place],
    outcomes: Outcomes,
    taught_by: TaughtBy,
) -> dict[TrainingSeed, Quantity]:
    """The statistic of each seed that all runs of a case have.

    Runs are paired as in `pairing.shared`; the teacher is the one that the run of that seed was trained with.
    """
    seeds = {role: {key[2] for key in outcomes if key[:2] == place} for role, place in places.items()}
    missing = dict.fromkeys(f"{run} ({of})" for role, (of, run) in places.items() if not seeds[role])
    if missing:
        raise NotRun(" and ".join(missing))
    shared = pairing.shared(
        seeds, {role for role, (of, run) in places.items() if run in taught_by.get(of, {})}
    )
    if not shared:
        raise Unknown("the runs have no seed in common")
    of, run = places["run"]
    teacher = taught_by[of][run] if statistic.teacher else None
    keys = {seed: {role: (*places[role], own[role]) for role in places} for seed, own in shared.items()}
    return {seed: statistic.of(case, _roles(own, outcomes, teacher)) for seed, own in keys.items()}


def _roles(keys: Mapping[str, Key], outcomes: Outcomes, teacher: cases.Place | None) -> dict[str, Reproduced]:
    roles = {role: outcomes[key] for role, key in keys.items()}
    if teacher:
        key = (*teacher, TrainingSeed(roles["run"].teacher_seed))
        if key not in outcomes:
            raise NotRun(f"{key[1]} ({key[0]})")
        roles["teacher"] = outcomes[key]
    return roles


def _published(statistic: Statistic, case: Mapping, published: Mapping[str, Published]) -> dict:
    """The same statistic of published numbers and the doubts about them; empty between two protocols."""
    none = {"published": None, "doubt": ""}
    if "against_protocol" in case or "run_protocol" in case:
        return none
    roles = {role: published[case[role]] for role in ("run", "against") if role in case}
    if statistic.teacher:
        roles["teacher"] = published[roles["run"].teacher]
    try:
        value = statistic.of(case, roles).value
    except Unknown:
        return none
    doubts = [doubt for outcome in roles.values() for doubt in outcome.doubts]
    return {"published": value, "doubt": DOUBTS.join(doubts)}
