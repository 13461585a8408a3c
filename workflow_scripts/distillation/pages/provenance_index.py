"""Index from every cell of every table to the run.json behind it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from distillation.core import checksums, finished_runs
from distillation.core.errors import InputError
from distillation.pages.absent import NOT_RUN
from distillation.pages.documents import Document, Section
from distillation.pages.tables import RUN
from distillation.statistics.evaluations import Evaluation, read
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study.contents import IndexPage, Key

COLUMNS = (
    *("table", "protocol", "row", "column", "run", "status", "seed", "accuracy", "weights", "weights_sha256"),
    *("run_json", "run_json_sha256", "evaluation", "spec_sha256", "code_sha256", "dataset", "data_sha256"),
    *("pretrained_sha256", "teacher", "teacher_seed", "teacher_weights", "teacher_sha256", "git_commit"),
    *("git_dirty", "device", "precision", "torch", "started", "seconds", "sessions"),
)
_UNKNOWN = "unknown"
_SHOWN = 12  # characters of a hash on a page


@dataclass(frozen=True)
class _Trained:
    """A training: its run.json and the JSON file of its evaluation."""

    record_path: Path
    evaluation_path: Path
    record: dict
    evaluation: Evaluation


def index(
    page: IndexPage, records: Mapping[Key, Path], evaluations: Mapping[Key, Path], results: Path
) -> pd.DataFrame:
    """One row per cell and seed, in the order of the tables; a cell that was not run has one row, no seed.

    Args:
        page: the tables.
        records: run.json files by (protocol, run, seed), those of teachers included.
        evaluations: the JSON files of their evaluations, with the same keys.
        results: the folder that paths are relative to.

    Returns:
        The columns `COLUMNS`, among them status (see `tables.cells`), accuracy (percent) of the
        weights tested ("last" or "best"), run_json and evaluation (paths), data_sha256 (arrays_sha256
        in the manifest of the data set), pretrained_sha256 (of the file of published weights that it
        starts from), teacher_sha256 (of the teacher's weights used), started (UTC), seconds (of all
        epochs, with what is validated and tested after each) and sessions (number of processes); if these
        differ in commit, device or torch, the values are joined by " + ".

    Raises:
        InputError: files do not belong together; one line per pair.
    """
    trained = {}
    for key, path in records.items():
        other = evaluations[key]
        trained[key] = _Trained(path, other, finished_runs.record(path), read(other))
    wrong = [line for key in trained for line in _mismatches(key, trained, page)]
    if wrong:
        raise InputError("\n".join(wrong))
    facts = {key: _facts(one, results) for key, one in trained.items()}
    rows = []
    for table, layout in page.tables.items():
        for protocol in page.protocols:
            for label, runs in layout.in_protocol(protocol).items():
                for column, run in zip(layout.columns, runs, strict=True):
                    cell = {"table": table, "protocol": protocol, "row": label, "column": column, "run": run}
                    own = [key for key in sorted(facts) if key[:2] == (protocol, run)]
                    rows += [cell | {"status": RUN, "seed": str(key[2])} | facts[key] for key in own]
                    rows += [] if own else [cell | {"status": page.why_absent(protocol, run) or NOT_RUN}]
    whole = dict.fromkeys(("teacher_seed", "sessions"), "Int64")
    return pd.DataFrame(rows, columns=COLUMNS).astype({**whole, "git_dirty": "boolean"})


def _mismatches(key: Key, trained: Mapping[Key, _Trained], page: IndexPage) -> Iterator[str]:
    """Messages about hashes and ids that differ between a run, its evaluation and its teacher."""
    own = trained[key]
    record, path = own.record, own.record_path
    # Older records have the seed as a number.
    named = record["protocol"], record["run"], str(record["seed"])
    if named != tuple(map(str, key)):
        yield (
            f"{path}: is the record of {_name(named)}, expected {_name(key)};"
            " delete it and run the workflow again."
        )
    for weights, values in record["weights"].items():
        found = own.evaluation.sha256(weights)
        if found != values["sha256"]:
            yield (
                f"{own.evaluation_path}: evaluated {weights} weights with sha256 {found}, but {path} names"
                f" {values['sha256']}; delete the former and run the workflow again to repeat the evaluation."
            )
    if guide := record["spec"].get("teacher"):
        teacher = trained[*page.taught_by[key[0]][key[1]], TrainingSeed(guide["seed"])]
        found = teacher.record["weights"][guide["weights"]]["sha256"]
        if found != record["sha256"]["teacher"]:
            yield (
                f"{path}: used {guide['weights']} weights of its teacher with sha256"
                f" {record['sha256']['teacher']}, but {teacher.record_path} names {found}; delete the former"
                " and run the workflow again to repeat the training."
            )


def _name(key: tuple) -> str:
    return f"{key[1]}, {key[0]}, seed {key[2]}"


def _facts(trained: _Trained, results: Path) -> dict:
    """The values of a training's columns, from its files."""
    record, evaluation = trained.record, trained.evaluation
    spec, hashes, sessions = record["spec"], record["sha256"], record["sessions"]
    teacher = spec.get("teacher", {})
    return {
        "accuracy": evaluation.accuracy().percent,
        "weights": evaluation.selection,
        "weights_sha256": evaluation.sha256(evaluation.selection),
        "run_json": trained.record_path.relative_to(results).as_posix(),
        "run_json_sha256": checksums.sha256(trained.record_path),
        "evaluation": trained.evaluation_path.relative_to(results).as_posix(),
        "spec_sha256": hashes["spec"],
        "code_sha256": hashes["code"],
        "dataset": spec["dataset"],
        "data_sha256": hashes["data"],
        "pretrained_sha256": hashes.get("pretrained"),
        "teacher": teacher.get("run"),
        "teacher_seed": teacher.get("seed"),
        "teacher_weights": teacher.get("weights"),
        "teacher_sha256": hashes["teacher"],
        "git_commit": _joined(
            session["git"]["commit"] if session["git"] else _UNKNOWN for session in sessions
        ),
        "git_dirty": _any(session["git"]["dirty"] if session["git"] else None for session in sessions),
        "device": _joined(session["name"] for session in sessions),
        "precision": spec["precision"],
        "torch": _joined(session["torch_build"] for session in sessions),
        "started": sessions[0]["started"],
        "seconds": sum(stage["seconds"] for stage in record["stages"]),
        "sessions": len(sessions),
    }


