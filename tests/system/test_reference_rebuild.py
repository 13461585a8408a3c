"""Tables and figures can be had from what the repository keeps, without data, weights or training."""

import hashlib
import os
import re
import shutil
import subprocess

import pytest
from shipped import CONFIG
from workspace import Workspace, once, stats

CPU = "studies/irkd/overlays/cpu.yaml"


def compared(workspace, folder):
    """Names of the rebuilt files that are equal to the committed ones."""
    lines = (workspace.path / f"results/rebuilt/{folder}/compared.txt").read_text().splitlines()
    return {line.split("  ", 1)[1] for line in lines}


@pytest.mark.parametrize(
    ("configfile", "folder", "some"),
    [
        ("config.yaml", "irkd", {"tables/table1.md", "figures/table1-cells.svg"}),
        (
            CPU,
            "cpu/irkd",
            {"checks/checks.md", "figures/stages-custom-p2-cl.svg"},
        ),
    ],
)
def test_what_the_repository_keeps_is_what_its_evidence_gives(tmp_path, configfile, folder, some):
    workspace = Workspace.create(tmp_path / "clone")
    workspace.snakemake("--cores", "2", "reference", configfile=configfile)
    assert some <= compared(workspace, folder)


def test_the_archive_of_a_study_rebuilds_its_tables_and_figures_to_the_byte(finished):
    finished.snakemake("--cores", "2", "archive")
    kept = finished.path / "results/reference"
    shutil.rmtree(kept)
    shutil.unpack_archive(finished.path / "results/irkd.tar.gz", kept)
    for made in ("data", "irkd"):
        shutil.rmtree(finished.path / "results" / made)
    finished.snakemake("--cores", "2", "reference")
    packed = {str(path.relative_to(kept / "irkd")) for path in kept.rglob("*") if path.is_file()}
    described = ("SHA256SUMS", "ro-crate-metadata.json", "Snakefile")
    made = {name for name in packed if not name.startswith(("runs/", "evaluation/", *described))}
    trained = {path.name for path in (kept / "irkd/runs").glob("*/*")}
    figures = CONFIG["figures"].items()
    of_no_training = {"inputs"} | {
        name for name, one in figures if "run" in one and one["run"] not in trained
    }
    not_made = {f"figures/{name}.{form}" for name in of_no_training for form in ("png", "svg")}
    assert "figures/curve-custom-p2-cl.svg" in not_made
    assert made - not_made == compared(finished, "irkd")


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory):
    """A workspace with what its evidence gives."""

    def build(path):
        workspace = Workspace.create(path)
        workspace.snakemake("--cores", "2", "reference_rebuild", configfile=CPU)
        return workspace.path

    return once(tmp_path_factory, "rebuilt", build)


KEPT = "results/reference/cpu/irkd"


def listed_again(folder):
    """Write the checksums of a folder as `make keep-reference` does."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    sums = {name: hashlib.sha256(files[name].read_bytes()).hexdigest() for name in sorted(files)}
    del sums["SHA256SUMS"]
    (folder / "SHA256SUMS").write_text("".join(f"{digest}  {name}\n" for name, digest in sums.items()))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("sed -i s/10000/10001/ evaluation/released/custom-p2-cl/seed-0.json", "seed-0.json: FAILED"),
        ("rm tables/runs.md", "tables/runs.md: FAILED open or read"),
        ("touch tables/new.md", "> tables/new.md"),
    ],
    ids=["changed", "missing", "not listed"],
)
def test_a_committed_folder_that_is_not_what_was_packed_is_refused(rebuilt, tmp_path, change, said):
    workspace = rebuilt.copy(tmp_path / "clone")
    subprocess.run(["bash", "-c", change], cwd=workspace.path / KEPT, check=True)
    output = workspace.snakemake("--cores", "2", "reference", configfile=CPU, status=1)
    assert said in output
    assert f"{KEPT} is not what was packed: restore it from version control or from its archive." in output


def test_every_rebuilt_file_that_differs_or_is_not_committed_is_named_with_the_ways_out(rebuilt, tmp_path):
    workspace = rebuilt.copy(tmp_path / "clone")
    kept = workspace.path / KEPT
    (kept / "tables/runs.md").write_text("another")
    (kept / "tables/table1.md").unlink()
    listed_again(kept)
    output = workspace.snakemake("--cores", "2", "reference", configfile=CPU, status=1)
    named = re.findall(r"^[0-9a-f]{64}  (.*)$", output, re.MULTILINE)
    assert set(named) == {"tables/runs.md", "tables/table1.md"}
    assert "These files of results/rebuilt/cpu/irkd differ from those in results/reference/cpu/irkd" in output
    assert "'make keep-reference' updates the committed files." in output


@pytest.mark.parametrize("date", [0, 4_102_444_800], ids=["older", "newer"])
def test_other_evidence_is_rebuilt_and_compared_whatever_its_date(rebuilt, tmp_path, date):
    workspace = rebuilt.copy(tmp_path / "clone")
    workspace.snakemake("--cores", "2", "reference", configfile=CPU)
    kept = workspace.path / KEPT
    for path in kept.rglob("*"):
        os.utime(path, (date, date))
    assert jobs(workspace) == set()
    name = "evaluation/released/custom-p2-cl/seed-0.json"
    workspace.edit(f"{KEPT}/{name}", "10000", "10001")
    os.utime(kept / name, (date, date))
    assert {"reference_make_table", "reference_index_runs", "reference_compare"} <= jobs(workspace)
    assert not jobs(workspace) & {"reference_make_cost_table", "reference_compare_with_published"}


def test_a_committed_page_that_is_replaced_with_an_older_one_is_compared_again(rebuilt, tmp_path):
    workspace = rebuilt.copy(tmp_path / "clone")
    workspace.snakemake("--cores", "2", "reference", configfile=CPU)
    assert jobs(workspace) == set()
    page = workspace.path / KEPT / "tables/runs.md"
    page.write_text("another")
    os.utime(page, (0, 0))
    assert jobs(workspace) == {"reference_compare"}


def jobs(workspace):
    """The rules that would be run for the target `reference`."""
    return set(stats(workspace.snakemake("-n", "reference", configfile=CPU), {"reference"}))
