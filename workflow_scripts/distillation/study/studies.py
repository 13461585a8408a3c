"""Read the configuration of a workflow, and the studies that it names; free of torch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from distillation.core import yaml_files
from distillation.data.dataset_settings import FORMATS, IMAGES_DECIDED_BY
from distillation.study import study
from distillation.study.configuration import WORKFLOW_FILE, ConfigurationError, suggestion, violations
from distillation.study.forms.study_file import StudyFile
from distillation.study.forms.workflow_file import Paths, WorkflowFile
from distillation.study.protocols import merge
from distillation.study.study import Study

# Names that no study and no protocol can have: targets, other rules, and folders beside those of studies.
TARGETS = frozenset(
    {
        *("all", "data", "teachers", "students", "evaluation", "tables", "figures", "claims"),
        *("provenance", "bridge", "controls", "best", "check", "archive", "reference", "reference_rebuild"),
    }
)
RULES = frozenset({"train", "distill", "answer", "evaluate"})
FOLDERS = frozenset({"data", "downloads", "reference", "rebuilt", "bench", "demo", "check", "cpu"})

_PATHS = TypeAdapter(Paths)
_WORKFLOW_KEYS = frozenset(field.name for field in fields(WorkflowFile))
_STUDY_KEYS = frozenset(field.name for field in fields(StudyFile))


def configuration(files: Sequence[Path]) -> dict[str, Any]:
    """The content of `config.yaml` and its overlays, merged in this order.

    Raises:
        InputError: see `yaml_files.read`.
    """
    return merge(*yaml_files.read_all(files))


def paths(config: Mapping) -> Paths:
    """Where generated and kept files are, of a configuration without errors."""
    return _PATHS.validate_python(config["pathvars"])


def resolve(config: Mapping, folder: Path, source: str) -> dict[str, Study]:
    """The studies of a workflow by id: those of `studies` in their order, then those of `on_request`.

    Args:
        config: the content of `config.yaml`, overlays merged.
        folder: has a folder with a `study.yaml` for each study.
        source: the names of the files, for error messages.

    Raises:
        ConfigurationError: with every error of the configuration and of its studies.
        InputError: of a `study.yaml`; see `yaml_files.read`.
    """
    return resolve_declared(config, declared(config, folder), folder, source)


def declared(config: Mapping, folder: Path) -> dict[str, Mapping]:
    """The content of the `study.yaml` of each study that is there, merged with what overlays change in it."""
    files = {name: folder / name / "study.yaml" for name in _names(config)}
    there = {name: path for name, path in files.items() if path.is_file()}
    contents = dict(zip(there, yaml_files.read_all(there.values()), strict=True))
    changes = {name: config.get(name, {}) for name in there}
    return {
        name: merge(content, changes[name] if isinstance(changes[name], Mapping) else {})
        for name, content in contents.items()
    }


def resolve_declared(
    config: Mapping, contents: Mapping[str, Mapping], folder: Path, source: str
) -> dict[str, Study]:
    """As `resolve`, but of studies with these contents."""
    errors = [f"{source}: {error}" for error in _workflow_errors(config, contents, folder)]
    found: dict[str, Study] = {}
    for name, content in contents.items():
        try:
            found[name] = study.resolve(name, content)
        except ConfigurationError as error:
            errors += error.errors
    errors += _without_sources(config, contents)
    errors = errors or [*_shared_names(found), *_target_names(found)]
    if errors:
        raise ConfigurationError(errors)
    return found


def _names(config: Mapping) -> dict[str, str]:
    """The studies of a configuration, each with the key that lists it."""
    found: dict[str, str] = {}
    for key in ("studies", "on_request"):
        names = config.get(key)
        for name in names if isinstance(names, list) else ():
            if isinstance(name, str):
                found.setdefault(name, key)
    return found


def _workflow_errors(config: Mapping, contents: Mapping, folder: Path) -> Iterator[str]:
    yield from violations(WORKFLOW_FILE, {key: config[key] for key in config if key in _WORKFLOW_KEYS})
    execution, names = config.get("execution"), _names(config)
    graphs = isinstance(execution, Mapping) and execution.get("cuda_graphs") is True
    if graphs and execution.get("device") == "cpu":
        yield "execution.cuda_graphs: true, but execution.device is 'cpu', which has none; write auto"
    there = sorted(path.parent.name for path in folder.glob("*/study.yaml"))
    for name, listed in names.items():
        if name not in contents:
            known = suggestion(name, there)
            yield f"{listed}: no folder '{name}' with a study.yaml in {folder.name}/ {known}"
        if name in TARGETS | RULES | FOLDERS | _WORKFLOW_KEYS:
            yield (
                f"{listed}: '{name}' is the name of a target, of a folder of results or of a key; rename the"
                " folder of the study"
            )
        if name in config and not isinstance(config[name], Mapping):
            yield f"{name}: {config[name]!r} must be a mapping: what differs in the study '{name}'"
    for key in config:
        if key in _WORKFLOW_KEYS or key in names:
            continue
        if key in _STUDY_KEYS:
            name = next(iter(names), "STUDY")
            yield f"{key}: it belongs below the name of its study; write `{name}: {{{key}: ...}}`"
        elif key in there:
            yield f"{key}: this study is not in `studies` ({', '.join(names)}); add it, or remove this key"
        else:
            yield f"{key}: unknown key {suggestion(key, [*_WORKFLOW_KEYS, *there])}"


def _without_sources(config: Mapping, contents: Mapping[str, Mapping]) -> Iterator[str]:
    sources = config.get("sources")
    for name, content in contents.items() if isinstance(sources, Mapping) else ():
        datasets = content.get("datasets")
        for dataset, settings in datasets.items() if isinstance(datasets, Mapping) else ():
            kind = settings.get("format") if isinstance(settings, Mapping) else None
            if isinstance(kind, str) and kind in FORMATS and kind not in sources:
                yield (
                    f"{name}: datasets.{dataset}.format: there are no sources for '{kind}'; add them as"
                    f" `sources.{kind}`"
                )


def _shared_names(studies: Mapping[str, Study]) -> Iterator[str]:
    """Errors of names that studies use for different things."""
    owner: dict[tuple[str, str], tuple[str, object]] = {}
    for name, one in studies.items():
        # Rules tell runs with a teacher from those without one by their ids alone.
        runs = {("run", run): name for _, run in one.entries}
        datasets = {
            ("data set", dataset): [settings.get(key) for key in IMAGES_DECIDED_BY]
            for dataset, settings in one.config["datasets"].items()
        }
        kinds = {("figure", figure): shown["kind"] for figure, shown in one.config["figures"].items()}
        for key, value in {**runs, **datasets, **kinds}.items():
            other, same = owner.setdefault(key, (name, value))
            if same != value:
                yield f"{name}: {_DIFFERENT[key[0]].format(id=key[1], other=other)}"


def _target_names(studies: Mapping[str, Study]) -> Iterator[str]:
    """Errors of protocols whose target has the name of another one."""
    owner = {name: f"the study '{name}'" for name in studies}
    for name, one in studies.items():
        for protocol in one.config["protocols"]:
            if protocol in TARGETS | RULES:
                yield f"{name}: protocols.{protocol}: it is the name of a target; rename the protocol"
            own = {protocol: f"the protocol '{protocol}'"}
            own[f"{name}-{protocol}"] = f"the protocol '{protocol}' of the study '{name}'"
            for target, what in own.items():
                if (other := owner.setdefault(target, what)) != what:
                    yield (
                        f"{name}: protocols.{protocol}: its target '{target}' is also that of {other}; rename"
                        " the protocol"
                    )


_DIFFERENT = {
    "run": "the study '{other}' has a run '{id}' too; rename one of them",
    "data set": "datasets.{id}: in the study '{other}' it has another format, split or limit; rename one of"
    " them, or make them equal",
    "figure": "figures.{id}: in the study '{other}' it is of another kind; rename one of them",
}
