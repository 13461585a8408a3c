"""Resolve a plain configuration into runs, or list all its errors.

Free of torch, so that planning a study is fast and works on a login node.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from distillation.core.errors import UserError
from distillation.networks import map_settings
from distillation.networks.terms import TERMS
from distillation.study import claim_references, configuration, consistency, cross_references, protocols, spec
from distillation.study.protocols import merge


@dataclass(frozen=True)
class Entry:
    """A run of one protocol, for all its seeds.

    Attributes:
        teacher: protocol and id of the run that teaches it, if one does.
        pretrained: file of the weights that it starts from; None for random weights.
    """

    protocol: str
    run: str
    role: str
    label: str
    selection: str
    seeds: tuple[int, ...]
    teacher: tuple[str, str] | None
    pretrained: str | None
    settings: Mapping

    def resolve(self, seed: int) -> spec.Run:
        """The training with this seed."""
        return _structure(self.settings, seed)


@dataclass(frozen=True)
class Study:
    """All runs of a study by (protocol, run): protocols to reproduce first, in each teachers first."""

    name: str
    note: str
    reproduced: tuple[str, ...]
    entries: Mapping[tuple[str, str], Entry]
    selected: frozenset[tuple[str, str]]
    only: frozenset[tuple[str, str, int]] | None = None

    def chosen(self, role: str | None = None, protocols: Collection[str] | None = None) -> Iterator[Entry]:
        """The selected runs and their teachers: of one role, or of both.

        Args:
            role: "teacher" or "student".
            protocols: ids; by default those to reproduce.
        """
        wanted = self.reproduced if protocols is None else protocols
        keys = {key for key in self.entries if key[0] in wanted and key in self.selected}
        keys |= {self.entries[key].teacher for key in keys}
        for key, entry in self.entries.items():
            if key in keys and role in (None, entry.role):
                yield entry

    def teacher_of(self, protocol: str, run: str, seed: int) -> spec.Run | None:
        """The training of a run's teacher; None without a teacher."""
        entry = self.entries[protocol, run]
        teacher = entry.resolve(seed).teacher
        return self.entries[entry.teacher].resolve(teacher.seed) if teacher else None

    def limited_to(self, trainings: Iterable[tuple[str, str, int]]) -> "Study":
        """The same study with only these trainings, each by protocol, run and seed."""
        return replace(self, only=frozenset(trainings), selected=frozenset(self.entries))

    def seeds_of(self, entry: Entry) -> tuple[int, ...]:
        """The chosen seeds of a run."""
        return tuple(
            seed
            for seed in entry.seeds
            if self.only is None or (entry.protocol, entry.run, seed) in self.only
        )


def resolve(config: Mapping, source: str) -> Study:
    """All runs of a configuration.

    Args:
        config: the configuration, overlays merged.
        source: the file names for error messages.

    Raises:
        UserError: with every error of the configuration, one per line.
    """
    errors = configuration.errors(config) + cross_references.reference_errors(config)
    errors += claim_references.errors(config)
    if not errors:
        entries, errors = _entries(config)
        errors = errors or list(protocols.absences(config))
    if errors:
        lines = "\n".join(f"  {source}: {error}" for error in errors)
        noun = "error" if len(errors) == 1 else "errors"
        raise UserError(f"{len(errors)} {noun} in the configuration:\n{lines}")
    selected, reproduced = protocols.selected(config), tuple(config["reproduce"])
    return Study(config["study"], config.get("note", ""), reproduced, entries, selected)


def in_order_of(first: Mapping, config: Mapping) -> dict:
    """The same nested mappings with their keys in the order of `first`; keys that it lacks come last."""
    places = {key: place for place, key in enumerate(first)}
    ordered = {}
    for key in sorted(config, key=lambda key: places.get(key, len(places))):
        value, guide = config[key], first.get(key)
        both = isinstance(value, Mapping) and isinstance(guide, Mapping)
        ordered[key] = in_order_of(guide, value) if both else value
    return ordered


def _entries(config: Mapping) -> tuple[dict[tuple[str, str], Entry], list[str]]:
    """The entries, or their errors; an error that several runs share is listed once."""
    entries: dict[tuple[str, str], Entry] = {}
    errors: dict[str, dict[str, list[str]]] = {}
    for protocol in dict.fromkeys([*config["reproduce"], *config["protocols"]]):
        for role, block in (("teacher", "teachers"), ("student", "students")):
            for run in config[block]:
                if not protocols.has(config, protocol, run):
                    continue
                try:
                    entries[protocol, run] = _entry(config, protocol, role, run)
                except ValueError as error:
                    for text in error.args:
                        errors.setdefault(text, {}).setdefault(f"{block}.{run}", []).append(protocol)
    return entries, [f"{_first(config, places)}: {text}" for text, places in errors.items()]


def _first(config: Mapping, places: Mapping[str, list[str]]) -> str:
    """The first run with an error, its protocol unless all of them have it, and the number of other runs."""
    path, wrong = next(iter(places.items()))
    run = path.rpartition(".")[2]
    everywhere = [name for name in config["protocols"] if protocols.has(config, name, run)]
    where = path + (f" ({wrong[0]})" if len(wrong) < len(everywhere) else "")
    return where + (f" (and {len(places) - 1} more)" if len(places) > 1 else "")


