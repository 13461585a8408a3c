import os
import random
import re

import pytest

ACCURACIES, COSTS = {"Making table1, irkd", "Making runs, irkd"}, {"Adding up the costs, irkd"}
PAIRS, CLAIMS = {"Comparing the pairs, irkd"}, {"Judging claims, irkd"}
SWITCHES = {"Listing the switches, irkd"}
TABLES = ACCURACIES | COSTS | PAIRS
CURVES = {"Drawing learning-curves, irkd"}
SCORES = {
    f"Drawing {name}, irkd" for name in ("accuracy-by-computation", "accuracy-by-resolution", "table1-cells")
}
FIGURES = CURVES | SCORES
IMAGES = {"Drawing inputs, irkd", "Drawing saliency-custom-p2, irkd"}
CELLS = {"Drawing table1-cells, irkd"}
INDEX, PACKING = {"Indexing the runs, irkd"}, {"Packing the results, irkd"}
SHOWN = TABLES | FIGURES | CLAIMS | INDEX
TAUGHT = ("tiny-p4-kd", "tiny-p4-kd-cl", "tiny-p4-kd-cl-sal")
UNTAUGHT = ("small-p4", "tiny-p4-ce")
EVERY_RUN = (*UNTAUGHT, *TAUGHT)


def training(*runs):
    """The messages of these trainings."""
    return {f"Training {run}{' with its teacher' * (run in TAUGHT)}, described, seed 0" for run in runs}


def evaluating(*runs):
    return {f"Evaluating {run}, described, seed 0" for run in runs}


def consequences(*runs):
    """All that follows when these runs change."""
    return training(*runs) | evaluating(*runs) | SHOWN | own_curves(*runs)


def own_curves(*runs):
    """The figures of one run, of those with a published curve."""
    return {f"Drawing curve-{run}, irkd" for run in runs if run in ("small-p4", "tiny-p4-kd-cl-sal")}


def append(workspace, name, text):
    path = workspace.path / name
    path.write_text(path.read_text() + text)


def files_of(workspace):
    return sorted(path for path in workspace.path.rglob("*") if path.is_file())


def test_a_finished_study_plans_nothing(finished):
    assert finished.plan() == set()


@pytest.mark.parametrize("seed", [0, 1])
def test_touching_every_file_in_any_order_plans_nothing(finished, seed):
    files = files_of(finished)
    random.Random(seed).shuffle(files)
    for path in files:
        path.touch()
    assert finished.plan() == set()


@pytest.mark.parametrize("seed", [0, 1])
def test_any_times_of_the_files_plan_nothing_even_where_weights_are_too_large_for_a_checksum(finished, seed):
    rng = random.Random(seed)
    for path in files_of(finished):
        moment = rng.randrange(1_500_000_000, 1_700_000_000)
        os.utime(path, (moment, moment))
    weights = min(path.stat().st_size for path in files_of(finished) if path.suffix == ".safetensors")
    assert finished.plan("--max-checksum-file-size", str(weights - 1)) == set()
    assert finished.plan() == set()


def test_gamma_concerns_the_student_with_saliency_alone(finished):
    finished.configure(recipes={"student": {"losses": {"saliency": {"weight": 0.9}}}})
    assert finished.plan() == consequences("tiny-p4-kd-cl-sal") | SWITCHES


def test_a_setting_of_one_student_concerns_it_alone(finished):
    finished.configure(students={"tiny-p4-kd": {"set": {"batch_size": 16}}})
    assert finished.plan() == consequences("tiny-p4-kd") | SWITCHES


def test_a_setting_of_the_teachers_concerns_them_and_those_they_teach(finished):
    finished.configure(recipes={"teacher": {"optimizer": {"lr": 0.001}}})
    assert finished.plan() == consequences("small-p4", *TAUGHT) | SWITCHES


def test_other_data_concern_everything(finished):
    finished.edit("results/data/cifar10/manifest.json", '"seed": 42', '"seed": 43')
    assert finished.plan() == consequences(*EVERY_RUN) | IMAGES


def test_the_number_of_threads_concerns_nothing(finished):
    finished.configure(execution={"threads": 2})
    assert finished.plan() == set()


def test_a_label_concerns_what_shows_it(finished):
    finished.configure(students={"tiny-p4-kd": {"label": "Another name"}})
    assert finished.plan() == {"Making runs, irkd"} | INDEX | SWITCHES | FIGURES - {
        "Drawing table1-cells, irkd"
    }


