"""Every switch of every run: its value in each protocol and the source of that value."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import pandas as pd

from distillation.core.errors import UserError
from distillation.networks.terms import TERMS
from distillation.pages.documents import Document, Section
from distillation.study.contents import RunSettings, SettingsPage
from distillation.study.spec import OneCycle, Run, Stage, from_mapping

NO_SOURCE = "not stated"


def values(setting: RunSettings, terms: Collection[str]) -> dict[str, str]:
    """The value of each switch as text, by name of the switch.

    Args:
        setting: a run.
        terms: the terms of the loss that have switches.
    """
    run = from_mapping(setting.spec)
    found = run.model.switches() | {name: read(run) for name, read in _BEFORE_LOSSES.items()}
    for name in terms:
        found |= TERMS[name].Settings.switches(run.losses.named.get(name))
    found |= {name: read(run) for name, read in _AFTER_LOSSES.items()}
    tested = {"best": "best validation of the last stage", "last": "last epoch"}
    logged = "; every epoch is tested, which chooses nothing" if run.tests_each_epoch else ""
    averaged = f", averaged (decay {run.weight_average.decay:g})" if run.weight_average else ""
    found["weights tested"] = tested[setting.selection] + averaged + logged
    found["seeds"] = ", ".join(map(str, setting.seeds))
    return found


def used_terms(settings: Iterable[RunSettings]) -> list[str]:
    """The terms of the loss that some of these runs have."""
    return [name for name in TERMS if any(name in setting.spec["losses"] for setting in settings)]


def _stage(stage: Stage) -> str:
    own = ["head alone"] if stage.head_only else []
    own += [f"rate {stage.lr:g}"] if stage.lr else []
    return f"{stage.resolution} px x {stage.epochs}" + (f" ({', '.join(own)})" if own else "")


def _schedule(run: Run) -> str:
    shape = run.one_cycle or run.warmup_cosine
    if shape is None:
        return "constant"
    if isinstance(shape, OneCycle):
        return f"one cycle, rising for {shape.rising:.0%} of the updates"
    start = f"warm-up over {shape.warmup:.0%} of the updates, then " if shape.warmup else ""
    return f"{start}cosine to 0" + (", changed after every epoch" if shape.stepped == "epoch" else "")


def _stopping(run: Run) -> str:
    own = run.early_stopping
    if own is None:
        return "none"
    restored = {"never": "not restored", "on-stop": "restored when it stops", "always": "restored"}
    return f"patience {own.patience}, best {restored[own.restore]}"


def _teacher(run: Run) -> str:
    if run.teacher is None:
        return "none"
    scaled = f", sees the views at {run.teacher_resolution} px" if run.teacher_resolution else ""
    return f"{run.teacher.run}, {run.teacher.weights} weights{scaled}"


_DECAY = {
    "proper": "not of biases, norms, tokens and positions",
    "all": "of everything",
    "biases-only": "not of biases",
}
_RESTART = {"stage": "re-created", "never": "carried through"}

_BEFORE_LOSSES: Mapping[str, Callable[[Run], str]] = {
    "start": lambda run: run.start.words if run.start else "random",
    "data set": lambda run: run.dataset,
    "stages": lambda run: ", ".join(map(_stage, run.stages)),
    "training view": lambda run: run.views.training,
    "validation view": lambda run: run.views.validation,
    "augmentation": lambda run: run.augmentation.words,
    "mixing": lambda run: run.mixing.words if run.mixing else "none",
}
_AFTER_LOSSES: Mapping[str, Callable[[Run], str]] = {
    "teacher": _teacher,
    "optimizer": lambda run: {"adam": "Adam", "adamw": "AdamW"}[run.optimizer.name],
    "learning rate": lambda run: f"{run.optimizer.lr:g}",
    "schedule": _schedule,
    "weight decay": lambda run: f"{run.optimizer.weight_decay:g}, {_DECAY[run.optimizer.decay]}",
    "optimizer at a stage": lambda run: _RESTART[run.optimizer.restart],
    "batch size": lambda run: str(run.batch_size),
    "batches an update": lambda run: str(run.optimizer.accumulation),
    "early stopping": _stopping,
    "precision": lambda run: run.precision + (", fused blocks" if run.fused else ""),
}


def sources(settings: Sequence[RunSettings], declared: Mapping) -> dict[tuple[str, str, str], str]:
    """The source of each value, by protocol, run and switch.

    Args:
        settings: the runs.
        declared: by protocol, the sources: "default" or a switch and its source under `all`, under a role
            ("teachers", "students") or under a run in `runs`. The most specific entry is used; one for the
            switch comes before any "default".

    A value without an entry has none.

    Raises:
        UserError: an entry matches no run or switch of its protocol.
    """
    found, used, terms = {}, set(), used_terms(settings)
    for setting in settings:
        own = declared.get(setting.protocol, {})
        places = {
            ("runs", setting.run): own.get("runs", {}).get(setting.run, {}),
            (f"{setting.role}s",): own.get(f"{setting.role}s", {}),
            ("all",): own.get("all", {}),
        }
        for switch in values(setting, terms):
            keys = [(path, key) for key in (switch, "default") for path in places if key in places[path]]
            for path, key in keys[:1]:
                used.add((setting.protocol, *path, key))
                found[setting.protocol, setting.run, switch] = places[path][key]
    protocols = {setting.protocol for setting in settings}
    idle = [path for path in _leaves(declared) if path[0] in protocols and path not in used]
    if idle:
        names = ", ".join(".".join(path) for path in idle)
        raise UserError(f"these sources of switches match no setting; remove or rename them: {names}")
    return found


def _leaves(declared: Mapping) -> Iterator[tuple[str, ...]]:
    for key, value in declared.items():
        if isinstance(value, Mapping):
            yield from ((key, *rest) for rest in _leaves(value))
        else:
            yield (key,)


def table(settings: Sequence[RunSettings], declared: Mapping) -> pd.DataFrame:
    """Columns protocol, run, switch, value and source: one row for each switch of each run."""
    origin, terms = sources(settings, declared), used_terms(settings)
    rows = [
        (*key, switch, value, origin.get((*key, switch), NO_SOURCE))
        for setting in settings
        for key in [(setting.protocol, setting.run)]
        for switch, value in values(setting, terms).items()
    ]
    return pd.DataFrame(rows, columns=["protocol", "run", "switch", "value", "source"])


def document(page: SettingsPage, frame: pd.DataFrame) -> Document:
    """The page: a table for each run, its protocols side by side; `frame` is that of `table`."""
    sections = []
    for run, label in {setting.run: setting.label for setting in page.settings}.items():
        own = frame[frame["run"] == run]
        if own.empty:
            continue
        columns = {}
        for protocol, name in page.protocols.items():
            part = own[own["protocol"] == protocol].set_index("switch")
            if not part.empty:
                columns |= {name: part["value"]}
                columns |= {f"source ({name})": part["source"]} if page.sources else {}
        text = pd.DataFrame(columns).loc[list(dict.fromkeys(own["switch"]))]
        sections.append(Section(f"{label} ({run})", text.rename_axis(index=None), _differences(own)))
    return Document(page.title, page.note, sections, [_REMARK] if page.sources else [])


_REMARK = (
    "Sources are those of the values in study.yaml; a value changed by an overlay comes from the overlay."
)


def _differences(own: pd.DataFrame) -> str:
    if own["protocol"].nunique() == 1:
        return "Only in this protocol."
    distinct = own.groupby("switch", sort=False)["value"].nunique()
    return f"The protocols differ in: {', '.join(distinct[distinct > 1].index) or 'nothing'}."
