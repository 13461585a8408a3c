"""Verdicts on claims, from evaluations, histories and records written by hand."""

import os
import re
import subprocess
import sys

import evaluation_files
import lxml.html
import pandas as pd
import pytest
import record_files
from distillation.pages import claims as claims_page
from distillation.pages import documents
from distillation.statistics.claims import verdicts
from distillation.statistics.claims.outcomes import Reproduced
from distillation.statistics.claims.statistics import STATISTICS
from distillation.statistics.estimates import Estimate
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study.contents import ClaimsPage
from scipy import stats
from shipped import CONFIG, ROOT

TEACHERS = {run: entry["teacher"] for run, entry in CONFIG["students"].items() if "teacher" in entry}
ONE = {"described": "as described"}
TWO = ONE | {"released": "as released"}
ACCURACIES = (
    "run,accuracy,source,doubt\ncl,74.89,Table 1,\nce,66.85,Table 1,no log; or so\nteacher,82.95,Table 1,\n"
)
REPORTED = (
    "run,quantity,value,source,doubt\n"
    "ce,train_last,96.54,log,\nce,val_last,66.36,log,\ncl,train_last,80.44,log,\ncl,val_last,74.30,log,\n"
)


def claim(statistic="accuracy-difference", threshold=None, cases=({},), **more):
    default = {"label": "Custom", "run": "cl", "against": "ce"}
    return {
        "claim": "CL beats CE",
        "section": "Experiment 1",
        "statistic": statistic,
        "threshold": threshold or {"above": 0},
        "cases": [{key: value for key, value in {**default, **case}.items() if value} for case in cases],
        **more,
    }


def moments(*levels, layers=2):
    return [
        {"stage": number, "resolution": 12, "epoch": 1, "correlation": [level] * layers}
        for number, level in enumerate(levels, start=1)
    ]


@pytest.fixture
def outcome(tmp_path):
    """Write the files of a training: its evaluation, its last accuracies, and its record."""

    def write(
        accuracy=70.0,
        teacher=None,
        teacher_seed=0,
        overfit=(90.0, 70.0),
        views=None,
        flops=(),
        saliency=None,
        epochs=(),
    ):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        evaluation_files.write(folder / "evaluation.json", accuracy, views=views)
        rows = epochs or [(32, 1, 1), (32, *overfit)]
        lines = (",".join(map(str, row)) for row in rows)
        (folder / "history.csv").write_text("\n".join(["stage_px,train_acc,val_acc", *lines]) + "\n")
        taught = {"teacher": {"run": teacher, "seed": teacher_seed}} if teacher else {}
        stages = [{"training_flops": count, "epochs": 2} for count in flops]
        record_files.beside(folder / "history.csv", spec=taught, stages=stages, saliency_agreement=saliency)
        return Reproduced(folder / "evaluation.json", folder / "history.csv", folder / "run.json")

    return write


@pytest.fixture
def judged(tmp_path):
    """The csv and the page of claims about runs."""

    def do(claims, outcomes, protocols=ONE, no_verdict="", note="", teachers=None, taught_by=None):
        published = tmp_path / "accuracies.csv", tmp_path / "reported.csv"
        for path, text in zip(published, (ACCURACIES, REPORTED), strict=True):
            path.write_text(text)
        if "claim" in claims:
            claims = {"one": claims}
        files = {form: tmp_path / f"claims/claims.{form}" for form in ("csv", "md", "tex", "html")}
        page = ClaimsPage(
            taken_as_fixed="The test images are taken as fixed.",
            title="Claims of the paper",
            note=note,
            protocols=protocols,
            claims=claims,
            teachers=teachers or {},
            taught_by=taught_by or {},
            no_verdict=no_verdict,
        )
        frame = claims_page.judged(page, outcomes, *published)
        documents.publish(claims_page.document(page, frame), frame, files)
        return pd.read_csv(files["csv"], keep_default_na=False, dtype=str), files["md"].read_text()

    return do


@pytest.fixture
def seeds(outcome):
    """Trainings of cl and ce with these accuracies, one a seed."""

    def make(cl, ce, protocol="described"):
        values = {"cl": cl, "ce": ce}
        return {
            (protocol, run, TrainingSeed(seed)): outcome(accuracy)
            for run, accuracies in values.items()
            for seed, accuracy in enumerate(accuracies)
        }

    return make


def only(frame):
    assert len(frame) == 1
    return frame.iloc[0]


