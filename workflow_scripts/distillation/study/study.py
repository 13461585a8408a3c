"""Resolve a plain configuration into runs, or list all its errors.

Free of torch, so that planning a study is fast and works on a login node.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from pydantic import TypeAdapter

from distillation.core.errors import InputError
from distillation.data.dataset_settings import FORMATS, IMAGES_DECIDED_BY
from distillation.networks import map_settings, start_settings
from distillation.networks.families import Network
from distillation.networks.model_settings import ALL_RECIPE_KEYS, FAMILIES, RECIPE_KEYS, AnyModelEntry
from distillation.networks.terms import TERMS
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study import configuration, protocols, spec
from distillation.study.problems import claim_references, consistency, cross_references, recorded_maps
from distillation.study.protocols import merge

_MODEL_ENTRY = TypeAdapter(AnyModelEntry)
# What a study may leave out and others list.
_MISSING_BLOCKS = {
    **{"teachers": {}, "tables": {}, "figures": {}, "evaluation": {"resolutions": []}},
    **{"note": "", "no_verdict": ""},
}


@dataclass(frozen=True)
class Entry:
    """A run of one protocol, for all its seeds.

    Attributes:
        teacher: protocol and id of the run that teaches it, if one does.
        pretrained: the entry of `weights` that it starts from; None for random weights.
        records_maps: whether saliency maps are recorded in its training.
        stores_answers: whether it reads the stored answers of its teacher; see `Run.stores_answers`.
        images: number of training images of its data set, before split and limit.
        settings: of all its seeds; the seed of its teacher is a number or, as in `seeds.taught_by`, "same" or
            "each".
    """

    protocol: str
    run: str
    role: str
    label: str
    selection: str
    seeds: tuple[TrainingSeed, ...]
    teacher: tuple[str, str] | None
    pretrained: str | None
    records_maps: bool
    stores_answers: bool
    images: int
    settings: Mapping

    def resolve(self, seed: TrainingSeed) -> spec.Run:
        """The training with this seed.

        Raises:
            InputError: the seed names a teacher, but its protocol has no student for each teacher.
        """
        if seed.teacher and self.settings.get("teacher", {}).get("seed") != "each":
            raise InputError(
                f"{self.protocol}/{self.run}, seed {seed}: it is not trained with each teacher; name seed"
                f" {seed.number}, or set `seeds.taught_by: each` if it has a teacher."
            )
        return _structure(self.settings, seed)


@dataclass(frozen=True)
class Training:
    """One training, as a job needs it.

    Attributes:
        study: id of the study.
        entry: its run, for all seeds.
        seed: its seed, by which it is named.
        run: the run with this seed.
        teacher: the training of its teacher, if it has one.
    """

    study: str
    entry: Entry
    seed: TrainingSeed
    run: spec.Run
    teacher: spec.Run | None

    @property
    def identity(self) -> dict[str, str]:
        """Study, protocol, id, role and seed; not its label, whose change must not cause a training."""
        own = self.entry
        named = {"study": self.study, "protocol": own.protocol, "run": own.run, "role": own.role}
        return named | {"seed": str(self.seed)}

    @property
    def teacher_model(self) -> Network | None:
        """The network of its teacher, if it has one."""
        return self.teacher and self.teacher.model


@dataclass(frozen=True)
class Study:
    """All runs of a study by (protocol, run): protocols to reproduce first, in each teachers first.

    Attributes:
        name: its id, the name of its folder.
        config: its settings with their overlays, checked.
        reproduced: ids of the protocols to reproduce.
        entries: every run of every protocol, reproduced or not.
        selected: protocol and run of what `select` names; their teachers are chosen too.
        only: if given, the only trainings that are chosen, each by protocol, run and seed.
    """

    name: str
    config: Mapping
    reproduced: tuple[str, ...]
    entries: Mapping[tuple[str, str], Entry]
    selected: frozenset[tuple[str, str]]
    only: frozenset[tuple[str, str, TrainingSeed]] | None = None

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

    def teacher_of(self, protocol: str, run: str, seed: TrainingSeed) -> spec.Run | None:
        """The training of a run's teacher; None without a teacher."""
        entry = self.entries[protocol, run]
        teacher = entry.resolve(seed).teacher
        return self.entries[entry.teacher].resolve(TrainingSeed(teacher.seed)) if teacher else None

    def training(self, protocol: str, run: str, seed: TrainingSeed) -> Training:
        """The training of a run with a seed."""
        entry = self.entries[protocol, run]
        teacher = self.teacher_of(protocol, run, seed)
        return Training(self.name, entry, seed, entry.resolve(seed), teacher)

    def limited_to(self, trainings: Iterable[tuple[str, str, TrainingSeed]]) -> "Study":
        """The same study with only these trainings, each by protocol, run and seed."""
        return replace(self, only=frozenset(trainings), selected=frozenset(self.entries))

    def seeds_of(self, entry: Entry) -> tuple[TrainingSeed, ...]:
        """The chosen seeds of a run."""
        return tuple(
            seed
            for seed in entry.seeds
            if self.only is None or (entry.protocol, entry.run, seed) in self.only
        )


