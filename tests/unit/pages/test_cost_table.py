"""The costs of trainings, and that all forms of a table carry the same cells."""

import io
import re

import pandas as pd
import pytest
import record_files
from distillation.pages import cost_table, documents
from distillation.pages.documents import Document, Section
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study.contents import Page

KEYS = [("described", "vit", TrainingSeed(0)), ("described", "vit", TrainingSeed(1))]


@pytest.fixture
def files(tmp_path):
    records = {}
    for key, seconds in zip(KEYS, (10.0, 30.0), strict=True):
        stages = [
            {
                "seconds": seconds,
                "images": 1000,
                "peak_memory_mb": 1234.5,
                "training_flops": 2 * 10**15,
            },
            {
                "seconds": 2 * seconds,
                "images": 500,
                "peak_memory_mb": 2345.5,
                "training_flops": 10**15,
            },
        ]
        record = {
            "parameters": 567316,
            "inference_flops": 4 * 10**8,
            "stages": stages,
            "sessions": [{"name": "GPU A"}, {"name": "GPU B"}, {"name": "GPU A"}],
            "spec": {"precision": "bf16"},
        }
        records[key] = record_files.alone(tmp_path / f"run-{key[2]}.json", **record)
    return records


def test_a_training_costs_the_sum_of_its_stages(files):
    frame = cost_table.costs(files)
    assert frame["training_pflop"].tolist() == [3.0, 3.0]
    assert frame["seconds"].tolist() == [30.0, 90.0]
    assert frame["images_per_second"].tolist() == [1500 / 30, 1500 / 90]
    assert frame["inference_gflop"].tolist() == [0.4, 0.4]


def test_the_peak_of_the_memory_is_that_of_the_stage_that_took_most(files):
    assert set(cost_table.costs(files)["peak_memory_mb"]) == {2345.5}


def test_every_device_is_named_once_and_every_session_counted(files):
    frame = cost_table.costs(files)
    assert set(frame["device"]) == {"GPU A + GPU B"}
    assert set(frame["sessions"]) == {3}


def test_all_four_forms_are_written_with_the_note(files, tmp_path):
    paths = {form: tmp_path / f"out/costs.{form}" for form in ("csv", "md", "tex", "html")}
    page = Page(title="Cost", note="a note", protocols={"described": "as described"})
    costs = cost_table.costs(files)
    documents.publish(cost_table.document(page, costs), costs, paths)
    assert len(pd.read_csv(paths["csv"])) == 2
    for form in ("md", "tex", "html"):
        text = paths[form].read_text()
        assert "a note" in text
        assert "567,316" in text
        assert "GPU A + GPU B" in text


def test_the_page_says_which_work_beside_training_its_seconds_include(files):
    page = Page(title="Cost", note="", protocols={"described": "as described"})
    [section] = cost_table.document(page, cost_table.costs(files)).sections
    assert "include validation and, of runs that are tested after every epoch, these tests" in section.caption


def cells_of(document):
    """All cells of a document in each of its forms, row by row, labels included."""
    [table] = pd.read_html(io.StringIO(documents.html(document)), index_col=0)
    html = [[str(label), *map(str, row)] for label, row in zip(table.index, table.to_numpy(), strict=True)]
    lines = [line for line in documents.markdown(document).splitlines() if line.startswith("| ")][1:]
    markdown = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    body = documents.latex(document).partition("\\midrule")[2].partition("\\bottomrule")[0]
    latex = [
        [cell.strip() for cell in line.split(" & ")] for line in body.strip().split(r"\\") if line.strip()
    ]
    return html, markdown, latex


def test_markdown_latex_and_html_carry_equal_cells():
    table = pd.DataFrame(
        {"A": ["1.25 ± 0.10", "- / not run"], "B 50%": ["x | y", "2_3"]}, index=["r&d", "KD + CL"]
    )
    html, markdown, latex = cells_of(Document("T", "", [Section("H", table, "C")]))
    expected = [["r&d", "1.25 ± 0.10", "x | y"], ["KD + CL", "- / not run", "2_3"]]
    assert html == expected
    assert [[cell.replace("\\|", "|") for cell in row] for row in markdown] == expected
    plain = {r"\&": "&", r"$\pm$": "±", r"\_": "_", r"\textbar{}": "|"}
    for tex, text in plain.items():
        latex = [[cell.replace(tex, text) for cell in row] for row in latex]
    assert latex == expected


def test_the_latex_uses_booktabs_and_escapes_its_caption():
    table = pd.DataFrame({"A": ["1"]}, index=["r"])
    text = documents.latex(
        Document("Accuracy (%)", "demo", [Section("as described", table, "Mean ± spread.")])
    )
    assert all(rule in text for rule in ("\\toprule", "\\midrule", "\\bottomrule"))
    assert r"Accuracy (\%). as described. demo. Mean $\pm$ spread." in text


def test_the_page_escapes_what_it_shows():
    table = pd.DataFrame({"A": ["<b>"]}, index=["r"])
    page = documents.html(Document("a < b", "", [Section("<h>", table, "c & d")], ["x > y"]))
    assert "<b>" not in page
    assert all(text in page for text in ("a &lt; b", "&lt;h&gt;", "&lt;b&gt;", "c &amp; d", "x &gt; y"))