@pytest.mark.parametrize(
    ("cl", "verdict"),
    [
        ([71.0, 72.0, 71.5], "supported"),
        ([69.0, 68.0, 68.5], "not supported"),
        # A tie: with a small spread it is shown to be one, with a large spread nothing is.
        ([70.1, 69.9, 70.05], "no effect"),
        ([71.0, 69.0, 70.05], "undecided"),
    ],
)
def test_the_interval_over_seeds_decides(judged, seeds, cl, verdict):
    row = only(judged(claim(), seeds(cl, [70.0, 70.0, 70.0]))[0])
    assert (row["verdict"], row["claim_verdict"]) == (verdict, verdict)
    assert (row["interval"], row["seeds"]) == ("t over seeds", "0 1 2")


def test_differences_that_are_equal_in_all_seeds_leave_no_interval_and_no_verdict(judged, seeds):
    frame, text = judged(claim(), seeds([70.0, 70.0], [70.0, 70.0]))
    assert (only(frame)["verdict"], only(frame)["low"]) == ("no verdict", "")
    assert only(frame)["spread"] == "assumed"
    assert "Custom: equal in all seeds." in text


def test_a_difference_that_is_certain_but_smaller_than_the_margin_is_supported_and_called_small(
    judged, seeds
):
    frame, text = judged(claim(), seeds([70.2, 70.21, 70.19], [70.0, 70.0, 70.0]))
    assert only(frame)["verdict"] == "supported"
    assert "Custom: smaller than the margin of 0.5." in text


def test_the_margin_is_the_claims_own_and_none_where_equality_supports_the_claim(judged, seeds):
    tie = seeds([70.1, 69.9, 70.05], [70.0, 70.0, 70.0])
    assert only(judged(claim(margin=0.05), tie)[0])["verdict"] == "undecided"
    row = only(judged(claim(threshold={"at_most": 0.5}), tie)[0])
    assert (row["verdict"], row["margin"]) == ("supported", "")


def test_the_p_value_is_that_of_the_paired_t_test_and_is_corrected_over_the_cases_of_a_claim(judged, seeds):
    first, second = [70.9, 72.2, 71.9], [70.0, 70.3, 70.1]
    files = seeds(first, second) | {
        ("described", "low", seed): found for (_, run, seed), found in seeds([69.0, 70.2, 70.4], []).items()
    }
    frame, text = judged(claim(cases=[{}, {"label": "Other", "run": "low"}]), files)
    p = [stats.ttest_rel(values, second).pvalue for values in (first, [69.0, 70.2, 70.4])]
    assert frame["p"].astype(float).tolist() == pytest.approx(p, rel=1e-4)
    assert frame["p_holm"].astype(float).tolist() == pytest.approx([2 * p[0], p[1]], rel=1e-4)
    assert "supported 1 of 2, undecided 1; after Holm supported 0" in text


def test_the_smallest_difference_that_more_seeds_show_is_from_the_measured_spread_or_an_assumed_one(
    judged, seeds
):
    measured = only(judged(claim(), seeds([71.0, 72.0, 71.5], [70.0, 70.0, 70.0]))[0])
    assert (measured["spread"], float(measured["std"])) == ("measured", pytest.approx(0.5))
    assert float(measured["shown_by_3"]) == pytest.approx(float(measured["smallest"]), rel=1e-4)
    assert float(measured["shown_by_10"]) == pytest.approx(2.262157 * 0.5 / 10**0.5, rel=1e-4)
    frame, text = judged(claim(), {})
    assert only(frame)["spread"] == "assumed"
    assert "(0.75, 0.37, 0.21)" in text


def test_rows_are_paired_over_seeds(judged, seeds):
    row = only(judged(claim(), seeds([61.0, 71.1, 80.9], [60.0, 70.0, 80.0]))[0])
    assert row["values"] == "1 1.1 0.9"
    assert float(row["std"]) == pytest.approx(0.1)
    assert row["verdict"] == "supported"


def test_a_single_seed_of_two_trainings_has_an_interval_of_its_test_images_and_no_verdict(judged, seeds):
    row = only(judged(claim(), seeds([78.0], [70.0]))[0])
    assert (row["verdict"], row["interval"], row["seeds"]) == ("one seed", "binomial", "0")
    assert float(row["smallest"]) == pytest.approx(1.21, abs=0.01)


