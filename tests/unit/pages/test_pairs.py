"""Differences between rows of a table, paired over seeds."""

import evaluation_files
import pandas as pd
import pytest
from distillation.pages import documents, pairs
from distillation.statistics import published_values
from distillation.study.contents import Compared, Pair, PairsPage
from scipy import stats

ROWS = {"CE": ("a", "b"), "CL": ("c", "d"), "KD": ("e", "f")}
PROTOCOLS = {"described": "as described", "released": "as released"}
PAIRS = [
    Pair(
        section=f"Protocol: {label}",
        label=f"{first} minus {second}, {column}",
        first=Compared(protocol, run),
        second=Compared(protocol, against),
        printed=(run, against),
    )
    for protocol, label in PROTOCOLS.items()
    for first, second in (("CL", "CE"), ("KD", "CL"))
    for column, run, against in zip(("Custom", "ViT"), ROWS[first], ROWS[second], strict=True)
]
ACCURACIES = {"a": [66.0, 67.0, 65.0], "c": [74.1, 75.3, 72.8], "b": [70.0], "d": [76.0, 77.0], "e": [80.0]}


@pytest.fixture
def write(tmp_path):
    def do(accuracies=ACCURACIES):
        evaluations = {}
        for run, values in accuracies.items():
            for seed, accuracy in enumerate(values):
                path = tmp_path / f"{run}-{seed}.json"
                evaluations["described", run, seed] = evaluation_files.write(path, accuracy)
        published = tmp_path / "published.csv"
        published.write_text("run,accuracy,source,doubt\na,66.85,Table 1,\nc,74.89,Table 1,\n")
        files = {form: tmp_path / f"pairs/pairs.{form}" for form in ("csv", "md", "tex", "html")}
        page = PairsPage(
            taken_as_fixed="The test images are taken as fixed.",
            title="Differences",
            note="a note",
            protocols=PROTOCOLS,
            pairs=PAIRS,
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


def test_the_page_has_a_section_for_each_protocol_with_every_pair(write):
    _, text = write()
    assert "**a note**" in text
    assert text.count("### Protocol: ") == 2
    assert text.count("| CL minus CE, Custom ") == text.count("| KD minus CL, ViT ") == 2
    assert "| +8.04       | +8.07        | [+7.44, +8.69]  | 0.63 " in text
