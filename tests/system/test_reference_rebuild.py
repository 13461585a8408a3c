"""Tables and figures can be had from what the repository keeps, without data, weights or training."""

import shutil

import pytest
from workspace import Workspace


@pytest.mark.parametrize(
    ("configfile", "folder", "some"),
    [
        ("config.yaml", "irkd", {"tables/table1.md", "figures/table1-cells.svg"}),
        (
            "studies/irkd/overlays/cpu.yaml",
            "cpu/irkd",
            {"checks/checks.md", "figures/stages-custom-p2-cl.svg"},
        ),
    ],
)
def test_what_the_repository_keeps_is_what_its_evidence_gives(tmp_path, configfile, folder, some):
    workspace = Workspace.create(tmp_path / "clone")
    workspace.snakemake("--cores", "2", "reference", configfile=configfile)
    compared = (workspace.path / f"results/rebuilt/{folder}/compared.txt").read_text()
    assert some <= {line.removeprefix("equal: ") for line in compared.splitlines()}


def test_the_archive_of_a_study_rebuilds_its_tables_and_figures_to_the_byte(finished):
    finished.snakemake("--cores", "2", "archive")
    kept = finished.path / "results/reference"
    shutil.rmtree(kept)
    shutil.unpack_archive(finished.path / "results/irkd.tar.gz", kept)
    for made in ("data", "irkd"):
        shutil.rmtree(finished.path / "results" / made)
    finished.snakemake("--cores", "2", "reference")
    equal = (finished.path / "results/rebuilt/irkd/compared.txt").read_text().splitlines()
    packed = {str(path.relative_to(kept / "irkd")) for path in kept.rglob("*") if path.is_file()}
    made = {name for name in packed if not name.startswith(("runs/", "evaluation/", "SHA256SUMS"))}
    pictures = {
        f"figures/{name}.{form}" for name in ("inputs", "saliency-custom-p2") for form in ("png", "svg")
    }
    assert made - pictures == {line.removeprefix("equal: ") for line in equal}