def test_seeds_that_only_one_run_has_are_left_out(judged, seeds):
    row = only(judged(claim(), seeds([71.0, 72.0, 71.5], [70.0, 70.0]))[0])
    assert row["seeds"] == "0 1"


def test_runs_without_a_common_seed_give_no_verdict(judged, outcome):
    files = {("described", "cl", TrainingSeed(0)): outcome(), ("described", "ce", TrainingSeed(1)): outcome()}
    row = only(judged(claim(), files)[0])
    assert (row["verdict"], row["reason"]) == ("no verdict", "the runs have no seed in common")


def test_a_run_that_is_missing_makes_a_claim_not_run_and_is_named(judged, seeds):
    frame, text = judged(claim(), seeds([70.0], []))
    assert (only(frame)["verdict"], only(frame)["reason"]) == ("not run", "not run: ce (described)")
    assert "Custom: not run: ce (described)." in text
    assert re.search(r"\| Custom +\| not run +\| \+8\.04\\\* +\| not run +\| - ", text)


def test_nothing_at_all_that_was_run_gives_a_page_too(judged):
    assert set(judged(CONFIG["claims"]["stated"], {}, teachers=TEACHERS)[0]["verdict"]) == {"not run"}


# One case for each word, against ce with 70.0 in three seeds: the accuracies of its run.
WORDS = {
    "supported": [71.0, 72.0, 71.5],
    "not supported": [69.0, 68.0, 68.5],
    "no effect": [70.1, 69.9, 70.05],
    "undecided": [71.0, 69.0, 70.05],
    "one seed": [75.0],
    "no verdict": [70.0, 70.0, 70.0],
    "not run": [],
}


@pytest.fixture
def words(outcome):
    """Trainings of ce and of a run for each word."""
    accuracies = {"ce": [70.0, 70.0, 70.0]} | {word.replace(" ", "-"): found for word, found in WORDS.items()}
    return {
        ("described", run, TrainingSeed(seed)): outcome(value)
        for run, values in accuracies.items()
        for seed, value in enumerate(values)
    }


def case(word):
    return {"label": f"case of {word}", "run": word.replace(" ", "-")}


def test_a_page_shows_each_word_where_it_belongs_and_says_what_it_means(judged, words):
    frame, text = judged({word: claim(cases=[case(word)]) for word in WORDS}, words)
    assert dict(zip(frame["claim"], frame["verdict"], strict=True)) == {word: word for word in WORDS}
    assert set(verdicts.MEANINGS) == set(WORDS)
    for word, meaning in verdicts.MEANINGS.items():
        assert f"{word}: {meaning}" in text
        assert re.search(rf"\| case of {word} +\| {word} +\|", text)


@pytest.mark.parametrize(
    ("found", "whole"),
    [
        (["supported"], "supported"),
        (["not run", "not run"], "not run (2 cases)"),
        (["undecided", "supported"], "supported 1 of 2, undecided 1"),
        (
            ["supported", "not run", "not supported", "no effect"],
            "supported 1 of 4, not supported 1, no effect 1, not run 1",
        ),
    ],
)
def test_the_line_of_a_claim_counts_the_verdicts_on_its_cases(judged, words, found, whole):
    cases = [case(word) | {"label": str(number)} for number, word in enumerate(found)]
    frame, text = judged(claim(cases=cases), words)
    assert frame["verdict"].tolist() == found
    assert set(frame["claim_verdict"]) == {whole}
    assert whole in text


def test_a_control_is_shown_with_its_verdict_and_counts_for_nothing(judged, words):
    controls = [{"label": "Other", "run": "not-supported", "against": "ce"}]
    frame, text = judged(claim(cases=[case("supported"), case("undecided")], controls=controls), words)
    assert frame["verdict"].tolist() == ["supported", "undecided", "not supported"]
    assert frame["is_control"].tolist() == ["False", "False", "True"]
    assert set(frame["claim_verdict"]) == {"supported 1 of 2, undecided 1"}
    assert float(frame.at[0, "p_holm"]) == pytest.approx(2 * float(frame.at[0, "p"]), rel=1e-4)
    assert (frame.at[2, "p"] != "", frame.at[2, "p_holm"]) == (True, "")
    assert "| Control: Other" in text


