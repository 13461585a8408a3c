"""What a switch is worth, and which trainings it takes."""

import evaluation_files
import numpy as np
import pandas as pd
import pytest
from distillation.pages import documents, pairs
from distillation.statistics import published_values
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study import spec, study
from distillation.study.contents import Compared, Pair, PairsPage
from scipy import stats
from shipped import CONFIG as BASE

LABELS = {"ce": "Custom CE", "kd": "Custom KD"}
ACCURACIES = {
    ("base", "ce", TrainingSeed(0)): (60.0, 58.0),
    ("base", "ce", TrainingSeed(1)): (62.0, 61.0),
    ("base", "ce", TrainingSeed(2)): (64.0, 61.0),
    ("base", "kd", TrainingSeed(0)): (70.0, 70.0),
    ("crops", "ce", TrainingSeed(0)): (61.0, 0.0),
    ("crops", "ce", TrainingSeed(1)): (64.0, 0.0),
    ("crops", "ce", TrainingSeed(2)): (67.0, 0.0),
    ("crops", "kd", TrainingSeed(0)): (72.0, 0.0),
    ("crops", "kd", TrainingSeed(1)): (99.0, 0.0),
}
SWITCHES = [
    ("crops", "crops", "ce", None),
    ("crops", "crops", "kd", None),
    ("last weights", "base", "ce", "last"),
    ("token", "token", "kd", None),
]
PAGE = PairsPage(
    taken_as_fixed="The test images are taken as fixed.",
    title="Bridge",
    note="demo",
    protocols={"base": "base"},
    pairs=[
        Pair(
            "One switch",
            f"{switch}: {LABELS[run]}",
            Compared(protocol, run, False, weights),
            Compared("base", run, False),
        )
        for switch, protocol, run, weights in SWITCHES
    ],
)
NONE_PUBLISHED = published_values.accuracies(None)


@pytest.fixture
def evaluations(tmp_path):
    files = {}
    for index, (key, (accuracy, last)) in enumerate(ACCURACIES.items()):
        files[key] = evaluation_files.write(tmp_path / f"{index}.json", accuracy, last=last)
    return files


def row(evaluations, pair):
    frame = pairs.differences(PAGE, evaluations, NONE_PUBLISHED)
    [found] = frame[frame["pair"] == pair].to_dict("records")
    return found


def test_a_switch_is_worth_the_mean_difference_of_equal_seeds_with_students_interval(evaluations):
    found = row(evaluations, "crops: Custom CE")
    differences = [1.0, 2.0, 3.0]
    reach = stats.t.ppf(0.975, 2) * np.std(differences, ddof=1) / np.sqrt(3)
    assert found["mean"] == pytest.approx(2.0)
    assert (found["low"], found["high"]) == pytest.approx((2 - reach, 2 + reach))
    assert (found["second"], found["first"], found["seeds"]) == (62.0, 64.0, "0 1 2")


def test_a_seed_that_one_side_lacks_is_left_out_and_a_single_one_has_the_interval_of_its_images(evaluations):
    found = row(evaluations, "crops: Custom KD")
    assert (found["seeds"], found["interval"]) == ("0", "binomial")
    assert found["mean"] == pytest.approx(2.0)
    reach = 100 * 1.96 * np.sqrt(0.7 * 0.3 / 10000 + 0.72 * 0.28 / 10000)
    assert (found["high"] - found["low"]) / 2 == pytest.approx(reach, rel=0.01)


def test_other_weights_of_the_same_trainings_cost_no_training(evaluations):
    found = row(evaluations, "last weights: Custom CE")
    assert found["differences"] == "-2.00 -1.00 -3.00"


def test_what_was_not_run_says_so(evaluations, tmp_path):
    assert row(evaluations, "token: Custom KD")["status"] == "not run"
    frame = pairs.differences(PAGE, evaluations, NONE_PUBLISHED)
    files = {form: tmp_path / f"bridge.{form}" for form in ("csv", "md", "tex", "html")}
    documents.publish(pairs.document(PAGE, frame), frame, files)
    text = files["md"].read_text()
    assert "| token: Custom KD" in text
    assert "not run" in text
    assert "+2.00" in text
    assert "published" not in text
    assert "**demo**" in text
    assert len(pd.read_csv(files["csv"])) == 4


# The bridge of the study


def test_every_switch_of_the_bridge_changes_every_run_it_names_and_one_setting_alone():
    resolved = study.resolve("irkd", BASE)
    base = BASE["bridge"]["base"]
    for switch in BASE["bridge"]["switches"]:
        for run in BASE["protocols"][switch["protocol"]]["overrides"] if "protocol" in switch else ():
            own, other = (resolved.entries[protocol, run] for protocol in (switch["protocol"], base))
            pair = (
                spec.to_mapping(own.resolve(TrainingSeed(0))),
                spec.to_mapping(other.resolve(TrainingSeed(0))),
            )
            differing = [
                key for key in pair[0].keys() | pair[1].keys() if pair[0].get(key) != pair[1].get(key)
            ]
            if own.teacher != other.teacher:
                assert (own.teacher[0], differing) == (switch["protocol"], [])
            else:
                assert len(differing) == 1, (switch["label"], run, differing)
            assert own.selection == other.selection


def test_the_bridge_is_about_the_custom_student_and_vit_tiny_of_patch_4():
    named = set()
    for switch in BASE["bridge"]["switches"]:
        named |= set(switch.get("runs") or BASE["protocols"][switch["protocol"]]["overrides"])
    students = {run for run in BASE["students"] if run.startswith(("custom-", "tiny-p4-"))}
    assert named - {"small-p2", "small-p4"} == students - {"tiny-p4-cl-patch-4"}
