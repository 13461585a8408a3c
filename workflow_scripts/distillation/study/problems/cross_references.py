"""Find keys of a configuration that name no entry or contradict each other; free of torch."""

from collections.abc import Iterator, Mapping

from distillation.networks.terms import TERMS
from distillation.study import protocols
from distillation.study.configuration import listed, unknown


def reference_errors(config: Mapping) -> list[str]:
    """Every id that names no entry, and keys that contradict each other, as "path: text".

    Parts whose shape has the wrong form are skipped: `configuration.violations` reports them.
    """
    return list(_references(config))


def _references(config: Mapping) -> Iterator[str]:
    teachers, students = _block(config, "teachers"), _block(config, "students")
    # If a block is malformed or empty, that is the error, not each reference to its entries.
    runs = {**teachers, **students} if students and _known(config, "teachers") is not None else None
    yield from (
        f"students.{run}: a teacher has the same id; rename one of them"
        for run in students
        if run in teachers
    )
    yield from _labels({**_named(config, "teachers"), **_named(config, "students")})
    yield from _labels(_named(config, "protocols"))
    yield from _unpaired_seeds(_block(config, "seeds"))
    yield from unknown(config.get("reproduce"), "reproduce", "protocol", _known(config, "protocols"))
    for name in _texts(config.get("select")):
        protocol, slash, run = name.rpartition("/")
        yield from unknown([protocol] if slash else [], "select", "protocol", _known(config, "protocols"))
        yield from unknown([run], "select", "run", runs)
    for path, method in _named(config, "methods").items():
        yield from _unknown_at(config, path, method, "curriculum", "curricula")
    for role in ("student", "teacher") if _known(config, "recipes") is not None else ():
        if role not in config["recipes"] and _block(config, f"{role}s"):
            yield f"recipes.{role}: this key is missing; add it (for every {role} without a recipe)"
    for path, recipe in _named(config, "recipes").items():
        yield from _unknown_at(config, path, recipe, "dataset", "datasets")
    for path, run in {**_named(config, "teachers"), **_named(config, "students")}.items():
        yield from _run_references(config, path, run)
    yield from _protocol_references(config, runs)
    yield from _bridge_references(config, runs)
    checked = _block(_block(config, "checks"), "runs")
    yield from unknown(list(checked), "checks.runs", "run", runs)
    for path, table in _named(config, "tables").items():
        yield from _table_references(path, table, runs, _known(config, "protocols"))
    for path, figure in _named(config, "figures").items():
        yield from _figure_references(config, path, figure, runs)


def _protocol_references(config: Mapping, runs: Mapping | None) -> Iterator[str]:
    for path, protocol in _named(config, "protocols").items():
        yield from unknown(
            _texts([protocol.get("base")]), f"{path}.base", "protocol", _known(config, "protocols")
        )
        yield from unknown(
            list(_block(protocol, "recipes")), f"{path}.recipes", "recipe", _known(config, "recipes")
        )
        for name, recipe in _block(protocol, "recipes").items():
            yield from _unknown_at(config, f"{path}.recipes.{name}", recipe, "dataset", "datasets")
        overrides = _block(protocol, "overrides")
        yield from unknown(list(overrides), f"{path}.overrides", "run", runs)
        for run, settings in overrides.items():
            for key, block in (("dataset", "datasets"), ("teacher", "teachers"), ("start", "weights")):
                yield from _unknown_at(config, f"{path}.overrides.{run}", settings, key, block)
    named = {**_named(config, "teachers"), **_named(config, "students")}
    for path, run in named.items():
        yield from unknown(run.get("protocols"), f"{path}.protocols", "protocol", _known(config, "protocols"))
    known = {path.split(".", 1)[1]: entry for path, entry in _named(config, "protocols").items()}
    yield from protocols.reference_errors(known, named)


def _bridge_references(config: Mapping, runs: Mapping | None) -> Iterator[str]:
    bridge, known = _block(config, "bridge"), _known(config, "protocols")
    base = bridge.get("base")
    yield from unknown(_texts([base]), "bridge.base", "protocol", known)
    switches = bridge.get("switches")
    for index, switch in enumerate(switches if isinstance(switches, list) else ()):
        path, named = f"bridge.switches.{index}", _block({"switch": switch}, "switch")
        yield from unknown(_texts([named.get("protocol")]), f"{path}.protocol", "protocol", known)
        yield from unknown(named.get("runs"), f"{path}.runs", "run", runs)
        entry = _block(known or {}, str(named.get("protocol")))
        if ("protocol" in named) == ("selection" in named and "runs" in named):
            yield f"{path}: name either the protocol of the switch, or a selection and the runs"
        based = isinstance(base, str) and base in (known or {})
        if entry and based and (entry.get("base") != base or entry.get("runs") != "listed"):
            yield f"{path}.protocol: '{named['protocol']}' must have the base '{base}' and `runs: listed`"


def _labels(entries: Mapping[str, Mapping]) -> Iterator[str]:
    """Errors of runs or protocols with the same label, which readers could not distinguish."""
    first: dict[str, str] = {}
    for path, entry in entries.items():
        label = entry.get("label")
        if isinstance(label, str) and first.setdefault(label, path) != path:
            yield f"{path}.label: '{label}' is also the label of {first[label]}; rename one"