def resolve(name: str, config: Mapping) -> Study:
    """All runs of a study.

    Args:
        name: its id.
        config: the content of its study.yaml, overlays merged.

    Raises:
        ConfigurationError: with every error of the settings.
    """
    config = _MISSING_BLOCKS | dict(config)
    errors = configuration.violations(configuration.STUDY_FILE, config)
    errors += cross_references.reference_errors(config)
    errors += claim_references.errors(config)
    errors = errors or list(consistency.of_datasets(config["datasets"]))
    if not errors:
        entries, errors = _entries(config)
        taught = {key: entry.records_maps for key, entry in entries.items() if entry.teacher}
        if not errors:
            errors = [*protocols.absences(config), *claim_references.absences(config)]
            errors += recorded_maps.problems(config, taught)
    if errors:
        raise configuration.ConfigurationError([f"{name}: {error}" for error in errors])
    return Study(name, config, tuple(config["reproduce"]), entries, protocols.selected(config))


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
    settings, network = _settings(config, protocol, role, run)
    selection, teacher, start = (settings.pop(key) for key in ("selection", "teacher", "start"))
    seeds, teaching = protocols.trainings_of(config, role, is_taught=bool(teacher)), None
    if teacher:
        teacher, teaching = _teach(config, protocol, teacher, settings)
    elif settings.get("recorded_maps"):
        raise ValueError("recorded_maps: without a teacher no maps are recorded; remove this key")
    _resolve_terms(settings, network, teaching)
    settings["model"] = spec.model_to_mapping(network)
    if start:
        settings["start"] = start_settings.published_file(config["weights"][start]).start()
    training = _structure(settings, seeds[0])
    dataset = config["datasets"][training.dataset]
    tested = config["evaluation"]["resolutions"]
    problems = list(consistency.problems(training, teaching, tested, "split" in dataset))
    if problems:
        raise ValueError(*problems)
    return Entry(
        protocol=protocol,
        run=run,
        role=role,
        label=declared["label"],
        selection=selection,
        seeds=seeds,
        teacher=teacher,
        pretrained=start,
        records_maps=training.maps_beside(teaching) is not None,
        stores_answers=training.stores_answers(teaching),
        images=FORMATS[dataset["format"]].train,
        settings=settings,
    )


def _teach(config: Mapping, protocol: str, teacher: str, student: dict) -> tuple[tuple[str, str], Network]:
    """Add the teacher to a student's settings; return protocol and id of its run, and its network."""
    provider = protocols.provider(config, protocol, teacher)
    if provider is None:
        known = configuration.listed(
            name for name in config["teachers"] if protocols.has(config, protocol, name)
        )
        raise ValueError(
            f"teacher: the protocol '{protocol}' has no run '{teacher}'; name one of its teachers {known}"
        )
    own, network = _settings(config, provider, "teacher", teacher)
    taught_by = protocols.taught_by(config)
    seed = protocols.seeds_of(config, "teacher")[0] if taught_by == "first" else taught_by
    student["teacher"] = {"run": teacher, "weights": own["selection"], "seed": seed}
    first, second = (config["datasets"][each["dataset"]] for each in (own, student))
    if any(first.get(key) != second.get(key) for key in IMAGES_DECIDED_BY):
        raise ValueError(
            f"dataset: '{student['dataset']}', but its teacher {teacher} learns from '{own['dataset']}',"
            " which has other images; name the same for both, or make format, split and limit equal"
        )
    return (provider, teacher), network


def _settings(config: Mapping, protocol: str, role: str, run: str) -> tuple[dict, Network]:
    """The settings of a run as nested plain values (recipe, then run, then protocol), and its network."""
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
    family = merge(config["models"][declared["model"]], own.get("model", {}))["family"]
    foreign = sorted(ALL_RECIPE_KEYS & own.keys() - RECIPE_KEYS.get(family, frozenset()))
    if foreign:
        raise ValueError(
            *(
                f"{key}: set for this run, but not of networks of the family '{family}'; remove it"
                for key in foreign
            )
        )
    dataset = config["datasets"][changed["dataset"]]
    defaults = {
        "model": config["models"][declared["model"]],
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
    return settings, _network(settings, dataset)


def _network(settings: dict, dataset: Mapping) -> Network:
    """The network of a run, by its model and the recipe's keys for its family; these are taken out."""
    # Settings that change a part of others, or replace them, are complete only now.
    if wrong := configuration.violations(_MODEL_ENTRY, settings["model"]):
        raise ValueError(*(f"model.{text}" for text in wrong))
    family = settings["model"]["family"]
    of_families = {key: settings.pop(key) for key in ALL_RECIPE_KEYS & settings.keys()}
    recipe = {key: value for key, value in of_families.items() if key in RECIPE_KEYS.get(family, ())}
    terms = [name for name in settings["losses"] if TERMS[name].Settings.on_distillation_head]
    images = FORMATS[dataset["format"]]
    size = dataset.get("image_size", images.image_size)
    entry = settings["model"] | {"image_size": size, "classes": len(images.classes)}
    model = FAMILIES[family].Settings.resolve(entry, recipe, terms)
    if wrong := configuration.violations(spec.MODEL, model):
        raise ValueError(*(f"model.{text}" for text in wrong))
    return spec.model_from_mapping(model)


def _resolve_terms(settings: dict, network: Network, teacher: Network | None) -> None:
    """Bring the loss terms, and the maps to record, into the form of a resolved run."""
    model = settings["model"]
    for name, entry in settings["losses"].items():
        settings["losses"][name] = TERMS[name].Settings.resolve(entry, model, network, teacher)
    if maps := settings.get("recorded_maps"):
        resolved = map_settings.with_blocks(maps, model, network, teacher, "recorded_maps")
        settings["recorded_maps"] = resolved


def _structure(settings: Mapping, seed: TrainingSeed) -> spec.Run:
    values = {key: value for key, value in settings.items() if value is not None} | {"seed": seed.number}
    if "teacher" in values:
        named = values["teacher"]["seed"]
        own = {"same": seed.number, "each": seed.teacher}.get(named, named)
        values["teacher"] = values["teacher"] | {"seed": own}
    # Settings that change a part of others, or replace them, are complete only now.
    if wrong := configuration.violations(spec.RUN, values):
        raise ValueError(*wrong)
    return spec.from_mapping(values)
