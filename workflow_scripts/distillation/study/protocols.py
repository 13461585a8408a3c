"""Protocols: the runs of each, and the settings that it changes."""

from collections.abc import Iterator, Mapping

from distillation.statistics.training_seeds import TrainingSeed
from distillation.study.configuration import suggestion


def merge(base: Mapping, *overlays: Mapping) -> dict:
    """Nested mappings merged key by key; any other value, lists included, is replaced."""
    merged = dict(base)
    for overlay in overlays:
        for key, value in overlay.items():
            old = merged.get(key)
            both = isinstance(old, Mapping) and isinstance(value, Mapping)
            merged[key] = merge(old, value) if both else value
    return merged


def settings_of(config: Mapping, protocol: str) -> Mapping:
    """A protocol with the selection, recipes and overrides that it inherits from its base."""
    own = config["protocols"][protocol]
    base = config["protocols"][own["base"]] if "base" in own else {}
    return {"recipes": {}, "overrides": {}} | merge(base, own)


def weights_tested(config: Mapping, protocol: str) -> str:
    """The weights of a protocol's runs that are evaluated, in words."""
    settings = settings_of(config, protocol)
    best = settings["selection"] == "best"
    which = "of the best validation accuracy in the last stage" if best else "after the last epoch"
    see = " (see the table of switches)" if "switches" in config else ""
    differing = any("selection" in override for override in settings["overrides"].values())
    return f"the weights {which}" + (f", in some runs the others{see}" if differing else "")


def seeds_of(config: Mapping, role: str) -> tuple[int, ...]:
    """The seeds of every run of a role, "teacher" or "student"; a study without teachers may name none."""
    return tuple(config["seeds"].get(f"{role}s", (0,)))


def taught_by(config: Mapping) -> str:
    """Which seeds of teachers a student has: "first", "same" or "each"; see `RoleSeeds`."""
    return config["seeds"].get("taught_by", "first")


def trainings_of(config: Mapping, role: str, *, is_taught: bool) -> tuple[TrainingSeed, ...]:
    """The trainings of every run of a role, with a teacher or without one."""
    teachers = seeds_of(config, "teacher") if is_taught and taught_by(config) == "each" else (0,)
    return tuple(TrainingSeed(seed, teacher) for teacher in teachers for seed in seeds_of(config, role))


def has(config: Mapping, protocol: str, run: str) -> bool:
    """Whether a run belongs to a protocol: by its own entry, and by the protocol's list if it has one."""
    own = config["protocols"][protocol]
    entry = {**config["teachers"], **config["students"]}[run]
    if protocol not in entry.get("protocols", [protocol]):
        return False
    return own.get("runs", "all") == "all" or run in own.get("overrides", {})


def selected(config: Mapping) -> frozenset[tuple[str, str]]:
    """Protocol and run of everything that `select` names: "run" in every protocol, or "protocol/run"."""
    keys = set()
    for name in config.get("select") or config["students"]:
        protocol, _, run = name.rpartition("/")
        keys |= {(each, run) for each in ([protocol] if protocol else config["protocols"])}
    return frozenset(keys)


def provider(config: Mapping, protocol: str, teacher: str) -> str | None:
    """The protocol whose run of this id teaches in a protocol: itself or, if it has no such run, its base."""
    candidates = [protocol, config["protocols"][protocol].get("base")]
    return next((name for name in candidates if name and has(config, name, teacher)), None)


def reference_errors(protocols: Mapping, runs: Mapping) -> Iterator[str]:
    """Errors of protocols and of the runs that name them, as "path: text".

    Args:
        protocols: well-formed entries of `protocols`, by id.
        runs: well-formed entries of `teachers` and `students`, by path.
    """
    for name, protocol in protocols.items():
        path = f"protocols.{name}"
        base = protocol.get("base")
        if base is None and "selection" not in protocol:
            yield f"{path}.selection: this key is missing; add it (best or last), or name a base that has it"
        if isinstance(base, str) and "base" in protocols.get(base, {}):
            yield f"{path}.base: '{base}' has a base itself; name one that has none"
        if protocol.get("runs") == "listed" and not protocol.get("overrides"):
            yield f"{path}.runs: 'listed' without overrides selects no run; list runs under `overrides`"
    for path, run in runs.items():
        named = run.get("protocols")
        if not isinstance(named, list) or not named:
            continue
        if not all(isinstance(name, str) and name in protocols for name in named):
            continue
        for name, protocol in protocols.items():
            overrides = protocol.get("overrides")
            listed = isinstance(overrides, Mapping) and path.split(".")[1] in overrides
            if listed and name not in named:
                yield (
                    f"protocols.{name}.overrides.{path.split('.')[1]}: {path}.protocols leaves out '{name}';"
                    " add it there, or remove this key"
                )


def absences(config: Mapping) -> Iterator[str]:
    """Requested runs that no protocol to reproduce has, as "path: text"."""
    names = config["reproduce"]
    reproduced = ", ".join(names)
    for name in config.get("select", []):
        protocol, _, run = name.rpartition("/")
        if protocol and protocol not in names:
            yield (
                f"select: '{name}': '{protocol}' is not in `reproduce` ({reproduced}); add it there, or"
                " remove this run"
            )
        elif protocol and not has(config, protocol, run):
            members = {**config["teachers"], **config["students"]}
            known = [member for member in members if has(config, protocol, member)]
            yield f"select: '{name}': no run '{run}' of this protocol {suggestion(run, known)}"
        elif not protocol and not any(has(config, each, run) for each in names):
            yield f"select: no protocol in `reproduce` ({reproduced}) has '{run}'; add one that does"
    for run in config.get("checks", {}).get("runs", {}):
        if not has(config, names[0], run):
            yield (
                f"checks.runs: the first protocol in `reproduce` ({names[0]}) does not have '{run}'; put one"
                " first that does, or remove this run"
            )
