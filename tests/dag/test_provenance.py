"""The index and the archive of a study that was really run."""

import importlib.metadata
import shutil
import subprocess
from pathlib import Path

import pandas as pd
from rocrate.rocrate import ROCrate


def test_an_archive_holds_all_but_weights_maps_and_what_trainings_continue_from(finished, tmp_path):
    finished.snakemake("--cores", "2", "archive")
    shutil.unpack_archive(finished.path / "results/irkd.tar.gz", tmp_path / "unpacked")
    unpacked = tmp_path / "unpacked/irkd"
    subprocess.run(["sha256sum", "--strict", "--quiet", "-c", "SHA256SUMS"], cwd=unpacked, check=True)
    packed = {path.relative_to(unpacked) for path in unpacked.rglob("*") if path.is_file()}
    packed -= {Path(name) for name in ("SHA256SUMS", "ro-crate-metadata.json", "Snakefile")}
    files = {path.relative_to(finished.study) for path in finished.study.rglob("*") if path.is_file()}
    left_out = {
        path
        for path in files
        if path.suffix in (".safetensors", ".npz") or {"resume", "logs", "benchmarks"} & {*path.parts}
    }
    assert packed == files - left_out
    assert {path.parts[0] for path in packed} == {
        "runs",
        "evaluation",
        "tables",
        "pairs",
        "claims",
        "costs",
        "switches",
        "figures",
        "provenance",
    }


def test_an_archive_names_the_workflow_and_lists_its_files_for_readers_of_crates(finished, tmp_path):
    finished.snakemake("--cores", "2", "archive")
    shutil.unpack_archive(finished.path / "results/irkd.tar.gz", tmp_path / "unpacked")
    unpacked = tmp_path / "unpacked/irkd"
    crate = ROCrate(unpacked)
    assert (unpacked / "Snakefile").read_bytes() == (finished.path / "Snakefile").read_bytes()
    assert crate.mainEntity.id == "Snakefile"
    assert crate.mainEntity.lang["version"] == importlib.metadata.version("snakemake")
    files = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    listed = {entity.id for entity in crate.data_entities}
    assert listed == files - {"SHA256SUMS", "ro-crate-metadata.json"}
    [action] = crate.root_dataset["mentions"]
    assert {"tables/table1.md", "figures/table1-cells.svg"} <= {part.id for part in action["result"]}
    assert action["startTime"] < action["endTime"]


def test_an_archive_of_equal_results_is_equal(finished):
    path = finished.path / "results/irkd.tar.gz"
    finished.snakemake("--cores", "1", "archive")
    before = path.read_bytes()
    path.unlink()
    finished.snakemake("--cores", "1", "archive")
    assert path.read_bytes() == before


def test_a_student_that_is_not_run_has_a_row_that_says_so(finished):
    extra = {"model": "vit-tiny-p4", "method": "ce", "label": "Extra"}
    finished.configure(students={"extra": extra})
    assert finished.plan("provenance") == {"Indexing the runs, irkd"}
    finished.snakemake("--cores", "1", "provenance")
    frame = pd.read_csv(finished.study / "provenance/provenance.csv")
    (row,) = frame[frame["run"] == "extra"].itertuples()
    assert (row.table, row.row, row.status) == ("runs", "Extra", "not run")
    run = frame[frame["status"] == "run"]
    assert all((finished.path / "results" / path).is_file() for path in run["run_json"])
