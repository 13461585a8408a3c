"""Tables are not made again from evidence of other settings than the study's."""

import shutil

KEPT = "results/reference/cpu/irkd/runs/released"
OTHER_EPOCHS = (
    f"{KEPT}/custom-p2-cl/seed-0/run.json:"
    " stages.1.epochs is 10, but 8 in the study 'irkd': train the run again and commit the new"
    " evidence, or restore the setting."
)
UNKNOWN = (
    f"{KEPT}/custom-p9/seed-0/run.json:"
    " the study 'irkd' has no run 'custom-p9' of the protocol 'released':"
    " remove this evidence, or restore the run in the configuration."
)


def test_kept_evidence_that_is_not_the_studys_stops_the_reference_before_any_job(workspace):
    workspace = workspace()
    workspace.edit(
        "studies/irkd/overlays/cpu.yaml", "resolution: 16, epochs: 10", "resolution: 16, epochs: 8"
    )
    shutil.copytree(workspace.path / KEPT / "custom-p2-cl", workspace.path / KEPT / "custom-p9")
    for target in ("reference", "reference_rebuild"):
        said = workspace.snakemake(
            "--cores", "1", target, configfile="studies/irkd/overlays/cpu.yaml", status=1
        )
        assert {OTHER_EPOCHS, UNKNOWN} <= {line.strip() for line in said.splitlines()}
    assert not (workspace.path / "results/rebuilt").exists()


def test_kept_evidence_that_is_not_the_studys_stops_no_other_plan(workspace):
    workspace = workspace()
    workspace.edit(
        "studies/irkd/overlays/cpu.yaml", "resolution: 16, epochs: 10", "resolution: 16, epochs: 8"
    )
    assert "train" in workspace.snakemake("-n", configfile="studies/irkd/overlays/cpu.yaml")
