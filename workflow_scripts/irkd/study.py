"""From a plain configuration to resolved runs, or to the list of all that is wrong with it.

Free of torch, so that planning a study costs nothing and works on a login node.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import cattrs

from irkd import configuration, spec
from irkd.errors import UserError


@dataclass(frozen=True)
class Entry:
    """A run of one protocol, for all its seeds."""

    protocol: str
    run: str
    role: str
    label: str
    selection: str
    seeds: tuple[int, ...]
    teacher: str | None
    settings: Mapping

    def resolve(self, seed: int) -> spec.Run:
        """The training with this seed."""
        return _structure(self.settings, seed)


@dataclass(frozen=True)
class Study:
    """All runs of a study that are to be reproduced, by (protocol, run), teachers first."""

    name: str
    note: str
    entries: Mapping[tuple[str, str], Entry]
    selected: frozenset[str]

    def chosen(self, role: str | None = None) -> Iterator[Entry]:
        """The entries to train and evaluate; of one role, or of both."""
        for entry in self.entries.values():
            if entry.run in self.selected and role in (None, entry.role):
                yield entry


def resolve(config: Mapping, schema: Mapping, source: str) -> Study:
    """All runs of a configuration.

    Args:
        config: the configuration, overlays merged.
        schema: its JSON Schema.
        source: the file names for error messages.

    Raises:
        UserError: with every error of the configuration, one a line.
    """
    errors = configuration.schema_errors(config, schema) + configuration.reference_errors(config)
    if not errors:
        entries, errors = _entries(config)
    if errors:
        lines = "\n".join(f"  {source}: {error}" for error in errors)
        noun = "error" if len(errors) == 1 else "errors"
        raise UserError(f"{len(errors)} {noun} in the configuration:\n{lines}")
    runs = {**config["teachers"], **config["students"]}
    chosen = set(config.get("select") or runs)
    chosen |= {runs[run]["teacher"] for run in chosen if "teacher" in runs[run]}
    return Study(config["study"], config.get("note", ""), entries, frozenset(chosen))


def merge(base: Mapping, *overlays: Mapping) -> dict:
    """Nested mappings merged key by key; any other value, lists included, is replaced."""
    merged = dict(base)
    for overlay in overlays:
        for key, value in overlay.items():
            old = merged.get(key)
            both = isinstance(old, Mapping) and isinstance(value, Mapping)
            merged[key] = merge(old, value) if both else value
    return merged


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
    """The entries, or their errors; one that several runs share is told once."""
    entries: dict[tuple[str, str], Entry] = {}
    errors: dict[str, list[str]] = {}
    for protocol in config["reproduce"]:
        for role, block in (("teacher", "teachers"), ("student", "students")):
            for run in config[block]:
                try:
                    entries[protocol, run] = _entry(config, protocol, role, run)
                except ValueError as error:
                    where = f"{block}.{run}" + (f" ({protocol})" if len(config["reproduce"]) > 1 else "")
                    for text in error.args:
                        errors.setdefault(text, []).append(where)
    return entries, [f"{_first(places)}: {text}" for text, places in errors.items()]


def _first(places: list[str]) -> str:
    more = len(places) - 1
    return places[0] + (f" (and {more} more)" if more else "")


def _entry(config: Mapping, protocol: str, role: str, run: str) -> Entry:
    declared = config[f"{role}s"][run]
    reading = config["protocols"][protocol]
    settings = _settings(config, protocol, role, run)
    selection = settings.pop("selection", reading["selection"])
    teacher = declared.get("teacher")
    if teacher:
        own = _settings(config, protocol, "teacher", teacher)
        weights = own.pop("selection", reading["selection"])
        settings["teacher"] = {"run": teacher, "seed": config["seeds"]["teachers"][0], "weights": weights}
        patches = settings["model"]["patch_size"], own["model"]["patch_size"]
        if patches[0] != patches[1]:
            raise ValueError(
                f"model.patch_size: {patches[0]}, but {patches[1]} of its teacher {teacher}; their saliency"
                " maps are compared patch by patch, so use a teacher with the same"
            )
        _resolve_layers(settings, own)
    entry = Entry(
        protocol=protocol,
        run=run,
        role=role,
        label=declared["label"],
        selection=selection,
        seeds=tuple(config["seeds"][f"{role}s"]),
        teacher=teacher,
        settings=settings,
    )
    problems = list(_problems(entry.resolve(entry.seeds[0]), config["evaluation"]["resolutions"]))
    if problems:
        raise ValueError(*problems)
    return entry


def _settings(config: Mapping, protocol: str, role: str, run: str) -> dict:
    """The settings of a run as nested plain values: recipe, then run, then protocol."""
    declared = config[f"{role}s"][run]
    method = config["methods"][declared["method"]]
    recipe = config["recipes"][declared.get("recipe", role)]
    overrides = config["protocols"][protocol].get("overrides", {}).get(run, {})
    own = merge(declared.get("set", {}), overrides)
    unused = sorted(set(own.get("losses", {})) - set(method["losses"]))
    if unused:
        raise ValueError(
            *(
                f"losses.{term}: set for this run, but its method does not count it; remove it"
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
    }
    settings = merge(defaults, changed)
    absent = [term for term in method["losses"] if term not in settings["losses"]]
    if absent:
        raise ValueError(
            *(f"losses.{term}: its method counts this loss; add it to its recipe" for term in absent)
        )
    settings["losses"] = {term: settings["losses"][term] for term in method["losses"]}
    token = settings.pop("distillation_token", None)
    if "kd" in settings["losses"]:
        if token is None:
            raise ValueError(
                "distillation_token: a student with kd needs one; add it to its recipe,"
                " such as {start: random, position: true}"
            )
        settings["model"]["distillation_token"] = token
    return settings


def _resolve_layers(student: dict, teacher: Mapping) -> None:
    """Replace the names of the layers whose saliency maps are compared by block indices."""
    saliency = student["losses"].get("saliency")
    named = student["model"].pop("saliency_layers", None)
    if saliency is None:
        return
    saliency = dict(saliency)
    for key, model in (("student_layers", student["model"]), ("teacher_layers", teacher["model"])):
        layers = saliency.get(key, named)
        if layers is None:
            raise ValueError(
                "model.saliency_layers: a loss with saliency needs them; add them to its model,"
                " such as [first, second, last]"
            )
        saliency[key] = layer_indices(layers, model["depth"])
        if max(saliency[key]) >= model["depth"]:
            raise ValueError(
                f"losses.saliency.{key}: no block {max(saliency[key])} at depth {model['depth']};"
                f" blocks are 0 to {model['depth'] - 1}"
            )
    student["losses"]["saliency"] = saliency


def layer_indices(layers: str | list, depth: int) -> list[int]:
    """Zero-based block indices of layers given by name, by index, or as "all"."""
    if layers == "all":
        return list(range(depth))
    names = {"first": 0, "second": 1, "last": depth - 1}
    return [names.get(layer, layer) for layer in layers]


def _structure(settings: Mapping, seed: int) -> spec.Run:
    values = {key: value for key, value in settings.items() if value is not None}
    values["model"] = {key: value for key, value in values["model"].items() if key != "saliency_layers"}
    try:
        return spec.from_mapping({**values, "seed": seed})
    except cattrs.BaseValidationError as error:
        # The schema has seen types and unknown keys; a setting made by `set` can be incomplete.
        missing = cattrs.transform_error(error, path="", format_exception=lambda *_: "")
        paths = [text.removeprefix(" @ ").removeprefix(".") for text in missing]
        raise ValueError(*(f"{path}: this key is missing; add it" for path in paths)) from error


def _problems(run: spec.Run, tested: list[int]) -> Iterator[str]:
    """What no schema can see: values that do not fit each other."""
    model, size, patch = run.model, run.model.image_size, run.model.patch_size
    if model.width % model.heads:
        yield f"model.heads: {model.heads} heads do not divide a width of {model.width}; change one"
    if size % patch:
        yield f"model.patch_size: {patch} does not divide the image size {size}; use one that does"
    shown = {f"stages.{index}.resolution": stage.resolution for index, stage in enumerate(run.stages)}
    shown |= {f"evaluation.resolutions.{index}": resolution for index, resolution in enumerate(tested)}
    for path, resolution in shown.items():
        if resolution > size:
            yield f"{path}: {resolution} is too large; the images have {size} px"
        elif resolution % patch and size % patch == 0:
            below = resolution - resolution % patch
            near = " or ".join(str(side) for side in (below, below + patch) if side)
            yield f"{path}: {resolution} is no multiple of the patch size {patch}; write {near}"
    if run.mixing and run.teacher:
        yield "mixing: mixed images are for runs without a teacher; remove it, or set it to null"
    if run.mixing and run.batch_size < 2:
        yield "batch_size: mixing needs at least 2 images in a batch; write 2 or more"
    if saliency := run.losses.saliency:
        pairs = len(saliency.student_layers), len(saliency.teacher_layers)
        if pairs[0] != pairs[1]:
            yield (
                f"losses.saliency: {pairs[0]} layers of the student for {pairs[1]} of the teacher; they are"
                " compared in pairs, so name as many student_layers as teacher_layers"
            )
