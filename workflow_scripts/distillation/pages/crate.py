"""What an archive of results says of itself to machines: a Workflow Run RO-Crate."""

import datetime
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rocrate.model.contextentity import ContextEntity
from rocrate.rocrate import ROCrate

from distillation.core import checksums, finished_runs, yaml_files
from distillation.core.errors import InputError

METADATA = "ro-crate-metadata.json"
WORKFLOW = "Snakefile"
# What an archive has of a study's settings.
SETTINGS = "switches/switches.csv"
_PROFILES = {"process": "Process Run Crate", "workflow": "Workflow Run Crate"}
_VERSION = "0.6"
# Python's own list depends on its version and on the machine.
_FORMS = {
    **{".csv": "text/csv", ".html": "text/html", ".json": "application/json", ".md": "text/markdown"},
    **{".png": "image/png", ".svg": "image/svg+xml", ".tex": "application/x-tex"},
}


def metadata(folder: Path, files: Iterable[Path], workflow: Path, citation: Path, snakemake: str) -> bytes:
    """The content of ro-crate-metadata.json; equal inputs give equal bytes.

    The action that made the results begins with the first training and ends with the last epoch of all.

    Args:
        folder: of the results of a study; paths in the archive are relative to it.
        files: what is packed of it, with the run.json and history.csv of each training.
        workflow: the Snakefile, which is at the top of the archive.
        citation: a CITATION.cff with title, version, authors and the SPDX name of a license.
        snakemake: its version.

    Raises:
        InputError: no training is packed, or the files of one or the citation are missing or damaged.
    """
    packed = {path.relative_to(folder).as_posix(): path for path in files}
    records = [path for path in packed.values() if path.name == finished_runs.RECORD]
    if not records:
        raise InputError(f"{folder}: no finished run of this study is packed; choose one (the key select).")
    started, ended = zip(*map(_times, records), strict=True)
    software = yaml_files.read(citation)
    crate = ROCrate()
    name = software["license"]
    terms = _add(crate, f"https://spdx.org/licenses/{name}", "CreativeWork", name)
    authors = [_author(crate, number, **person) for number, person in enumerate(software["authors"], 1)]
    crate.name = f"Results of the study {folder.name}"
    crate.description = (
        "Tables, figures, evaluations and records of trainings, without weights. The code of a training is"
        " that of the commit in its run.json; the Snakefile is its entry."
    )
    crate.license, crate.datePublished = terms, max(ended)
    for name, title in _PROFILES.items():
        profile = f"https://w3id.org/ro/wfrun/{name}/{_VERSION}"
        entity = _add(crate, profile, ["CreativeWork", "Profile"], title, version=_VERSION)
        crate.root_dataset.append_to("conformsTo", entity)
    about = {"name": software["title"], "version": software["version"], "license": terms, "author": authors}
    language = {"main": True, "lang": "snakemake", "lang_version": snakemake}
    main = crate.add_workflow(dest_path=WORKFLOW, properties=_facts(workflow) | about, **language)
    parts = {name: crate.add_file(None, name, properties=_facts(packed[name])) for name in sorted(packed)}
    action = _add(
        crate,
        "#run",
        "CreateAction",
        f"Run of the study {folder.name}",
        startTime=min(started).isoformat(),
        endTime=max(ended).isoformat(),
        actionStatus="http://schema.org/CompletedActionStatus",
        instrument=main,
        object=[part for name, part in parts.items() if name == SETTINGS],
        result=[part for name, part in parts.items() if name != SETTINGS],
    )
    crate.root_dataset.append_to("mentions", action)
    return (json.dumps(crate.metadata.generate(), indent=2, sort_keys=True) + "\n").encode()


def _add(crate: ROCrate, name: str, kind: str | list[str], title: str, **properties: Any) -> ContextEntity:
    """An entity that is no file, with those properties that have a value."""
    entity = crate.add(ContextEntity(crate, name, properties={"@type": kind, "name": title}))
    for key, value in properties.items():
        if value:
            entity[key] = value
    return entity


def _author(crate: ROCrate, number: int, **person: str) -> ContextEntity:
    kind = "Organization" if "name" in person else "Person"
    title = person.get("name") or f"{person['given-names']} {person['family-names']}"
    return _add(crate, f"#author-{number}", kind, title)


def _facts(path: Path) -> dict[str, str]:
    form = _FORMS.get(path.suffix, "text/plain")
    return {"contentSize": str(path.stat().st_size), "sha256": checksums.sha256(path), "encodingFormat": form}


def _times(record: Path) -> tuple[datetime.datetime, datetime.datetime]:
    """When a training began, and when its last epoch ended."""
    sessions = finished_runs.record(record)["sessions"]
    first, last = (datetime.datetime.fromisoformat(sessions[index]["started"]) for index in (0, -1))
    rows = finished_runs.history(record.with_name("history.csv"))
    since = [float(row["seconds"]) for row in rows if int(row["global_epoch"]) >= sessions[-1]["from_epoch"]]
    return first, last + datetime.timedelta(seconds=round(sum(since)))
