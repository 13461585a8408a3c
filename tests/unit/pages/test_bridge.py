"""What a switch is worth, and which trainings it takes."""

import evaluation_files
import numpy as np
import pandas as pd
import pytest
from distillation.pages import bridge, documents
from distillation.pages.figures import bridge as picture
from distillation.study import spec, study
from distillation.study.contents import BridgePage, ChangedSwitch
from drawn import flaws, words
from scipy import stats
from shipped import CONFIG as BASE

LABELS = {"ce": "Custom CE", "kd": "Custom KD"}
ACCURACIES = {
    ("base", "ce", 0): (60.0, 58.0),
    ("base", "ce", 1): (62.0, 61.0),
    ("base", "ce", 2): (64.0, 61.0),
    ("base", "kd", 0): (70.0, 70.0),
    ("crops", "ce", 0): (61.0, 0.0),
    ("crops", "ce", 1): (64.0, 0.0),
    ("crops", "ce", 2): (67.0, 0.0),
    ("crops", "kd", 0): (72.0, 0.0),
    ("crops", "kd", 1): (99.0, 0.0),
}
SWITCHES = [
    ChangedSwitch("crops", "crops", None, ["ce", "kd"]),
    ChangedSwitch("last weights", "base", "last", ["ce"]),
    ChangedSwitch("token", "token", None, ["kd"]),
]
PAGE = BridgePage(
    title="Bridge", note="demo", protocols={"base": "base"}, labels=LABELS, base="base", switches=SWITCHES
)


@pytest.fixture
def evaluations(tmp_path):
    files = {}
    for index, (key, (accuracy, last)) in enumerate(ACCURACIES.items()):
        files[key] = evaluation_files.write(tmp_path / f"{index}.json", accuracy, last=last)
    return files


def row(frame, switch, run):
    [found] = frame[(frame["switch"] == switch) & (frame["run"] == run)].to_dict("records")
    return found


def test_a_switch_is_worth_the_mean_difference_of_equal_seeds_with_students_interval(evaluations):
    found = row(bridge.worth(PAGE, evaluations), "crops", "ce")
    differences = [1.0, 2.0, 3.0]
    reach = stats.t.ppf(0.975, 2) * np.std(differences, ddof=1) / np.sqrt(3)
    assert found["difference"] == pytest.approx(2.0)
    assert (found["low"], found["high"]) == pytest.approx((2 - reach, 2 + reach))
    assert (found["without"], found["turned"], found["seeds"]) == (62.0, 64.0, "0 1 2")


def test_a_seed_that_one_side_lacks_is_left_out_and_a_single_one_has_the_interval_of_its_images(evaluations):
    found = row(bridge.worth(PAGE, evaluations), "crops", "kd")
    assert (found["seeds"], found["interval"]) == ("0", "binomial")
    assert found["difference"] == pytest.approx(2.0)
    reach = 100 * 1.96 * np.sqrt(0.7 * 0.3 / 10000 + 0.72 * 0.28 / 10000)
    assert (found["high"] - found["low"]) / 2 == pytest.approx(reach, rel=0.01)


def test_other_weights_of_the_same_trainings_cost_no_training(evaluations):
    found = row(bridge.worth(PAGE, evaluations), "last weights", "ce")
    assert found["differences"] == "-2.00 -1.00 -3.00"


def test_what_was_not_run_says_so(evaluations, tmp_path):
    frame = bridge.worth(PAGE, evaluations)
    assert row(frame, "token", "kd")["status"] == "not run"
    files = {form: tmp_path / f"bridge.{form}" for form in ("csv", "md", "tex", "html")}
    documents.publish(bridge.document(PAGE, frame), frame, files)
    text = files["md"].read_text()
    assert "| token: Custom KD" in text
    assert "not run" in text
    assert "+2.00" in text
    assert "**demo**" in text
    assert len(pd.read_csv(files["csv"])) == 4


@pytest.mark.parametrize("run", [True, False], ids=["run", "not-run"])
def test_no_line_of_the_figure_is_empty_and_no_text_hides_another(evaluations, run):
    figure = picture.draw(PAGE, evaluations if run else {})
    assert list(flaws(figure)) == []
    found = " ".join(words(figure)).replace("\xa0", " ")
    assert "crops: Custom CE" in found
    assert "not run" in found


# The bridge of the study


def test_every_switch_of_the_bridge_changes_every_run_it_names_and_one_setting_alone():
    resolved = study.resolve("irkd", BASE)
    base = BASE["bridge"]["base"]
    for switch in BASE["bridge"]["switches"]:
        for run in BASE["protocols"][switch["protocol"]]["overrides"] if "protocol" in switch else ():
            own, other = (resolved.entries[protocol, run] for protocol in (switch["protocol"], base))
            pair = spec.to_mapping(own.resolve(0)), spec.to_mapping(other.resolve(0))
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