def test_a_case_may_be_of_some_protocols_and_differ_in_one(judged, seeds):
    files = seeds([75.0, 76.0], [70.0, 70.0]) | seeds([65.0, 66.0], [70.0, 70.0], "released")
    cases = [
        {"instead": {"released": {"run": "ce", "against": "cl"}}},
        {"label": "Only released", "protocols": ["released"]},
    ]
    frame, _ = judged(claim(cases=cases), files, TWO)
    assert frame[["protocol", "case", "runs"]].values.tolist() == [
        ["described", "Custom", "cl ce"],
        ["released", "Custom", "ce cl"],
        ["released", "Only released", "cl ce"],
    ]


def test_a_remark_on_one_protocol_is_pointed_to_beside_its_verdict(judged, seeds):
    stated = claim(remarks={"released": "The baseline had no augmentation."})
    _, text = judged(stated, seeds([75.0], [70.0]), TWO)
    assert re.search(r"\| one seed +\| not run; see its remark \|", text)
    assert "as released: The baseline had no augmentation." in text


def interval(low, high):
    return Estimate({0: low, 1: high}, 0.0, None, low, high, "binomial")


@pytest.mark.parametrize(
    ("threshold", "low", "high", "verdict"),
    [
        ({"above": 0}, 0.0, 1.0, "undecided"),
        ({"above": 0}, 0.1, 1.0, "supported"),
        ({"above": 0}, -1.0, 0.0, "not supported"),
        ({"above": 0}, -1.0, -0.1, "not supported"),
        ({"at_least": 90}, 90.0, 95.0, "supported"),
        ({"at_least": 90}, 85.0, 90.0, "undecided"),
        ({"at_least": 90}, 85.0, 89.9, "not supported"),
        ({"below": 100}, 99.0, 100.0, "undecided"),
        ({"below": 100}, 47.5, 47.5, "supported"),
        ({"below": 100}, 100.0, 100.0, "not supported"),
        ({"at_most": 1}, 1.0, 1.0, "supported"),
    ],
)
def test_a_verdict_at_the_edges_of_its_threshold(threshold, low, high, verdict):
    found = verdicts.of_case(interval(low, high), threshold, None, compares_trainings=False)
    assert found == (verdict, "")


def test_a_withheld_verdict_stands_in_every_place_of_one_and_the_numbers_stay(judged, seeds):
    files = seeds([75.0], [70.0])
    frame, text = judged({"a": claim(), "b": claim(cases=[case("not run")])}, files, no_verdict="demo budget")
    assert set(frame["verdict"]) == set(frame["claim_verdict"]) == {"demo budget"}
    assert frame["mean"].tolist() == ["5", ""]
    assert not any(word in text for word in ("supported", "one seed", "Holm's"))
    assert "No verdict is given on these runs." in text


# --- statistics -----------------------------------------------------------------------------------


def value(frame):
    return float(only(frame)["mean"])


def test_the_gap_is_halved_where_the_student_is_above_the_middle(judged, outcome):
    files = {
        ("described", "cl", TrainingSeed(0)): outcome(78.72, teacher="teacher"),
        ("described", "ce", TrainingSeed(0)): outcome(66.85),
        ("described", "teacher", TrainingSeed(0)): outcome(82.95),
    }
    frame, _ = judged(
        claim("above-half-gap"),
        files,
        teachers={"cl": "teacher"},
        taught_by={"described": {"cl": ("described", "teacher")}},
    )
    assert value(frame) == pytest.approx(78.72 - (66.85 + 82.95) / 2)
    assert float(only(frame)["published"]) == pytest.approx(74.89 - (66.85 + 82.95) / 2)
    without = {key: found for key, found in files.items() if key[1] != "teacher"}
    row = only(
        judged(
            claim("above-half-gap"),
            without,
            teachers={"cl": "teacher"},
            taught_by={"described": {"cl": ("described", "teacher")}},
        )[0]
    )
    assert (row["verdict"], row["reason"]) == ("not run", "not run: teacher (described)")


def test_there_is_no_gap_to_close_where_the_teacher_is_not_better(judged, outcome):
    files = {
        ("described", run, TrainingSeed(seed)): outcome(accuracy, teacher="teacher" if run == "cl" else None)
        for run, accuracy in (("cl", 78.0), ("ce", 75.0), ("teacher", 75.0))
        for seed in (0, 1)
    }
    taught_by = {"described": {"cl": ("described", "teacher")}}
    frame, text = judged(claim("above-half-gap"), files, teachers={"cl": "teacher"}, taught_by=taught_by)
    assert only(frame)["verdict"] == "no verdict"
    assert "there is no gap to close: the teacher is not more accurate" in text