def test_an_overlay_may_name_the_students_in_any_order(finished):
    finished.configure(students={"tiny-p4-kd-cl": {"label": "ViT-Tiny P4 KD+CL"}})
    assert finished.plan() == set()


def test_a_comment_in_the_library_concerns_nothing(finished):
    for path in (finished.path / "workflow_scripts/distillation").rglob("*.py"):
        append(finished, path, "\n# A remark.\n")
    assert finished.plan() == set()


def test_the_layout_of_scripts_concerns_nothing(finished):
    for path in (finished.path / "workflow_scripts").glob("*.py"):
        path.write_text(re.sub(r"\n(from .*)\n", r"\n\n# Moved.\n\1  # here\n\n", path.read_text()))
    assert finished.plan() == set()


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("networks/losses/saliency/compute.py", consequences("tiny-p4-kd-cl-sal")),
        ("networks/losses/kd/compute.py", consequences(*TAUGHT)),
        ("training/train.py", consequences(*EVERY_RUN)),
        ("evaluation/evaluate.py", evaluating(*EVERY_RUN) | ACCURACIES | PAIRS | SCORES | CLAIMS | INDEX),
        ("pages/tables.py", ACCURACIES | PAIRS | INDEX | {"Drawing table1-cells, irkd"}),
        ("pages/cost_table.py", COSTS),
        ("pages/provenance_index.py", INDEX),
        ("pages/archive.py", set()),
        ("study/selection.py", set()),
        ("pages/documents.py", TABLES | SWITCHES | CLAIMS | INDEX | {"Drawing table1-cells, irkd"}),
        ("pages/pairs.py", PAIRS),
        ("statistics/claims/statistics.py", CLAIMS),
        ("statistics/estimates.py", ACCURACIES | PAIRS | CLAIMS | INDEX | {"Drawing table1-cells, irkd"}),
        ("pages/figures/learning_curves.py", CURVES),
        ("study/study.py", set()),
    ],
)
def test_other_code_in_a_module_concerns_what_runs_it(finished, module, expected):
    append(finished, f"workflow_scripts/distillation/{module}", "\nANOTHER = 1\n")
    assert finished.plan() == expected


def test_a_new_student_concerns_itself_and_the_table_of_all_runs(finished):
    extra = {"model": "vit-tiny-p4", "method": "kd", "teacher": "small-p4", "label": "Extra"}
    finished.configure(students={"extra": extra}, select=[*EVERY_RUN, "extra"])
    assert finished.plan() == {
        "Training extra with its teacher, described, seed 0",
        "Evaluating extra, described, seed 0",
        "Making runs, irkd",
        *COSTS,
        *INDEX,
        *SWITCHES,
    }


def test_an_archive_concerns_the_index_alone_where_all_else_is_there(finished):
    assert finished.plan("archive") == PACKING
    for path in (finished.study / "provenance").iterdir():
        path.unlink()
    assert finished.plan("archive") == INDEX | PACKING


@pytest.mark.parametrize(
    "change",
    [
        {"threshold": {"above": 1}},
        {"claim": "Said in other words"},
        {"remark": "A remark"},
    ],
    ids=["threshold", "sentence", "remark"],
)
def test_another_word_or_threshold_of_a_claim_concerns_the_claims_alone(finished, change):
    finished.configure(claims={"stated": {"kd-beats-ce": change}})
    assert finished.plan() == CLAIMS


def test_a_verdict_that_is_withheld_concerns_the_claims_alone(finished):
    finished.configure(no_verdict="too few epochs")
    assert finished.plan() == CLAIMS


def test_a_new_seed_concerns_no_finished_training(finished):
    finished.configure(seeds={"students": [0, 1]})
    students = [message for run in (*TAUGHT, "tiny-p4-ce") for message in training(run) | evaluating(run)]
    new = {message.replace("seed 0", "seed 1") for message in students}
    assert finished.plan() == new | SHOWN | SWITCHES | own_curves("tiny-p4-kd-cl-sal")


def test_a_deleted_evaluation_is_made_again_with_what_shows_it(finished):
    (finished.study / "evaluation/described/tiny-p4-kd/seed-0.json").unlink()
    assert finished.plan() == evaluating("tiny-p4-kd") | ACCURACIES | PAIRS | SCORES | CLAIMS | INDEX


