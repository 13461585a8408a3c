import json
import re
import subprocess
import sys
from collections import Counter

import pytest
import torch
from distillation.core import checksums
from distillation.networks import models
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study import studies, study
from shipped import CONFIG, ROOT
from workspace import IMAGES_PER_BATCH, REPOSITORY, TINY_STUDY, Workspace, batches_in, stats

DATA = {"fetch_dataset": 1, "prepare_dataset": 1}
TRAININGS = {"train": 38, "distill": 54}
TABLES = {"make_table": 2, "make_cost_table": 1, "make_pairs": 1, "make_switch_page": 1}
CLAIMS = {"make_claims": 1}
CURVES = {"plot_training_curve": 11, "plot_stages": 1, "plot_saliency": 1, "plot_learning_curves": 1}
FIGURES = {**CURVES, "plot_inputs": 1, "plot_cost": 1, "plot_resolutions": 1, "plot_table": 1}
INDEX = {"index_runs": 1}
SHOWN = {**TABLES, **FIGURES, **CLAIMS, **INDEX}
# One teacher that has a figure is not of this protocol.
SHOWN_AS_DESCRIBED = {**SHOWN, "plot_training_curve": 10}
EVERYTHING = {**DATA, **TRAININGS, "evaluate": 92, **SHOWN}

# The other study: five students and a teacher of five seeds in each protocol.
LIGHT_DATA = {"fetch_dataset": 1, "prepare_dataset": 1}
LIGHT_STUDENTS = {**LIGHT_DATA, "train": 20, "answer": 10, "distill_without_maps": 40}
LIGHT_EVALUATED = {**LIGHT_STUDENTS, "evaluate": 60}
LIGHT_TABLES = {"make_table": 2, "make_cost_table": 1, "make_pairs": 1, "make_switch_page": 1}
LIGHT_EVERYTHING = {**LIGHT_EVALUATED, **LIGHT_TABLES, "plot_table": 1, **CLAIMS, **INDEX}


def both(counts, light):
    """The jobs of both studies, which share the download."""
    return {**Counter(counts) + Counter(light), "fetch_dataset": 1}


def planned(workspace, *arguments, **options):
    return stats(workspace.snakemake("-n", *arguments, **options))


def test_the_shipped_studies_are_152_trainings_from_the_download_to_the_tables(workspace):
    assert planned(workspace(), "all", configfile="config.yaml") == both(EVERYTHING, LIGHT_EVERYTHING)


def test_everything_is_what_is_asked_for_by_default(workspace):
    assert planned(workspace(), configfile="config.yaml") == both(EVERYTHING, LIGHT_EVERYTHING)


def test_a_plan_imports_no_torch(workspace, tmp_path):
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch/__init__.py").write_text("raise AssertionError('planning imports torch')\n")
    counts = planned(workspace(), configfile="config.yaml", environment={"PYTHONPATH": str(tmp_path)})
    assert counts == both(EVERYTHING, LIGHT_EVERYTHING)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("data", both(DATA, LIGHT_DATA)),
        ("teachers", both({**DATA, "train": 5}, {**LIGHT_DATA, "train": 10})),
        ("students", both({**DATA, **TRAININGS}, LIGHT_STUDENTS)),
        ("evaluation", both({**DATA, **TRAININGS, "evaluate": 92}, LIGHT_EVALUATED)),
        (
            "tables",
            both({**DATA, **TRAININGS, "evaluate": 92, **TABLES}, {**LIGHT_EVALUATED, **LIGHT_TABLES}),
        ),
        (
            "figures",
            both(
                {**DATA, **TRAININGS, "evaluate": 92, **FIGURES},
                {**LIGHT_STUDENTS, "evaluate": 50, "plot_table": 1},
            ),
        ),
        (
            "described",
            both(
                {**DATA, "train": 20, "distill": 27, "evaluate": 47},
                {**LIGHT_DATA, "train": 10, "answer": 5, "distill_without_maps": 20, "evaluate": 30},
            ),
        ),
        (
            "released",
            both(
                {**DATA, "train": 18, "distill": 27, "evaluate": 45},
                {**LIGHT_DATA, "train": 10, "answer": 5, "distill_without_maps": 20, "evaluate": 30},
            ),
        ),
        (
            "provenance",
            both({**DATA, **TRAININGS, "evaluate": 92, **INDEX}, {**LIGHT_EVALUATED, **INDEX}),
        ),
        ("irkd", EVERYTHING),
        ("lightnn", LIGHT_EVERYTHING),
        ("irkd-described", {**DATA, "train": 20, "distill": 27, "evaluate": 47}),
        ("archive", {**both(EVERYTHING, LIGHT_EVERYTHING), "pack_archive": 2}),
        # ViT-Tiny P2 with CE and with CL is in no claim; both networks of the other study are in all.
        (
            "claims",
            both(
                {**DATA, "train": 32, "distill": 54, "evaluate": 86, **CLAIMS}, {**LIGHT_EVALUATED, **CLAIMS}
            ),
        ),
    ],
)
def test_a_part_can_be_asked_for_by_name(workspace, target, expected):
    assert planned(workspace(), target, configfile="config.yaml") == expected


