"""Find errors in claims and pairs of rows that types cannot: unknown names, and keys that do not fit.

Parts of the wrong form are skipped: `distillation.study.configuration` reports them.
"""

from collections.abc import Iterator, Mapping

from distillation.statistics.claims import cases
from distillation.statistics.claims.statistics import STATISTICS, Statistic
from distillation.study import protocols
from distillation.study.configuration import unknown
from distillation.study.forms.claim_settings import BLOCKS

# Keys of a case that some statistics need and others do not use.
_OPTIONAL = ("against", "resolution", "view", "accuracy")


def errors(config: Mapping) -> list[str]:
    """Every error, as "path: text"."""
    blocks = (error for block in BLOCKS for error in _claims(config, block))
    return [*blocks, *_twice(config), *_pairs(config)]


def absences(config: Mapping) -> list[str]:
    """Cases that name a protocol without their run, as "path: text", of a well-formed configuration.

    A run of the paper may be absent of a protocol in which all claims are judged.
    """
    found = [
        text
        for block in BLOCKS
        for name, claim in config.get(block, {}).get("stated", {}).items()
        for key in ("cases", "controls")
        for index, case in enumerate(claim.get(key, ()))
        for text in _absent(config, f"{block}.stated.{name}.{key}.{index}", claim, case, block)
    ]
    return list(dict.fromkeys(found))


def _absent(config: Mapping, path: str, claim: Mapping, case: Mapping, block: str) -> Iterator[str]:
    named = claim.get("protocols", config["reproduce"])
    for protocol in cases.protocols_of(claim, case, named):
        for role, (of, run) in cases.places(cases.in_protocol(case, protocol), protocol).items():
            is_meant = f"{role}_protocol" in case or (block != "claims" and "protocols" in claim)
            if is_meant and not protocols.has(config, of, run):
                yield (
                    f"{path}.{role}: the protocol '{of}' has no run '{run}'; add it to its overrides, or name"
                    " another protocol"
                )


def _twice(config: Mapping) -> Iterator[str]:
    owner: dict[str, str] = {}
    for block in BLOCKS:
        for name in _mapping(_mapping(config.get(block)).get("stated")):
            if owner.setdefault(name, block) != block:
                yield f"{block}.stated.{name}: `{owner[name]}` has a claim of this id too; rename one"


def _claims(config: Mapping, block: str) -> Iterator[str]:
    known = config.get("protocols")
    for name, claim in _mapping(_mapping(config.get(block)).get("stated")).items():
        path, claim = f"{block}.stated.{name}", _mapping(claim)
        for protocol in _list(claim.get("protocols")):
            yield from unknown([protocol], f"{path}.protocols", "protocol", known)
        yield from unknown([claim.get("statistic")], f"{path}.statistic", "statistic", STATISTICS)
        named = claim.get("statistic")
        statistic = STATISTICS.get(named) if isinstance(named, str) else None
        for protocol in _mapping(claim.get("remarks")):
            yield from unknown([protocol], f"{path}.remarks", "protocol", known)
        for relation in _mapping(claim.get("threshold")):
            if "margin" in claim and relation in ("at_least", "at_most"):
                yield f"{path}.margin: a value at a limit of '{relation}' supports the claim; remove this key"
        for key in ("cases", "controls"):
            labels = set()
            for index, case in enumerate(map(_mapping, _list(claim.get(key)))):
                place = f"{path}.{key}.{index}"
                yield from _case(config, place, case)
                if statistic and case:
                    yield from _keys(config, place, case, named, statistic)
                label = case.get("label")
                if isinstance(label, str) and label in labels:
                    yield f"{place}.label: '{label}' is also the label of another case; rename one"
                labels |= {label} if isinstance(label, str) else set()


def _case(config: Mapping, path: str, case: Mapping) -> Iterator[str]:
    teachers, students = config.get("teachers"), config.get("students")
    # Without any runs, that is the error, not each reference to a run.
    runs = {**teachers, **students} if isinstance(teachers, Mapping) and _mapping(students) else None
    for key in ("run", "against"):
        yield from unknown([case.get(key)], f"{path}.{key}", "run", runs)
    for protocol, change in _mapping(case.get("instead")).items():
        yield from unknown([protocol], f"{path}.instead", "protocol", config.get("protocols"))
        for key in ("run", "against"):
            yield from unknown([_mapping(change).get(key)], f"{path}.instead.{protocol}.{key}", "run", runs)
        for key in _mapping(change):
            if key not in case:
                yield f"{path}.instead.{protocol}.{key}: the case has no {key} that this replaces; add one"
    for protocol in _list(case.get("protocols")):
        yield from unknown([protocol], f"{path}.protocols", "protocol", config.get("protocols"))
    for key in ("run_protocol", "against_protocol"):
        yield from unknown([case.get(key)], f"{path}.{key}", "protocol", config.get("protocols"))
    if case.get("against_protocol") is not None and "against" not in case:
        yield f"{path}.against_protocol: there is no run to compare with; add `against`, or remove this key"
    resolution, tested = case.get("resolution"), _mapping(config.get("evaluation")).get("resolutions")
    if isinstance(resolution, int) and isinstance(tested, list) and resolution not in tested:
        known = ", ".join(map(str, tested))
        yield f"{path}.resolution: {resolution} is not in evaluation.resolutions; name one (known: {known})"


def _keys(config: Mapping, path: str, case: Mapping, name: str, statistic: Statistic) -> Iterator[str]:
    for key in _OPTIONAL:
        if key in statistic.needs and key not in case:
            yield f"{path}.{key}: statistic '{name}' needs this key; add it"
        if key not in statistic.needs and key in case:
            yield f"{path}.{key}: statistic '{name}' does not use this key; remove it"
    of = [case.get(f"{role}_protocol") for role in ("run", "against")]
    if case.get("against") == case.get("run") and "against" in case and of[0] == of[1]:
        yield f"{path}.against: a run cannot differ from itself; name another, or an against_protocol"
    students, teachers = _mapping(config.get("students")), _mapping(config.get("teachers"))
    for role in statistic.taught:
        run = case.get(role)
        declared = {**teachers, **students}.get(run) if isinstance(run, str) else None
        if isinstance(declared, Mapping) and "teacher" not in declared:
            yield (
                f"{path}.{role}: '{run}' has no teacher, which statistic '{name}' needs; name a run with one"
            )


def _pairs(config: Mapping) -> Iterator[str]:
    pairs, tables = _mapping(config.get("pairs")), config.get("tables")
    yield from unknown([pairs.get("table")], "pairs.table", "table", tables)
    table = pairs.get("table")
    rows = _mapping(_mapping(tables).get(table)).get("rows") if isinstance(table, str) else None
    if rows == "all":
        runs = {**_mapping(config.get("teachers")), **_mapping(config.get("students"))}
        labels = [_mapping(run).get("label") for run in runs.values()]
    else:
        labels = [_mapping(row).get("label") for row in _list(rows)]
    known = {label: None for label in labels if isinstance(label, str)}
    # A missing or duplicate label is reported elsewhere.
    complete = bool(known) and len(known) == len(labels)
    for index, pair in enumerate(_list(pairs.get("rows"))):
        for label in _list(pair):
            if complete:
                yield from unknown([label], f"pairs.rows.{index}", "row", known)


def _mapping(value: object) -> Mapping:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list:
    return value if isinstance(value, list) else []