def _joined(values: Iterable[str]) -> str:
    return " + ".join(dict.fromkeys(values))


def _any(flags: Iterable[bool | None]) -> bool | None:
    """True if any flag is; None if none is and one is unknown."""
    known = list(flags)
    return True if True in known else None if None in known else False


def document(page: IndexPage, frame: pd.DataFrame) -> Document:
    """The index as a document: the cells of each table, then inputs and sessions of their trainings."""
    sections = []
    for table, layout in page.tables.items():
        for protocol, label in page.protocols.items():
            own = frame[(frame["table"] == table) & (frame["protocol"] == protocol)]
            heading = f"{page.headings[table]}, protocol: {label}"
            sections.append(Section(heading, _cells(own, len(layout.columns) > 1), _CELLS))
    for protocol, label in page.protocols.items():
        own = frame[(frame["protocol"] == protocol) & (frame["status"] == RUN)]
        own = own.drop_duplicates(["run", "seed"])
        if not own.empty:
            sections.append(Section(f"Inputs of the trainings, protocol: {label}", _inputs(own), _INPUTS))
            sections.append(Section(f"Where and when they ran, protocol: {label}", _sessions(own), _SESSIONS))
    return Document(page.title, page.note, sections)


_CELLS = (
    "One line per seed; the accuracy is that of the weights tested. Paths are relative to the folder of"
    " results. A commit is dirty if files differed from it."
)
_INPUTS = (
    f"Hashes are SHA-256, here their first {_SHOWN} digits; provenance.csv has them in full. Spec: all"
    " settings that affect the result. Code: the modules that the training uses. Data: the arrays, as in the"
    " manifest of the data set. Starts from: a file of published weights."
)
_SESSIONS = "Started in UTC; seconds of all epochs; sessions: number of processes that ran the training."


def _cells(frame: pd.DataFrame, many_columns: bool) -> pd.DataFrame:
    names = [f"{row.row}, {row.column}" if many_columns else row.row for row in frame.itertuples()]
    lines = [
        ["", row.status, "", "", ""]
        if row.status != RUN
        else [str(row.seed), f"{row.accuracy:.2f}", row.run_json, _commit(row), row.device]
        for row in frame.itertuples()
    ]
    return pd.DataFrame(lines, names, ["seed", "accuracy (%)", "run.json", "commit", "device"])


def _inputs(frame: pd.DataFrame) -> pd.DataFrame:
    lines = [
        [
            f"{row.weights} {row.weights_sha256[:_SHOWN]}",
            "none" if pd.isna(row.teacher) else _teacher(row),
            row.spec_sha256[:_SHOWN],
            row.code_sha256[:_SHOWN],
            f"{row.dataset} {row.data_sha256[:_SHOWN]}",
            "random weights" if pd.isna(row.pretrained_sha256) else row.pretrained_sha256[:_SHOWN],
        ]
        for row in frame.itertuples()
    ]
    names = ["weights tested", "teacher", "spec", "code", "data", "starts from"]
    return pd.DataFrame(lines, _names(frame), names)


def _sessions(frame: pd.DataFrame) -> pd.DataFrame:
    lines = [
        [
            row.device,
            row.precision,
            row.torch,
            row.started.removesuffix("+00:00").replace("T", " "),
            f"{row.seconds:,.0f}",
            str(row.sessions),
        ]
        for row in frame.itertuples()
    ]
    return pd.DataFrame(
        lines, _names(frame), ["device", "precision", "torch", "started", "seconds", "sessions"]
    )


def _names(frame: pd.DataFrame) -> list[str]:
    return [f"{row.run}, seed {row.seed}" for row in frame.itertuples()]


def _teacher(row: tuple) -> str:
    return f"{row.teacher}, seed {row.teacher_seed}, {row.teacher_weights} {row.teacher_sha256[:_SHOWN]}"


def _commit(row: tuple) -> str:
    shown = " + ".join(commit[:_SHOWN] for commit in row.git_commit.split(" + "))
    return f"{shown} (dirty)" if pd.notna(row.git_dirty) and row.git_dirty else shown
