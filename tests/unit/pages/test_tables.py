import evaluation_files
import numpy as np
import pandas as pd
import pytest
from distillation.pages import documents, tables
from distillation.statistics import published_values
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study.contents import Layout, TablePage

LAYOUT = Layout(["Custom", "ViT"], [("CE", ["custom-ce", "vit-ce"]), ("KD", ["custom-kd", "vit-kd"])])
PROTOCOLS = {"described": "as described"}
TWO = PROTOCOLS | {"released": "as released"}
PUBLISHED = (
    "run,accuracy,source,doubt\n"
    "custom-ce,66.85,t,\nvit-ce,74.00,t,no log; the text says 73.5\nvit-kd,80.1,t,\n"
)
ACCURACIES = {
    ("described", "custom-ce", TrainingSeed(0)): 61.25,
    ("described", "custom-ce", TrainingSeed(1)): 64.5,
    ("described", "custom-ce", TrainingSeed(2)): 62.88,
    ("described", "vit-ce", TrainingSeed(0)): 70.0,
    ("described", "custom-kd", TrainingSeed(0)): 80.0,
    ("described", "custom-kd", TrainingSeed(1)): 81.0,
}


@pytest.fixture
def write(tmp_path):
    """Write a table of accuracies; its cells as read back from the csv, and the markdown."""

    def do(
        accuracies=ACCURACIES, layout=LAYOUT, protocols=PROTOCOLS, published=PUBLISHED, note="", absent=None
    ):
        evaluations = {}
        for index, (key, value) in enumerate(accuracies.items()):
            evaluations[key] = evaluation_files.write(tmp_path / f"{index}.json", value)
        source = None
        if published is not None:
            source = tmp_path / "published.csv"
            source.write_text(published)
        files = {form: tmp_path / f"tables/t.{form}" for form in ("csv", "md", "tex", "html")}
        page = TablePage(
            title="Accuracy (%)", note=note, protocols=protocols, layout=layout, absent=absent or {}
        )
        cells = tables.cells(page, evaluations, published_values.accuracies(source))
        documents.publish(tables.document(page, cells), cells, files)
        return pd.read_csv(files["csv"], dtype={"seeds": str, "accuracies": str}), files["md"].read_text()

    return do


def cell(frame, run, protocol="described"):
    ((_, row),) = frame[(frame["run"] == run) & (frame["protocol"] == protocol)].iterrows()
    return row


def grids(text):
    """The tables in a markdown text: cells by row and column label, one mapping a table."""
    found = []
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if line.startswith("|")]
        if lines:
            heading, _, *rows = [[part.strip() for part in line.strip("|").split("|")] for line in lines]
            found.append(
                {(row[0], name): c for row in rows for name, c in zip(heading[1:], row[1:], strict=True)}
            )
    return found


def test_mean_and_spread_are_those_of_numpy_over_seeds(write):
    row = cell(write()[0], "custom-ce")
    values = [61.25, 64.5, 62.88]
    expected = [np.mean(values), np.std(values, ddof=1), min(values), max(values)]
    assert row[["mean", "std", "min", "max"]].tolist() == pytest.approx(expected, abs=5e-5)
    assert (row["seeds"], row["accuracies"], row["status"]) == ("0 1 2", "61.25 64.50 62.88", "run")
    assert (row["test_images"], row["selection"]) == (10000, "best")


def test_seeds_are_in_order_whatever_the_order_of_the_files(write):
    reversed_order = dict(reversed(ACCURACIES.items()))
    assert cell(write(reversed_order)[0], "custom-ce")["accuracies"] == "61.25 64.50 62.88"
    assert write(reversed_order)[1] == write()[1]


def test_a_cell_shows_the_published_value_beside_mean_and_spread(write):
    (grid,) = grids(write()[1])
    assert grid == {
        ("CE", "Custom"): "66.85 / 62.88 ± 1.63",
        ("CE", "ViT"): "74.00 / 70.00 [69.09, 70.89]",
        ("KD", "Custom"): "- / 80.50 ± 0.71",
        ("KD", "ViT"): "80.10 / not run",
    }


def test_a_single_seed_has_no_spread(write):
    frame, text = write()
    assert np.isnan(cell(frame, "vit-ce")["std"])
    assert "±" not in grids(text)[0]["CE", "ViT"]


def test_a_run_that_was_not_run_is_so_named_and_has_no_numbers(write):
    row = cell(write()[0], "vit-kd")
    assert row["status"] == "not run"
    assert row["published"] == 80.1
    assert (
        row[["mean", "std", "min", "max", "low", "high", "seeds", "accuracies", "test_images"]].isna().all()
    )


def test_a_value_that_was_not_published_is_a_dash(write):
    frame, text = write()
    assert np.isnan(cell(frame, "custom-kd")["published"])
    assert grids(text)[0]["KD", "Custom"].startswith("- / ")


def test_a_table_without_published_values_has_dashes_only(write):
    frame, text = write(published=None)
    assert frame["published"].isna().all()
    assert all(entry.startswith("- / ") for entry in grids(text)[0].values())
    assert "doubt" not in text


def test_csv_and_markdown_carry_equal_numbers(write):
    accuracies = {
        (protocol, run, TrainingSeed(seed)): round(value, 2)
        for protocol in TWO
        for run in ("custom-ce", "vit-ce", "custom-kd", "vit-kd")
        for seed, value in enumerate(np.random.default_rng(len(protocol + run)).uniform(40, 90, 3))
    }
    frame, text = write(accuracies, protocols=TWO)
    for protocol, grid in zip(TWO, grids(text), strict=True):
        for (row, column), shown in grid.items():
            ((_, numbers),) = frame[
                (frame["protocol"] == protocol) & (frame["row"] == row) & (frame["column"] == column)
            ].iterrows()
            published, reproduced = shown.split(" / ")
            mean, spread = map(float, reproduced.split(" ± "))
            assert [mean, spread] == pytest.approx([numbers["mean"], numbers["std"]], abs=0.00501)
            if published == "-":
                assert np.isnan(numbers["published"])
            else:
                assert float(published) == numbers["published"]