@pytest.mark.parametrize("name", ["last.safetensors", "best.safetensors", "history.csv", "run.json"])
def test_a_deleted_file_of_a_run_is_missed(finished, name):
    (finished.run_folder("tiny-p4-ce") / name).unlink()
    assert finished.plan() == consequences("tiny-p4-ce")


def test_a_deleted_weight_file_returns_without_training_and_everything_is_as_before(finished):
    before = finished.outcome()
    (finished.run_folder("tiny-p4-kd") / "best.safetensors").unlink()
    finished.snakemake("--cores", "2")
    log = finished.log("distill/described/tiny-p4-kd/seed-0.log")
    assert "already trained with the same settings, code and data" in log
    assert "epoch" not in log
    assert finished.outcome() == before
    assert finished.plan() == set()


STUDENT = "tiny-p4-kd-cl-sal"


@pytest.mark.parametrize("name", ["history.csv", "best.safetensors", "run.json"])
def test_damage_to_a_finished_run_is_one_sentence_whose_advice_brings_everything_back(finished, name):
    before, path = finished.outcome(), finished.run_folder(STUDENT) / name
    os.truncate(path, 200)
    (finished.study / f"evaluation/described/{STUDENT}/seed-0.json").unlink()
    output = finished.snakemake("--cores", "2", status=1)
    place = path.relative_to(finished.path)
    assert f"ERROR {place}: this file is " in output
    assert "delete it and run the workflow again, which takes the run's stored result" in output
    assert "Traceback" not in output
    path.unlink()
    finished.snakemake("--cores", "2")
    assert "already trained" in finished.log(f"distill/described/{STUDENT}/seed-0.log")
    assert finished.outcome() == before
    assert finished.plan() == set()


def test_where_the_stored_result_is_damaged_too_the_run_is_trained_again_to_the_same_bits(finished):
    before, folder = finished.outcome(), finished.run_folder(STUDENT)
    [stored] = folder.glob("resume/*/result/saliency")
    for path in (stored, folder / "saliency.npz"):
        os.truncate(path, 200)
    (folder / "saliency.npz").unlink()
    finished.snakemake("--cores", "2")
    log = finished.log(f"distill/described/{STUDENT}/seed-0.log")
    assert "the stored result is damaged, so the run is trained again" in log
    assert "epoch" in log
    assert finished.outcome() == before


def test_results_of_the_layout_before_studies_were_folders_stay_valid(finished):
    for name in ("logs", "benchmarks"):
        (finished.study / name).rename(finished.path / "results" / name)
    assert finished.plan() == set()


def test_another_text_for_an_absent_run_concerns_the_pages_that_show_it(finished):
    finished.configure(
        protocols={"described": {"absent": "elsewhere"}},
        students={"tiny-p2-ce": {"protocols": ["released"]}},
        select=["tiny-p4-ce"],
        reproduce=["described"],
    )
    finished.snakemake("--cores", "2")
    finished.configure(protocols={"described": {"absent": "only elsewhere"}})
    # The table of all runs has the reproduced ones alone.
    assert finished.plan() == {"Making table1, irkd"} | PAIRS | FIGURES | INDEX


PUBLISHED = "studies/irkd/published"
OLD, NEW = 1_577_836_800, 4_102_444_800


def replace(workspace, name, old, new, date):
    """Write other content into a file, and date it."""
    workspace.edit(name, old, new)
    os.utime(workspace.path / name, (date, date))


@pytest.mark.parametrize("date", [OLD, NEW], ids=["older", "newer"])
@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        (f"{PUBLISHED}/table1.csv", "74.00", "74.01", ACCURACIES | PAIRS | CLAIMS | CELLS),
        (f"{PUBLISHED}/reported.csv", "73.5", "73.4", CLAIMS),
        (f"{PUBLISHED}/curves/small-p4.csv", "35.6", "35.7", {"Drawing curve-small-p4, irkd"}),
        ("studies/irkd/sources.yaml", "paper, Equation 1", "paper, Equation 2", SWITCHES),
    ],
    ids=["accuracies", "reported", "curve", "sources"],
)
def test_another_content_of_a_named_file_concerns_its_pages_whatever_its_date(
    finished, name, old, new, expected, date
):
    replace(finished, name, old, new, date)
    assert finished.plan() == expected


@pytest.mark.parametrize("date", [OLD, NEW], ids=["older", "newer"])
def test_the_same_content_of_a_named_file_concerns_nothing_whatever_its_date(finished, date):
    for path in (finished.path / "studies").rglob("*.*"):
        os.utime(path, (date, date))
    assert finished.plan() == set()