def listed(option):
    """The sentence of each rule that snakemake lists, by name."""
    command = [sys.executable, "-m", "snakemake", option]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return dict(line.partition(" ")[::2] for line in said.splitlines())


def test_every_target_has_a_sentence_and_a_name_that_no_study_can_have():
    own = {"irkd", *CONFIG["protocols"], *(f"irkd-{protocol}" for protocol in CONFIG["protocols"])}
    own |= {f"{study}{part}" for study in ("lightnn", "vlm") for part in ("", "-described", "-released")}
    targets = listed("--list-target-rules")
    assert targets.keys() == studies.TARGETS | own
    assert all(re.fullmatch(r"\(.+\.\)", sentence) for sentence in targets.values())
    # Names with an underscore are no ids.
    assert {name for name in listed("--list-rules") if "_" not in name} | {"reference_rebuild"} == (
        studies.TARGETS | studies.RULES | own
    )


def test_the_bridge_is_asked_for_by_name_and_trains_each_switch_beside_its_base(workspace):
    # 10 students with 3 seeds and 2 teachers in the base, 49 students and 2 teachers with a switch turned.
    expected = {
        **DATA,
        "train": 40,
        "distill": 141,
        "evaluate": 181,
        "make_pairs": 1,
    }
    assert planned(workspace(), "bridge", configfile="config.yaml") == expected
    assert 40 + 141 == (10 + 49) * 3 + 2 + 2


@pytest.mark.parametrize(
    ("target", "train", "distill", "further"),
    [("controls", 68, 87, 75), ("best", 33, 60, 58), ("controls best", 81, 114, None)],
)
def test_what_goes_beyond_the_paper_is_asked_for_by_name_and_says_what_it_costs(
    workspace, target, train, distill, further
):
    output = workspace().snakemake("-n", *target.split(), configfile="config.yaml")
    pages = len(target.split())
    counts = {**DATA, "train": train, "distill": distill, "evaluate": train + distill, "make_claims": pages}
    assert stats(output) == counts
    said = re.findall(
        r"^Job \d+: .*, beside the runs of `all`: (\d+) trainings, about [\d.e+]+ [EPT]FLOP; ", output, re.M
    )
    assert len(said) == pages
    assert further is None or said == [str(further)]


def test_the_hours_of_what_goes_beyond_the_paper_are_those_of_a_check_of_the_gpu(workspace):
    workspace = workspace(select=["custom-p2-cl"])
    assert "hours are estimated after `make gpu-check`" in workspace.snakemake("-n", "best")
    runs = {
        f"{protocol}/custom-p2-cl": {"seconds": 1790} for protocol in ("optimizer-carried", "stronger-recipe")
    }
    check = {"device": "GPU", "rehearsal": False, "job_start_seconds": 10, "runs": runs}
    path = workspace.path / "results/bench/gpu/gpu-check.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(check))
    assert "2 trainings, about " in workspace.snakemake("-n", "best")
    assert "FLOP; 1.0 hours one after the other on GPU" in workspace.snakemake("-n", "best")


def test_a_study_without_claims_beyond_the_paper_says_so(workspace):
    workspace, overlay = workspace(), "studies/lightnn/overlays/demo.yaml"
    for target in ("controls", "best"):
        output = workspace.snakemake("-n", target, configfile=overlay, status=1)
        assert f"no study has `{target}`; add " in output
    page = "results/demo/lightnn/claims/best.md"
    output = workspace.snakemake("-n", page, configfile=overlay, status=1)
    assert "the study 'lightnn' has no block 'best'" in output