def test_two_protocols_have_a_section_each(write):
    other = {("released", "custom-ce", TrainingSeed(0)): 55.0}
    frame, text = write(ACCURACIES | other, protocols=TWO)
    assert [line for line in text.splitlines() if line.startswith("### ")] == [
        "### Protocol: as described (published / reproduced)",
        "### Protocol: as released (published / reproduced)",
    ]
    described, released = grids(text)
    assert described == grids(write()[1])[0]
    assert released["CE", "Custom"] == "66.85 / 55.00 [54.02, 55.97]"
    assert {released["KD", "Custom"], released["KD", "ViT"]} == {"- / not run", "80.10 / not run"}
    assert len(frame) == 8


def test_rows_and_columns_keep_the_order_of_the_layout(write):
    layout = Layout(["B", "A"], [("z", ["vit-ce", "custom-ce"]), ("a", ["vit-kd", "custom-kd"])])
    (grid,) = grids(write(layout=layout)[1])
    assert list(grid) == [("z", "B"), ("z", "A"), ("a", "B"), ("a", "A")]
    assert grid["z", "B"] == "74.00 / 70.00 [69.09, 70.89]"


def test_a_run_may_stand_in_two_columns(write):
    layout = Layout(["A", "B"], [("CE", ["custom-ce", "custom-ce"])])
    frame, text = write(layout=layout)
    assert set(grids(text)[0].values()) == {"66.85 / 62.88 ± 1.63"}
    assert len(frame) == 2


def test_the_note_is_printed_with_the_table_and_in_every_row(write):
    frame, text = write(note="demo budget, not comparable")
    assert text.startswith("## Accuracy (%)\n\n**demo budget, not comparable**\n\n")
    assert set(frame["note"]) == {"demo budget, not comparable"}
    assert "**" not in write()[1]


def test_the_caption_says_that_students_have_several_teachers(write):
    crossed = {
        ("described", "custom-kd", TrainingSeed(seed, teacher)): 80.0 + seed + teacher
        for seed in (0, 1)
        for teacher in (0, 1)
    }
    frame, text = write(ACCURACIES | crossed)
    assert "over 3 seeds or 4 trainings with 2 teachers or a single seed" in text
    row = cell(frame, "custom-kd")
    assert (row["seeds"], row["interval"]) == ("0 0-teacher-1 1 1-teacher-1", "t over seeds and teachers")


def test_doubts_about_published_values_are_listed_once(write):
    frame, text = write(protocols=TWO)
    assert text.endswith("\n\n- published vit-ce, 74.00: no log; the text says 73.5\n")
    assert text.count("no log") == 1
    assert cell(frame, "vit-ce")["doubt"] == "no log; the text says 73.5"
    assert "doubt:" not in write(published="run,accuracy,source,doubt\ncustom-ce,66.85,t,\n")[1]


def test_the_caption_says_what_the_numbers_are(write):
    caption = (
        "Mean ± sample standard deviation over 2 or 3 seeds or a single seed with its"
        " binomial 95 % interval (Wilson) in brackets, 10,000 test images, weights of the"
        " best validation accuracy in the last stage."
    )
    assert caption in write()[1]


def test_a_protocol_of_which_nothing_was_run_says_so(write):
    assert write(protocols=TWO)[1].count("No run of this protocol was trained.") == 1
    assert write(accuracies={})[1].count("not run") == 4


def test_equal_inputs_give_equal_files(write, tmp_path):
    write()
    first = [(tmp_path / "tables" / name).read_bytes() for name in ("t.csv", "t.md")]
    write()
    assert [(tmp_path / "tables" / name).read_bytes() for name in ("t.csv", "t.md")] == first


# --- runs that a protocol does not have -----------------------------------------------------------

ABSENT = {"released": {"vit-ce": "not released", "vit-kd": "not released"}}


def released(write, **changes):
    """The markdown where the protocol `released` has one run of the table."""
    return write({("released", "custom-ce", TrainingSeed(0)): 55.0}, protocols=TWO, absent=ABSENT, **changes)


def test_a_cell_says_why_its_protocol_has_no_such_run(write):
    frame, text = released(write)
    _, grid = grids(text)
    assert grid["CE", "ViT"] == "74.00 / not released"
    assert cell(frame, "vit-ce", "released")["status"] == "not released"
    assert cell(frame, "vit-ce", "described")["status"] == "not run"


def test_rows_of_which_a_protocol_has_no_run_are_named_below_its_table(write):
    layout = Layout(["accuracy"], [("A", ["custom-ce"]), ("B", ["vit-ce"]), ("C", ["vit-kd"])])
    frame, text = released(write, layout=layout)
    described, other = grids(text)
    assert {row for row, _ in described} == {"A", "B", "C"}
    assert {row for row, _ in other} == {"A"}
    assert "Not released: B, C." in text
    assert len(frame) == 6


def test_another_run_may_stand_in_a_row_of_a_protocol_beside_the_same_published_value(write):
    instead = {"released": {"KD": ["custom-kd", "custom-ce"]}}
    layout = Layout(LAYOUT.columns, LAYOUT.rows, instead)
    _, text = released(write, layout=layout)
    described, other = grids(text)
    assert described["KD", "ViT"] == "80.10 / not run"
    assert other["KD", "ViT"] == "80.10 / 55.00 [54.02, 55.97]"
