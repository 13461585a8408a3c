"""Two folders of results, A and B, run by run: what differs in settings, inputs, weights and accuracies."""

import json
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from distillation.core import finished_runs
from distillation.core.errors import InputError
from distillation.pages.documents import Document, Section
from distillation.statistics import evaluations
from distillation.study import evidence

_KEY = ["study", "protocol", "run", "seed"]
# What is compared, in the order of pages: its heading and caption.
_KINDS = {
    "run": ("Runs in one folder alone", "Of these, nothing else is compared."),
    "settings": ("Settings", "Keys as in the spec of run.json."),
    "digests": ("Code, inputs and weights", "The first 12 digits of each SHA-256."),
    "accuracy": ("Test accuracy (%)", "Of the weights that the protocol selects."),
    "machine": ("Device and torch", "Not counted as a difference."),
}


def compare(a: Path, b: Path) -> pd.DataFrame:
    """What is compared of two folders; each is that of a study or holds those of several.

    Returns:
        Columns study, protocol, run, seed, kind ("run", "settings", "digests", "accuracy" or "machine"),
        name, A and B (texts or "absent"); of a run in one folder alone, its row of kind "run".

    Raises:
        InputError: a folder or a file cannot be read, or a folder has no finished run, or one twice.
    """
    sides = pd.concat([_values(a), _values(b)], axis=1, keys=["A", "B"]).fillna("absent")
    rows = sides.rename_axis([*_KEY, "kind", "name"]).reset_index()
    alone = rows[(rows["kind"] == "run") & (rows["A"] != rows["B"])]
    in_both = ~pd.MultiIndex.from_frame(rows[_KEY]).isin(pd.MultiIndex.from_frame(alone[_KEY]))
    return rows[in_both | (rows["kind"] == "run")].sort_values(_KEY, kind="stable", ignore_index=True)


def differing(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of `compare` that differ; those of kind "machine" do not count."""
    return rows[rows["A"] != rows["B"]]


def _values(folder: Path) -> pd.Series:
    found, paths = {}, {}
    try:
        for study in [own for own in (folder, *_below([folder])) if (own / "runs").is_dir()]:
            for place in _below(_below(_below([study / "runs"]))):
                path = place / finished_runs.RECORD
                # A training that has begun has none.
                if path.exists():
                    test = study / f"evaluation/{place.relative_to(study / 'runs')}.json"
                    key, values = _of_run(path, test)
                    if paths.setdefault(key, path) != path:
                        raise InputError(f"{path}: {paths[key]} is of this run too; compare study by study.")
                    found |= {(*key, *name): value for name, value in values.items()}
    except OSError as error:
        raise InputError(f"{error.filename}: it cannot be read ({error.strerror}); name another.") from error
    if not found:
        raise InputError(f"{folder}: no finished run is here; name the folder of a study or of several.")
    return pd.Series(found)


def _below(folders: Iterable[Path]) -> list[Path]:
    return [path for folder in folders for path in sorted(folder.iterdir()) if path.is_dir()]


def _of_run(path: Path, test: Path) -> tuple[tuple[str, ...], dict[tuple[str, str], str]]:
    """Study, protocol, run and seed of a record, and texts by kind and name."""
    record, tested = finished_runs.record(path), evaluations.read(test) if test.exists() else None
    try:
        found = {("run", ""): "present"}
        found |= {("settings", name): json.dumps(value) for name, value in evidence.settings(record["spec"])}
        inputs = {name: record["sha256"].get(name) for name in ("code", "data", "teacher", "pretrained")}
        found |= {("digests", name): digest for name, digest in inputs.items() if digest}
        found |= {("digests", f"{name} weights"): own["sha256"] for name, own in record["weights"].items()}
        for name, source in (("device", "name"), ("torch", "torch_build")):
            found["machine", name] = " + ".join({session[source]: None for session in record["sessions"]})
        if tested:
            share, weights = tested.accuracy(), tested.selection
            found["accuracy", ""] = f"{share.percent:.2f} ({share.correct} of {share.images}, {weights})"
        return tuple(str(record[name]) for name in _KEY), found
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: it or its evaluation is incomplete ({error!r}); {finished_runs.FIX}."
        ) from error


def summary(rows: pd.DataFrame) -> str:
    """How many runs differ in what, a line each."""
    runs = rows[rows["kind"] == "run"]
    lines = [f"{(runs['A'] == runs['B']).sum()} of {len(runs)} runs are in both folders; those that differ:"]
    for kind in list(_KINDS)[1:]:
        own = differing(rows[rows["kind"] == kind])
        names = f" ({', '.join(own['name'].unique())})" if own["name"].any() else ""
        lines.append(f"{_KINDS[kind][0]}: {len(own[_KEY].drop_duplicates())}{names}")
    return "\n".join(lines)


def document(rows: pd.DataFrame, a: Path, b: Path) -> Document:
    """All accuracies, and what differs, in the `rows` of `compare`; it has the paths of A and B."""
    sections = []
    for kind, (heading, caption) in _KINDS.items():
        own = rows[rows["kind"] == kind]
        own = (own if kind == "accuracy" else differing(own)).set_index(_KEY)[["name", "A", "B"]]
        table = own.set_axis([f"{', '.join(key[:3])}, seed {key[3]}" for key in own.index])
        if kind == "digests":
            table = table.map(lambda text: text[:12])
        if kind in ("run", "accuracy"):
            table = table.drop(columns="name")
        if kind == "accuracy":
            shares = [own[side].str.extract(r"(\d+) of (\d+)").astype(float) for side in "AB"]
            points = 100 * (shares[1][0] / shares[1][1] - shares[0][0] / shares[0][1])
            table["B - A (points)"] = points.map("{:+.2f}".format).to_numpy()
        if len(own) or kind == "accuracy":
            sections.append(Section(heading, table.replace("+nan", "-"), caption))
    return Document("Two folders of results", f"A: {a}, B: {b}", sections, summary(rows).splitlines())
