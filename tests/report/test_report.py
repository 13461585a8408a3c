"""The report that `make demo` made, as Chromium shows it. Run by `make report-test`."""

import base64
from urllib.parse import urlsplit

import pandas as pd
import pytest
import reader
import shipped
from workspace import REPOSITORY

RESULTS = REPOSITORY / "results/demo"
REPORT = RESULTS / "report.html"

STUDIES = {name: shipped.demo(name) for name in ("irkd", "lightnn")}
CONFIG = STUDIES["irkd"]
CATEGORIES = ["1. Tables", "2. Figures", "3. Learning curves", "4. Claims", "5. Provenance"]
ORDER = [f"{name}, {category}" for name in STUDIES for category in CATEGORIES]

# Of Snakemake's own page: the build of its style sheet, and the version that it gives its charts.
KNOWN_WARNINGS = (
    "cdn.tailwindcss.com should not be used in production",
    "The input spec uses Vega-Lite v3, but the current version of Vega-Lite is",
)


@pytest.fixture(scope="session")
def visit(tmp_path_factory):
    """All that the report shows."""
    if not REPORT.exists():
        pytest.fail(f"no {REPORT.relative_to(REPOSITORY)} to open: make demo")
    return reader.visit(REPORT, tmp_path_factory.mktemp("chromium"))


def opened(visit):
    return [item for items in visit.categories.values() for item in items]


def content(item):
    return base64.b64decode(item.source.partition(";base64,")[2])


def of_the_paper(word, number):
    return f"{word} {number}" if number else "-"


def test_categories_come_in_the_order_of_a_reader_study_by_study(visit):
    assert list(visit.categories) == [name for name in ORDER if name != "lightnn, 3. Learning curves"]


def test_every_picture_and_page_of_the_studies_is_in_the_report_as_it_is_now(visit):
    files = {path for form in ("html", "svg") for path in RESULTS.rglob(f"*.{form}")} - {REPORT}
    assert sorted(map(content, opened(visit))) == sorted(path.read_bytes() for path in files)


@pytest.mark.parametrize("name", STUDIES)
def test_tables_of_accuracies_come_first_and_every_table_is_listed_by_title(visit, name):
    config = STUDIES[name]
    expected = [
        (str(index), table["title"], of_the_paper("Table", table.get("paper_table")))
        for index, table in enumerate(config["tables"].values(), start=1)
    ]
    assert expected[0][2] == {"irkd": "Table 1", "lightnn": "-"}[name]
    further = (config["pairs"]["title"], "Cost of each training", config["switches"]["title"])
    expected += [(str(number), title, "-") for number, title in enumerate(further, len(expected) + 1)]
    assert [tuple(item.labels.values()) for item in visit.categories[f"{name}, 1. Tables"]] == expected


@pytest.mark.parametrize("name", STUDIES)
def test_every_figure_is_listed_by_title_with_the_figure_of_the_paper(visit, name):
    config = STUDIES[name]
    expected = {
        (str(index), figure["title"], numbers_or_figure(config, figure)): is_curve(figure)
        for index, figure in enumerate(config["figures"].values(), start=1)
    }
    for category, curves in (("2. Figures", False), ("3. Learning curves", True)):
        listed = [tuple(item.labels.values()) for item in visit.categories.get(f"{name}, {category}", [])]
        assert listed == [labels for labels, curve in expected.items() if curve == curves]


def numbers_or_figure(config, figure):
    """What of the paper a figure shows: a figure, or the numbers of a table."""
    number = config["tables"][figure["table"]].get("paper_table") if figure["kind"] == "table" else None
    if number and "paper_figure" not in figure:
        return f"the numbers of Table {number}"
    return of_the_paper("Figure", figure.get("paper_figure"))


def is_curve(figure):
    """Whether a figure is a learning curve that the paper does not have."""
    return figure["kind"] in ("learning-curves", "training-curve") and "paper_figure" not in figure


def test_labels_are_the_same_everywhere_so_that_a_search_aligns(visit):
    assert {tuple(item.labels) for item in opened(visit)} == {("NO.", "SHOWS", "PAPER")}


def test_table_1_shows_the_numbers_of_its_csv(visit):
    cells = pd.read_csv(RESULTS / "irkd/tables/table1.csv")
    assert set(cells["protocol"]) == set(CONFIG["reproduce"])
    lines = visit.categories["irkd, 1. Tables"][0].page
    for protocol in CONFIG["reproduce"]:
        own = cells[cells["protocol"] == protocol]
        [header, *rows], lines = lines[: own["row"].nunique() + 1], lines[own["row"].nunique() + 1 :]
        assert header[1:] == list(own["column"].unique())
        expected = [written(cell) for cell in own.itertuples()]
        assert [text for row in rows for text in row[1:]] == expected
        assert [row[0] for row in rows] == list(own["row"].unique())
    assert not lines