def test_the_check_against_published_logs_is_two_trainings_and_a_comparison(workspace):
    workspace = workspace()
    counts = planned(workspace, "check", configfile="studies/irkd/overlays/check.yaml")
    assert counts == {**DATA, "train": 2, "compare_with_published": 1}
    output = workspace.snakemake("-n", "check", status=1)
    assert "no study has `checks`; add some, such as --configfile studies/irkd/overlays/check.yaml" in output


def test_the_row_that_a_cpu_reached_is_one_training_whose_archive_has_the_comparison(workspace):
    counts = planned(workspace(), "archive", configfile="studies/irkd/overlays/cpu.yaml")
    assert {job: counts[job] for job in ("train", "evaluate", "compare_with_published")} == {
        "train": 1,
        "evaluate": 1,
        "compare_with_published": 1,
    }
    assert "distill" not in counts


def test_a_selected_student_brings_its_teacher_and_nothing_else(workspace):
    counts = planned(workspace(select=["tiny-p4-kd"], seeds={"students": [0, 1, 2]}))
    assert counts == {**DATA, "train": 1, "distill": 3, "evaluate": 4, **SHOWN_AS_DESCRIBED}


def test_with_two_teachers_a_selected_student_is_trained_with_each_and_a_run_without_one_is_not(workspace):
    seeds = {"students": [0, 1], "teachers": [0, 3], "taught_by": "each"}
    crossed = workspace(select=["tiny-p4-kd", "tiny-p4-ce"], seeds=seeds)
    counts = planned(crossed)
    assert counts == {**DATA, "train": 4, "distill": 4, "evaluate": 8, **SHOWN_AS_DESCRIBED}
    plan = crossed.plan()
    for seed in ("0", "1", "0-teacher-3", "1-teacher-3"):
        assert f"Training tiny-p4-kd with its teacher, described, seed {seed}" in plan
    path = "results/irkd/runs/described/{}/seed-0-teacher-3/run.json"
    assert planned(crossed, path.format("tiny-p4-kd")) == {**DATA, "train": 1, "distill": 1}
    refused = crossed.snakemake("-n", path.format("tiny-p4-ce"), status=1)
    assert (
        "described/tiny-p4-ce, seed 0-teacher-3: it is not trained with each teacher; name seed 0" in refused
    )


def test_a_selected_student_without_a_teacher_comes_alone(workspace):
    counts = planned(workspace(select=["tiny-p4-ce"]))
    assert counts == {**DATA, "train": 1, "evaluate": 1, **SHOWN_AS_DESCRIBED}


def test_the_demo_is_the_whole_study_with_one_seed(workspace):
    counts = planned(workspace(), configfile="studies/irkd/overlays/demo.yaml")
    assert counts == {**DATA, "train": 16, "distill": 18, "evaluate": 34, **SHOWN}


def test_a_teacher_of_published_weights_stops_the_plan_with_the_file_to_supply(workspace):
    workspace = workspace(reproduce=["released"], select=["small-p2-50-pretrained"])
    output = workspace.snakemake("-n", "released", status=1)
    assert "weights/deit_small_distilled_patch16_224-649709d9.pth: small-p2-50-pretrained starts" in output
    assert "supply it (docs/pretrained.md says from where)" in output


def test_a_student_with_a_teacher_starts_from_published_weights_too(finished):
    entry = study.resolve("irkd", study.merge(CONFIG, TINY_STUDY)).entries["described", "tiny-p4-kd"]
    published = models.build(
        entry.resolve(TrainingSeed(7)).model, torch.Generator().manual_seed(7)
    ).state_dict()
    published["dist_token"] = published.pop("distillation_token")
    file = finished.path / "published.pth"
    torch.save({"model": published}, file)
    finished.configure(
        weights={"deit-small": {"file": "published.pth", "sha256": checksums.sha256(file)}},
        students={"tiny-p4-kd": {"set": {"start": "deit-small"}}},
    )
    assert planned(finished)["distill"] == 1
    finished.snakemake("--cores", "2", "results/irkd/runs/described/tiny-p4-kd/seed-0/run.json")
    log = finished.log("distill/described/tiny-p4-kd/seed-0.log")
    assert "loaded pretrained weights from published.pth; randomly initialised: distillation_head.bias" in log
    file.unlink()
    output = finished.snakemake("-n", "--forcerun", "distill", status=1)
    assert "published.pth: tiny-p4-kd starts" in output