def _entry(config: Mapping, protocol: str, role: str, run: str) -> Entry:
    declared = config[f"{role}s"][run]
    settings = _settings(config, protocol, role, run)
    selection, teacher, start = (settings.pop(key) for key in ("selection", "teacher", "start"))
    if teacher:
        teacher = _teach(config, protocol, teacher, settings)
    elif settings.get("recorded_maps"):
        raise ValueError("recorded_maps: without a teacher no maps are recorded; remove this key")
    else:
        _resolve_terms(settings, None)
    if start:
        source = config["weights"][start]
        settings["start"] = {"kind": source["kind"], "sha256": source["sha256"]}
    entry = Entry(
        protocol=protocol,
        run=run,
        role=role,
        label=declared["label"],
        selection=selection,
        seeds=tuple(config["seeds"][f"{role}s"]),
        teacher=teacher,
        pretrained=config["weights"][start]["file"] if start else None,
        settings=settings,
    )
    problems = list(consistency.problems(entry.resolve(entry.seeds[0]), config["evaluation"]["resolutions"]))
    if problems:
        raise ValueError(*problems)
    return entry


def _teach(config: Mapping, protocol: str, teacher: str, student: dict) -> tuple[str, str]:
    """Add the teacher to a student's settings; return protocol and id of the teacher's run."""
    provider = protocols.provider(config, protocol, teacher)
    if provider is None:
        known = ", ".join(name for name in config["teachers"] if protocols.has(config, protocol, name))
        raise ValueError(
            f"teacher: the protocol '{protocol}' has no run '{teacher}'; name one of its teachers"
            f" (known: {known})"
        )
    own = _settings(config, provider, "teacher", teacher)
    seed = config["seeds"]["teachers"][0]
    student["teacher"] = {"run": teacher, "seed": seed, "weights": own["selection"]}
    patches = student["model"]["patch_size"], own["model"]["patch_size"]
    if patches[0] != patches[1]:
        raise ValueError(
            f"model.patch_size: {patches[0]}, but its teacher {teacher} has {patches[1]}; their saliency"
            " maps are compared patch by patch, so use a teacher with the same patch size"
        )
    _resolve_terms(student, own)
    return provider, teacher


def _settings(config: Mapping, protocol: str, role: str, run: str) -> dict:
    """The settings of a run as nested plain values: recipe, then run, then protocol."""
    declared = config[f"{role}s"][run]
    method = config["methods"][declared["method"]]
    named = declared.get("recipe", role)
    changes = protocols.settings_of(config, protocol)
    recipe = merge(config["recipes"][named], changes["recipes"].get(named, {}))
    own = merge(declared.get("set", {}), changes["overrides"].get(run, {}))
    unused = sorted(set(own.get("losses", {})) - set(method["losses"]))
    if unused:
        raise ValueError(
            *(
                f"losses.{term}: set for this run, but its method does not use it; remove it"
                for term in unused
            )
        )
    changed = merge(recipe, own)
    dataset = config["datasets"][changed["dataset"]]
    defaults = {
        "model": config["models"][declared["model"]]
        | {"image_size": dataset["image_size"], "classes": dataset["classes"]},
        "stages": config["curricula"][method["curriculum"]],
        "normalization": dataset["normalization"],
        "selection": changes["selection"],
        "teacher": declared.get("teacher"),
        "start": None,
    }
    settings = merge(defaults, changed)
    absent = [term for term in method["losses"] if term not in recipe["losses"]]
    if absent:
        raise ValueError(
            *(f"losses.{term}: its method uses this loss; add it to its recipe" for term in absent)
        )
    settings["losses"] = {term: settings["losses"][term] for term in method["losses"]}
    _give_token(settings)
    return settings


def _give_token(settings: dict) -> None:
    """Move the distillation token into the network of a student that needs its head, or has none."""
    token = settings.pop("distillation_token", None)
    needing = [name for name in settings["losses"] if TERMS[name].Settings.needs_distillation_head]
    if needing and token is None:
        raise ValueError(
            f"distillation_token: a student with {needing[0]} needs one; add it to its recipe,"
            " such as {start: random, position: true}"
        )
    if needing or (token or {}).get("without_head"):
        settings["model"]["distillation_token"] = token


def _resolve_terms(student: dict, teacher: Mapping | None) -> None:
    """Bring the loss terms, and the maps to record, into the form of a resolved run."""
    model, taught_by = student["model"], teacher and teacher["model"]
    for name, entry in student["losses"].items():
        student["losses"][name] = TERMS[name].Settings.resolve(entry, model, taught_by)
    if student.get("recorded_maps"):
        maps = map_settings.with_blocks(student["recorded_maps"], model, taught_by, "recorded_maps")
        student["recorded_maps"] = maps


def _structure(settings: Mapping, seed: int) -> spec.Run:
    values = {key: value for key, value in settings.items() if value is not None}
    values["model"] = {key: value for key, value in values["model"].items() if key != "saliency_layers"}
    values["seed"] = seed
    # Settings that change a part of others, or replace them, are complete only now.
    if wrong := configuration.violations(spec.RUN, values):
        raise ValueError(*wrong)
    return spec.from_mapping(values)