def test_the_accuracy_kept_is_a_share_of_that_at_full_resolution_in_the_view_of_the_case(judged, outcome):
    files = {
        ("described", "teacher", TrainingSeed(0)): outcome(
            80.0, views={"scale": {"20": 74.0}, "crop": {"20": 10.0}}
        )
    }
    stated = claim(
        "accuracy-kept",
        {"at_least": 90},
        [{"run": "teacher", "against": None, "resolution": 20, "view": "scale"}],
        controls=[{"label": "crops", "run": "teacher", "resolution": 20, "view": "crop"}],
    )
    frame, _ = judged(stated, files)
    assert frame["mean"].astype(float).tolist() == pytest.approx([92.5, 12.5])
    # Of one network, not a difference between trainings: its test images decide.
    assert frame["verdict"].tolist() == ["supported", "not supported"]


def test_students_of_each_teacher_are_compared_with_their_own_and_with_the_run_that_has_none(judged, outcome):
    accuracies = {0: 80.0, 1: 90.0}
    files = {("described", "teacher", TrainingSeed(seed)): outcome(one) for seed, one in accuracies.items()}
    for seed in (0, 1):
        files["described", "ce", TrainingSeed(seed)] = outcome(60.0 + seed)
        for teacher in accuracies:
            key = "described", "cl", TrainingSeed(seed, teacher)
            files[key] = outcome(75.0 + seed + teacher, teacher="teacher", teacher_seed=teacher)
    taught_by = {"described": {"cl": ("described", "teacher")}}
    row = only(judged(claim(), files, taught_by=taught_by)[0])
    assert (row["seeds"], row["values"]) == ("0 0-teacher-1 1 1-teacher-1", "15 16 15 16")
    assert row["interval"] == "t over seeds and teachers"
    row = only(judged(claim("above-half-gap"), files, teachers={"cl": "teacher"}, taught_by=taught_by)[0])
    assert row["values"] == "5 1 5.5 1.5"


def test_students_of_every_seed_are_judged_beside_the_one_teacher_that_taught_them_all(judged, outcome):
    files = {("described", "teacher", TrainingSeed(0)): outcome(90.0)}
    for seed in (1, 2):
        files["described", "ce", TrainingSeed(seed)] = outcome(60.0)
        files["described", "cl", TrainingSeed(seed)] = outcome(78.0 + seed, teacher="teacher", teacher_seed=0)
    assert not any(("described", "teacher", TrainingSeed(seed)) in files for seed in (1, 2))
    taught_by = {"described": {"cl": ("described", "teacher")}}
    row = only(judged(claim("above-half-gap"), files, teachers={"cl": "teacher"}, taught_by=taught_by)[0])
    assert (row["status"], row["seeds"], row["values"]) == ("run", "1 2", "4 5")


def test_the_gap_between_training_and_validation_is_that_of_the_last_epoch(judged, outcome):
    files = {
        ("described", run, TrainingSeed(seed)): outcome(overfit=(train + seed, val))
        for run, train, val in (("cl", 80.0, 75.0), ("ce", 95.0, 66.0))
        for seed in (0, 1)
    }
    frame, _ = judged(claim("overfit-difference", {"below": 0}), files)
    assert value(frame) == -24
    assert float(only(frame)["published"]) == pytest.approx((80.44 - 74.30) - (96.54 - 66.36))
    one = {key: found for key, found in files.items() if key[2] == TrainingSeed(0)}
    frame, _ = judged(claim("overfit-difference", {"below": 0}), one)
    assert (only(frame)["verdict"], only(frame)["low"]) == ("one seed", "")


STAGES = [(12, 30, 30), (12, 40, 45.5), (32, 60, 61.25), (32, 70, 68)]


def test_the_gain_at_a_transition_is_of_the_first_epoch_over_the_one_before(judged, outcome):
    files = {("described", "cl", TrainingSeed(0)): outcome(epochs=STAGES)}
    cases = [{"label": px, "against": None, "resolution": int(px)} for px in ("12", "32")]
    frame, text = judged(claim("transition-gain", cases=cases), files)
    assert frame["mean"].tolist() == ["", "15.75"]
    assert frame["verdict"].tolist() == ["no verdict", "one seed"]
    assert "12: no stage before one of 12 px." in text