def written(cell):
    published = "-" if pd.isna(cell.published) else f"{cell.published:.2f}"
    if cell.status != "run":
        return f"{published} / {cell.status}"
    return f"{published} / {cell.mean:.2f} [{cell.low:.2f}, {cell.high:.2f}]"


def test_every_figure_is_decoded_is_not_blank_and_fits_the_window(visit):
    pictures = [item for item in opened(visit) if item.picture]
    assert len(pictures) == sum(len(config["figures"]) for config in STUDIES.values())
    for item in pictures:
        width, height, inked = item.picture
        assert min(width, height) > 100, item.labels
        assert 0.005 < inked < 0.95, item.labels
        assert 300 < item.shown_width < 1000, item.labels


def test_captions_say_protocol_selection_seeds_paper_and_note(visit):
    shown = ("1. Tables", "2. Figures", "3. Learning curves")
    items = [item for name in visit.categories if name.endswith(shown) for item in visit.categories[name]]
    labels = {name: protocol["label"] for name, protocol in CONFIG["protocols"].items()}
    of_one_protocol = {
        figure["title"]: labels[runs["protocols"][0]]
        for figure in CONFIG["figures"].values()
        if "protocols" in (runs := CONFIG["teachers"].get(figure.get("run"), {}))
    }
    assert of_one_protocol
    for item in items:
        lines = [line.split(": ", 1) for line in item.description.splitlines() if ": " in line[:12]]
        fields = dict(lines)
        protocols = [text for name, text in lines if name == "Protocol"]
        paper = item.labels["PAPER"]
        assert paper in fields["Paper"] or (paper == "-" and fields["Paper"] != "-"), item.labels
        assert fields["Note"] == CONFIG["note"], item.labels
        if "no training" not in fields["Protocol"] and "Seeds" in fields:
            first = of_one_protocol.get(item.labels["SHOWS"], "as described")
            assert protocols[0].startswith(f"{first}; "), item.labels
            assert all("weights" in text for text in protocols), item.labels
            assert fields["Seeds"] in ("0", "of teachers 0", "0; of teachers 0"), item.labels


def test_captions_are_whole_and_show_no_markup(visit):
    for item in opened(visit):
        assert len(item.description) > 80, item.labels
        assert "system-message" not in item.markup, item.labels
        for raw in ("{{", "{%", "``", "`_", " :", "None", "Undefined"):
            assert raw not in item.description, item.labels


def test_each_item_leads_to_the_rule_that_made_it_and_its_code(visit):
    for item in opened(visit):
        assert {"INPUT", "OUTPUT", "CODE"} <= set(item.rule.splitlines()), item.labels
        assert "from distillation." in item.rule, item.labels


def test_the_first_page_says_what_was_run_and_how_to_read_it(visit):
    images = CONFIG["datasets"]["cifar10"]["limit"]
    light = STUDIES["lightnn"]["datasets"]["cifar10-whole"]["limit"]
    for said in (
        "6 teachers and 16 students",
        CONFIG["note"],
        "as described; tested: the weights of the best validation accuracy in the last stage\n",
        "tested: the weights after the last epoch, in some runs the others (see the table of switches)",
        "The best weights are those of the best validation accuracy in the last stage",
        "of students 0; of teachers 0",
        "of cifar10 only {train} to train, {validation} to validate, {test} to test".format(**images),
        "2 teachers and 5 students",
        "of cifar10-whole only {train} to train, {test} to test".format(**light),
    ):
        assert said in visit.start
    assert visit.linked == {name: name for name in visit.categories}


def test_the_graph_of_rules_and_the_statistics_are_drawn(visit):
    assert {
        "fetch_dataset",
        "train",
        "distill",
        "evaluate",
        "make_table",
        "plot_saliency",
        "all",
    } <= visit.rules
    for width, height, inked in (visit.graph, *visit.charts):
        assert min(width, height) > 100
        assert inked > 0.003


def test_the_console_has_no_errors_and_no_warnings_but_those_of_snakemake(visit):
    serious = [entry["message"] for entry in visit.console if entry["level"] not in ("INFO", "DEBUG")]
    assert [message for message in serious if not any(known in message for known in KNOWN_WARNINGS)] == []


def test_the_report_needs_nothing_from_elsewhere(visit):
    assert {urlsplit(url).scheme for url in visit.requests} <= {"file", "data", "blob"}
    assert [url for url in visit.requests if url.startswith("file:")] == [REPORT.as_uri()]


@pytest.mark.parametrize("page", ["irkd/tables/table1.html", "lightnn/costs/costs.html"])
def test_a_page_of_a_table_says_which_headings_are_of_rows_and_which_of_columns(page):
    text = (RESULTS / page).read_text()
    assert '<th scope="row">' in text
    assert '<th scope="col">' in text
    assert "<th>" not in text
