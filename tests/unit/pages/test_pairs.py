"""Differences between rows of a table, paired over seeds."""

import evaluation_files
import pandas as pd
import pytest
from distillation.pages import documents, pairs
from distillation.statistics import published_values
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study.contents import Compared, Pair, PairsPage
from scipy import stats

ROWS = {"CE": ("a", "b"), "CL": ("c", "d"), "KD": ("e", "f")}
PROTOCOLS = {"described": "as described", "released": "as released"}
PAIRS = [
    Pair(
        section=f"Protocol: {label}",
        label=f"{first} minus {second}, {column}",
        first=Compared(protocol, run, is_taught=run in ROWS["KD"]),
        second=Compared(protocol, against, is_taught=against in ROWS["KD"]),
        printed=(run, against),
    )
    for protocol, label in PROTOCOLS.items()
    for first, second in (("CL", "CE"), ("KD", "CL"))
    for column, run, against in zip(("Custom", "ViT"), ROWS[first], ROWS[second], strict=True)
]
ACCURACIES = {"a": [66.0, 67.0, 65.0], "c": [74.1, 75.3, 72.8], "b": [70.0], "d": [76.0, 77.0], "e": [80.0]}


@pytest.fixture
def write(tmp_path):
    def do(accuracies=ACCURACIES, absent=None):
        evaluations = {}
        for run, values in accuracies.items():
            by_seed = values if isinstance(values, dict) else dict(enumerate(values))
            for seed, accuracy in by_seed.items():
                path = tmp_path / f"{run}-{seed}.json"
                own = seed if isinstance(seed, TrainingSeed) else TrainingSeed(seed)
                evaluations["described", run, own] = evaluation_files.write(path, accuracy)
        published = tmp_path / "published.csv"
        published.write_text("run,accuracy,source,doubt\na,66.85,Table 1,\nc,74.89,Table 1,\n")
        files = {form: tmp_path / f"pairs/pairs.{form}" for form in ("csv", "md", "tex", "html")}
        page = PairsPage(
            taken_as_fixed="The test images are taken as fixed.",
            title="Differences",
            note="a note",
            protocols=PROTOCOLS,
            pairs=PAIRS,
            absent=absent or {},
            published=str(published),
        )
        differences = pairs.differences(page, evaluations, published_values.accuracies(published))
        documents.publish(pairs.document(page, differences), differences, files)
        frame = pd.read_csv(files["csv"], dtype={"seeds": str})
        return frame.set_index(["protocol", "pair"]), files["md"].read_text()

    return do


def test_a_difference_over_seeds_is_that_of_a_paired_t_test(write):
    row = write()[0].loc["described", "CL minus CE, Custom"]
    expected = stats.ttest_rel(ACCURACIES["c"], ACCURACIES["a"]).confidence_interval()
    assert (row["low"], row["high"]) == pytest.approx((expected.low, expected.high), abs=1e-4)
    assert row["mean"] == pytest.approx(8.0667, abs=1e-4)
    assert row["smallest"] == pytest.approx((expected.high - expected.low) / 2, abs=1e-4)
    assert (row["run"], row["against"], row["seeds"]) == ("c", "a", "0 1 2")
    assert row["differences"] == "+8.10 +8.30 +7.80"


def test_runs_with_one_common_seed_have_the_binomial_interval(write):
    row = write()[0].loc["described", "CL minus CE, ViT"]
    assert (row["seeds"], row["interval"], row["mean"]) == ("0", "binomial", 6.0)
    assert row["smallest"] == pytest.approx(1.96 * (0.7 * 0.3 + 0.76 * 0.24) ** 0.5, abs=0.01)


def test_a_published_difference_is_that_of_the_published_accuracies(write):
    published = write()[0]["published"]
    assert published.loc["described", "CL minus CE, Custom"] == pytest.approx(8.04)
    assert published[[pair.startswith("KD") for _, pair in published.index]].isna().all()


def test_a_pair_without_one_of_its_runs_is_shown_as_not_run(write):
    frame, text = write()
    assert frame.loc["described", "KD minus CL, ViT"]["status"] == "not run"
    assert set(frame.loc["released"]["status"]) == {"not run"}
    assert text.count("| not run ") == 5


@pytest.mark.parametrize("run", ["c", "a"], ids=["first", "second"])
def test_a_pair_says_why_either_of_its_runs_is_absent(write, run):
    pair, elsewhere = "CL minus CE, Custom", "CL minus CE, ViT"
    assert [(one.first.run, one.second.run) for one in PAIRS if one.label == pair] == [("c", "a")] * 2
    frame, _ = write(absent={"released": {run: "not released"}})
    assert frame.loc["released", pair]["status"] == "not released"
    assert frame.loc["released", elsewhere]["status"] == "not run"
    assert frame.loc["described", pair]["status"] == "run"


def test_the_page_has_a_section_for_each_protocol_with_every_pair(write):
    _, text = write()
    assert "**a note**" in text
    assert text.count("### Protocol: ") == 2
    assert text.count("| CL minus CE, Custom ") == text.count("| KD minus CL, ViT ") == 2
    assert "| +8.04       | +8.07        | [+7.44, +8.69]  | 0.63 " in text


def test_a_row_without_a_teacher_is_compared_under_every_teacher(write):
    taught = {TrainingSeed(seed, teacher): 80.0 + seed + teacher for seed in (0, 1) for teacher in (0, 1)}
    row = write({"e": taught, "c": [70.0, 72.0]})[0].loc["described", "KD minus CL, Custom"]
    assert (row["seeds"], row["interval"]) == ("0 0-teacher-1 1 1-teacher-1", "t over seeds and teachers")
    assert row["differences"] == "+10.00 +11.00 +9.00 +10.00"
    assert (row["first"], row["second"], row["mean"]) == (81.0, 71.0, 10.0)