def test_convergence_is_the_share_of_operations_until_an_accuracy_at_full_resolution(judged, outcome):
    fixed = [(32, 50, 50), (32, 60, 61), (32, 70, 62), (32, 70, 70)]
    files = {
        ("described", "cl", TrainingSeed(0)): outcome(epochs=STAGES, flops=[2, 10]),
        ("described", "ce", TrainingSeed(0)): outcome(epochs=fixed, flops=[12, 12]),
    }
    cases = [{"accuracy": 61}, {"label": "Never", "accuracy": 69}]
    frame, text = judged(claim("convergence-ratio", {"below": 100}, cases), files)
    # Both epochs of 12 px and one of 32 px, against two epochs of 32 px.
    assert float(frame.at[0, "mean"]) == pytest.approx(100 * (2 + 5) / 12)
    assert frame["verdict"].tolist() == ["one seed", "no verdict"]
    assert "Never: a training never reaches 69 % validation accuracy at 32 px." in text


def test_computation_is_counted_and_needs_no_seeds(judged, outcome):
    files = {
        ("described", "cl", TrainingSeed(0)): outcome(flops=[1, 2, 3]),
        ("described", "ce", TrainingSeed(0)): outcome(flops=[12]),
    }
    frame, text = judged(claim("computation-ratio", {"below": 100}), files)
    assert (value(frame), only(frame)["verdict"], only(frame)["interval"]) == (50, "supported", "counted")
    assert "exact" in text


def saliency(*levels, kind="gradient", layers=((0, 0), (3, 11))):
    student, teacher = (list(side) for side in zip(*layers, strict=True))
    return {
        "kind": kind,
        "student_layers": student,
        "teacher_layers": teacher,
        "moments": moments(*levels, layers=len(layers)),
    }


def test_agreement_grows_from_the_first_moment_to_the_last(judged, outcome):
    files = {
        ("described", "cl", TrainingSeed(seed)): outcome(saliency=saliency(0.1, 0.9, last))
        for seed, last in enumerate((0.5, 0.6, 0.7))
    }
    frame, _ = judged(claim("agreement-growth", cases=[{"against": None}]), files)
    assert value(frame) == pytest.approx(0.5)
    assert only(frame)["verdict"] == "supported"


def test_agreement_within_a_stage_grows_from_its_first_moment_to_its_last(judged, outcome):
    found = saliency(0.1, 0.3, 0.2, 0.9)
    for moment, px in zip(found["moments"], (12, 12, 32, 32), strict=True):
        moment["resolution"] = px
    files = {("described", "cl", TrainingSeed(0)): outcome(saliency=found)}
    cases = [{"label": str(px), "against": None, "resolution": px} for px in (12, 20, 32)]
    frame, text = judged(claim("agreement-growth-in-stage", cases=cases), files)
    assert float(frame.at[0, "mean"]) == pytest.approx(0.2)
    assert float(frame.at[2, "mean"]) == pytest.approx(0.7)
    assert "20: no stage of 20 px." in text


def test_agreement_is_compared_in_the_layers_that_both_runs_recorded(judged, outcome):
    every = saliency(0.0, 0.0, layers=[(index, index) for index in range(3)])
    every["moments"][-1]["correlation"] = [0.6, 100.0, 0.4]
    control = saliency(0.0, 0.2, layers=[(0, 0), (2, 2)])
    files = {
        ("described", run, TrainingSeed(seed)): outcome(saliency=found)
        for run, found in (("cl", every), ("ce", control))
        for seed in (0, 1)
    }
    assert value(judged(claim("agreement-growth-difference"), files)[0]) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("control", "reason"),
    [
        (saliency(0.1, 0.2, kind="class-map"), "maps of different kinds (class-map, gradient)"),
        (saliency(0.1, 0.2, layers=[(1, 1)]), "maps of different layers"),
        (None, "no saliency maps are recorded"),
    ],
)
def test_maps_that_cannot_be_compared_give_no_verdict_and_say_so(judged, outcome, control, reason):
    files = {
        ("described", "cl", TrainingSeed(0)): outcome(saliency=saliency(0.1, 0.2)),
        ("described", "ce", TrainingSeed(0)): outcome(saliency=control),
    }
    frame, text = judged(claim("agreement-growth-difference"), files)
    assert (only(frame)["verdict"], only(frame)["reason"]) == ("no verdict", reason)
    assert f"Custom: {reason}." in text