def test_a_student_whose_maps_cannot_be_compared_with_its_teachers_records_none(finished):
    small = {"width": 16, "depth": 3, "heads": 1, "mlp_width": 32}
    run = {"model": "vit-tiny-p2", "teacher": "small-p4", "method": "kd", "label": "other patches"}
    finished.configure(
        models={"vit-tiny-p2": small | {"depth": 12}},
        students={"other-patches": {**run, "protocols": ["described"]}},
        select=["other-patches"],
    )
    evaluation = "results/irkd/evaluation/described/other-patches/seed-0.json"
    assert planned(finished, evaluation) == {"distill_without_maps": 1, "evaluate": 1}
    finished.snakemake("--cores", "2", evaluation)
    folder = finished.run_folder("other-patches")
    assert {path.name for path in folder.iterdir()} == {
        *("last.safetensors", "best.safetensors", "history.csv", "run.json", "resume")
    }
    assert json.loads((folder / "run.json").read_text())["saliency_agreement"] is None


def test_data_sets_of_one_format_share_its_download_and_no_split_trains_on_every_image(finished):
    batches_in(finished.path / "results/downloads/cifar10")
    (finished.path / "results/downloads/cifar10/source.json").write_text("{}")
    normalization = {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}
    finished.configure(
        datasets={"whole": {"format": "cifar10", "normalization": normalization}},
        students={
            "tiny-p4-whole": {
                "model": "vit-tiny-p4",
                "method": "ce",
                "label": "on every training image",
                "protocols": ["described"],
                "set": {"dataset": "whole"},
            }
        },
    )
    evaluation = "results/irkd/evaluation/described/tiny-p4-whole/seed-0.json"
    assert planned(finished, evaluation) == {"prepare_dataset": 1, "train": 1, "evaluate": 1}
    finished.snakemake("--cores", "2", evaluation)
    manifest = json.loads((finished.path / "results/data/whole/manifest.json").read_text())
    assert manifest["sizes"] == {"train": 5 * IMAGES_PER_BATCH, "validation": 0, "test": IMAGES_PER_BATCH}
    record = json.loads((finished.run_folder("tiny-p4-whole") / "run.json").read_text())
    assert record["spec"]["dataset"] == "whole"
    assert record["weights"]["best"]["val_acc"] is None
    assert record["weights"]["best"] == record["weights"]["last"]


def test_prepared_data_need_no_download(workspace):
    workspace = workspace(select=["tiny-p4-ce"])
    workspace.prepare_data()
    assert planned(workspace) == {"train": 1, "evaluate": 1, **SHOWN_AS_DESCRIBED}


ON_A_GPU = {"train", "distill", "distill_without_maps", "answer", "evaluate"}


@pytest.mark.parametrize(("device", "users"), [("cuda", ON_A_GPU), ("cpu", set())], ids=["cuda", "cpu"])
def test_what_runs_networks_alone_asks_for_a_gpu_and_only_under_cuda(workspace, device, users):
    workspace = workspace(select=["tiny-p4-kd"], execution={"device": device}, studies=["irkd", "lightnn"])
    # A job with a message is announced by it alone, without its resources.
    for path in (workspace.path / "rules").glob("*.smk"):
        path.write_text(re.sub(r"^ +message:\n.*\n", "", path.read_text(), flags=re.MULTILINE))
    jobs = re.findall(r"rule (\w+):\n(?:    .*\n)*    resources: (.*)\n", workspace.snakemake("-n"))
    assert {rule for rule, _ in jobs} == {*DATA, *ON_A_GPU, *SHOWN, "all"}
    assert {rule for rule, resources in jobs if "gpu=1" in resources} == users
    assert not any(re.search(r"gpu=(?!0|1\b)", resources) for _, resources in jobs)


def test_another_workflow_can_use_this_one_as_a_module(workspace, tmp_path):
    source = workspace().path / "Snakefile"
    (tmp_path / "config.yaml").write_text((REPOSITORY / "config.yaml").read_text())
    (tmp_path / "Snakefile").write_text(
        'configfile: "config.yaml"\n'
        f'module study:\n    snakefile: "{source}"\n    config: config\n'
        "use rule * from study as irkd_*\n"
    )
    output = Workspace(tmp_path).snakemake("-n", "irkd_all", configfile="config.yaml")
    assert stats(output.replace("irkd_", "")) == both(EVERYTHING, LIGHT_EVERYTHING)