def _unpaired_seeds(seeds: Mapping) -> Iterator[str]:
    """The error of students that are to have a teacher of their own seed, but there is none."""
    students, teachers = seeds.get("students"), seeds.get("teachers", [0])
    are_lists = isinstance(students, list) and isinstance(teachers, list)
    missing = [seed for seed in students if seed not in teachers] if are_lists else []
    if missing and seeds.get("taught_by") == "same":
        yield f"seeds.teachers: no {missing[0]}, a seed of students, which have teachers of the same; add it"


def _run_references(config: Mapping, path: str, run: Mapping) -> Iterator[str]:
    yield from _unknown_at(config, path, run, "model", "models")
    yield from _unknown_at(config, path, run, "method", "methods")
    yield from _unknown_at(config, path, run, "recipe", "recipes")
    for key, block in (("dataset", "datasets"), ("teacher", "teachers"), ("start", "weights")):
        yield from _unknown_at(config, f"{path}.set", _block(run, "set"), key, block)
    method = _block(_block(config, "methods"), str(run.get("method")))
    terms = _texts(method.get("losses"))
    # Of a malformed method, that is the error, not what follows from it.
    complete = "ce" in terms and set(terms) <= TERMS.keys()
    needs_teacher = complete and any(TERMS[term].Settings.needs_teacher for term in terms)
    if path.startswith("teachers."):
        if needs_teacher:
            yield f"{path}.method: '{run['method']}' needs a teacher; list the run under `students`"
        if "teacher" in run:
            yield f"{path}.teacher: a teacher cannot have a teacher; list the run under `students`"
        return
    yield from _unknown_at(config, path, run, "teacher", "teachers")
    if needs_teacher and "teacher" not in run:
        known = listed(_block(config, "teachers"))
        yield f"{path}.teacher: method '{run['method']}' needs a teacher; name one {known}"
    if "teacher" in run and complete and not needs_teacher:
        yield f"{path}.teacher: method '{run['method']}' does not use a teacher; remove this key"


def _table_references(
    path: str, table: Mapping, runs: Mapping | None, protocols: Mapping | None
) -> Iterator[str]:
    rows, columns = table.get("rows"), table.get("columns")
    width = len(columns) if isinstance(columns, list) else None
    if rows == "all" and width not in (None, 1):
        yield f"{path}.columns: {width} columns, but `all` has one run per row; name one, or list the rows"
    labels = set()
    for index, row in enumerate(rows if isinstance(rows, list) else ()):
        members, label = (row.get("runs"), row.get("label")) if isinstance(row, Mapping) else (None, None)
        yield from unknown(members, f"{path}.rows.{index}.runs", "run", runs)
        if isinstance(members, list) and width not in (None, len(members)):
            yield f"{path}.rows.{index}.runs: {len(members)} runs for {width} columns; name one per column"
        instead = _block({"row": row}, "row").get("instead")
        for protocol, others in instead.items() if isinstance(instead, Mapping) else ():
            place = f"{path}.rows.{index}.instead"
            yield from unknown([protocol], place, "protocol", protocols)
            yield from unknown(others, f"{place}.{protocol}", "run", runs)
            if isinstance(others, list) and width not in (None, len(others)):
                yield f"{place}.{protocol}: {len(others)} runs for {width} columns; name one per column"
        if isinstance(label, str) and label in labels:
            yield f"{path}.rows.{index}.label: '{label}' is also the label of another row; rename one"
        labels |= set(_texts([label]))


def _figure_references(config: Mapping, path: str, figure: Mapping, runs: Mapping | None) -> Iterator[str]:
    for panel, members in _block(figure, "panels").items():
        yield from unknown(members, f"{path}.panels.{panel}", "run", runs)
    for key in ("run", "control"):
        named = _texts([figure.get(key)])
        yield from unknown(named, f"{path}.{key}", "run", runs)
        for run in named if figure.get("kind") == "saliency" else ():
            if "teacher" not in _block(runs or {}, run) and run in (runs or {}):
                yield f"{path}.{key}: '{run}' has no teacher, so it has no maps; name a run with one"
    for key, block in (("table", "tables"), ("dataset", "datasets")):
        yield from _unknown_at(config, path, figure, key, block)


def _block(config: Mapping, name: str) -> Mapping:
    block = config.get(name) if isinstance(config, Mapping) else None
    return block if isinstance(block, Mapping) else {}


def _named(config: Mapping, block: str) -> dict[str, Mapping]:
    """The entries of a block that are mappings, by path."""
    entries = _block(config, block)
    return {f"{block}.{name}": entry for name, entry in entries.items() if isinstance(entry, Mapping)}


def _texts(values: object) -> list[str]:
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []


def _unknown_at(config: Mapping, path: str, entry: object, key: str, block: str) -> Iterator[str]:
    """The error of a key whose value is not an entry of a block."""
    names = _texts([entry.get(key)]) if isinstance(entry, Mapping) else []
    yield from unknown(names, f"{path}.{key}", key, _known(config, block))


def _known(config: Mapping, block: str) -> Mapping | None:
    """The entries of a block; an optional block that is absent has none."""
    entries = config.get(block, {} if block == "weights" else None)
    return entries if isinstance(entries, Mapping) else None