def test_claims_and_pairs_are_judged_without_torch_and_planned_without_pandas():
    code = "import sys; from distillation.{}; assert not {{'{}', 'torch'}} & set(sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow_scripts")}
    for modules, absent in (("pages import claims, pairs", "torchvision"), ("study import study", "pandas")):
        subprocess.run([sys.executable, "-c", code.format(modules, absent)], check=True, env=environment)


def test_a_claim_about_no_protocol_of_this_study_leaves_a_page_without_it(judged):
    frame, text = judged({"a": claim(protocols=["released"])}, {})
    assert len(frame) == 0
    assert re.search(r"\| 1\. CL beats CE \| - +\| Experiment 1 \|", text)


def test_an_accuracy_is_that_of_one_training_of_many_so_one_seed_decides_nothing(judged, seeds):
    reached = claim("test-accuracy", {"at_least": 74}, [{"against": None}])
    frame, _ = judged(reached, seeds([75.0], [70.0]))
    assert (only(frame)["verdict"], only(frame)["mean"]) == ("one seed", "75")
    frame, _ = judged(reached, seeds([75.0, 75.2, 75.1], [70.0] * 3))
    assert only(frame)["verdict"] == "supported"
    frame, _ = judged(reached, seeds([70.0, 70.2, 70.1], [70.0] * 3))
    assert only(frame)["verdict"] == "not supported"


def test_every_statistic_decides_a_claim_of_the_study():
    blocks = (CONFIG[name]["stated"] for name in ("claims", "controls", "best"))
    assert {claim["statistic"] for block in blocks for claim in block.values()} == set(STATISTICS)


# --- protocols and the page -----------------------------------------------------------------------


def test_each_protocol_is_judged_by_its_own_runs(judged, seeds):
    files = seeds([75.0, 75.5], [70.0, 70.2]) | seeds([65.0, 65.5], [70.0, 70.2], "released")
    frame, text = judged(claim(), files, TWO)
    assert frame.set_index("protocol")["verdict"].to_dict() == {
        "described": "supported",
        "released": "not supported",
    }
    assert "| Custom, as described |" in text
    assert "| Custom, as released  |" in text


def test_a_case_may_compare_with_another_protocol_and_a_claim_be_about_some(judged, seeds):
    files = seeds([75.0], [70.0]) | seeds([73.0], [70.0], "released")
    stated = claim(cases=[{"against": "cl", "against_protocol": "released"}], protocols=["described"])
    frame, _ = judged(stated, files, TWO)
    assert (only(frame)["protocol"], only(frame)["runs"]) == ("described", "cl cl@released")
    assert float(only(frame)["mean"]) == pytest.approx(2)
    assert only(frame)["published"] == ""


def test_a_published_value_is_the_same_statistic_of_published_numbers_and_doubts_are_listed(judged, seeds):
    frame, text = judged(claim(), seeds([75.0], [70.0]), TWO)
    assert set(frame["published"]) == {"8.04"}
    assert text.endswith("- \\* published value of ce: no log; or so\n")


def test_the_page_of_the_study_shows_every_claim_with_its_section_and_verdict(judged, tmp_path):
    stated = CONFIG["claims"]["stated"]
    judged(stated, {}, TWO, note="a note", teachers=TEACHERS)
    page = lxml.html.parse(tmp_path / "claims/claims.html").getroot()
    overview = page.find(".//table")
    rows = [[cell.text_content() for cell in row] for row in overview.findall(".//tr")]
    assert rows[0][1:] == ["as described", "as released", "section"]
    for number, (row, entry) in enumerate(zip(rows[1:], stated.values(), strict=True), start=1):
        assert [row[0], row[3]] == [f"{number}. {entry['claim']}", entry["section"]]
        assert row[1].startswith("not run")
        remark = "; see its remark" * ("remarks" in entry)
        assert row[2].startswith("not run") if "protocols" not in entry else row[2] == "-"
        assert row[2].endswith(remark)
    headings = [heading.text_content() for heading in page.findall(".//h2")]
    assert headings[1:] == [row[0] for row in rows[1:]]
    assert page.find(".//strong").text_content() == "a note"


def test_equal_inputs_give_equal_files(judged, seeds, tmp_path):
    files = seeds([75.0, 74.0], [70.0, 71.0])
    judged(claim(), files)
    first = [path.read_bytes() for path in sorted((tmp_path / "claims").iterdir())]
    judged(claim(), dict(reversed(files.items())))
    assert [path.read_bytes() for path in sorted((tmp_path / "claims").iterdir())] == first
