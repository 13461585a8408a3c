import evaluation_files
import pytest
import record_files
from distillation.core.errors import UserError
from distillation.pages.figures import cost, resolutions, style, table
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study.contents import Layout, TablePage
from distillation.study.figure_contents import CostFigure, PanelsFigure
from drawn import empty, flaws, legend, panels, words
from shipped import CONFIG

ONE = {"described": "as described"}
TWO = ONE | {"released": "as released"}
LABELS = {"custom": "Custom P2 KD+CL+Sal", "tiny": "ViT-Tiny P2 KD+CL+Sal", "small": "Teacher ViT-Small P2"}
KINDS = {
    "custom": ("kd-cl-sal", "custom-p2"),
    "tiny": ("kd-cl-sal", "vit-tiny-p2"),
    "small": ("teacher", "s"),
}
PANELS = {"Custom": ["custom"], "Tiny": ["tiny", "custom"], "Third": ["tiny"], "Teachers": ["small"]}
LAYOUT = Layout(
    ["Custom student (P2)", "ViT-Tiny (P2)"],
    [("CE", ["custom", "tiny"]), ("KD", ["small", "small"])],
)


@pytest.fixture
def evaluations(tmp_path):
    """Two seeds of custom (70 and 74 %), one of small (80 %), none of tiny, in each protocol."""

    def make(protocols=ONE):
        files = {}
        for protocol in protocols:
            for run, seed, accuracy in (("custom", 0, 70.0), ("custom", 1, 74.0), ("small", 0, 80.0)):
                path = tmp_path / f"{protocol}-{run}-{seed}.json"
                views = {"scale": {"8": accuracy - 30, "16": accuracy - 20, "32": accuracy}}
                views["crop"] = {"8": accuracy - 50, "16": accuracy - 40, "32": accuracy}
                files[protocol, run, TrainingSeed(seed)] = evaluation_files.write(path, accuracy, views=views)
        return files

    return make


@pytest.fixture
def published(tmp_path):
    path = tmp_path / "published.csv"
    path.write_text("run,accuracy,source,doubt\ncustom,66.85,t,\nsmall,82.95,t,another value is printed\n")
    return path


def by_cost(files, protocols=ONE, published=None):
    stages = [{"training_flops": count * 10**12} for count in (1, 4)]
    records = {
        key: record_files.alone(path.with_suffix(".run.json"), stages=stages) for key, path in files.items()
    }
    page = CostFigure(title="Cost", note="note", kinds=KINDS, labels=LABELS, protocols=protocols)
    return cost.draw(page, files, records)


def by_resolution(files, protocols=ONE, published=None):
    page = PanelsFigure(title="Resolution", note="note", panels=PANELS, labels=LABELS, protocols=protocols)
    return resolutions.draw(page, files)


def as_table(files, protocols=ONE, published=None):
    page = TablePage(title="Table", note="note", layout=LAYOUT, protocols=protocols)
    return table.draw(page, files, published)


MAKERS = [by_cost, by_resolution, as_table]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("protocols", [ONE, TWO], ids=["one", "two"])
@pytest.mark.parametrize("run", [True, False], ids=["run", "not run"])
def test_no_panel_is_empty_and_no_text_hides_another(evaluations, published, make, protocols, run):
    figure = make(evaluations(protocols) if run else {}, protocols, published)
    assert empty(figure) == []
    assert list(flaws(figure)) == []
    assert any("not run" in text.replace("\N{NO-BREAK SPACE}", " ") for text in words(figure))


def test_with_the_first_of_many_runs_no_text_hides_another(evaluations):
    tested = evaluations(["described"])
    run = "custom-p2-ce"
    files = {("described", run, TrainingSeed(0)): tested["described", "custom", TrainingSeed(0)]}
    record = tested["described", "custom", TrainingSeed(0)].with_suffix(".run.json")
    record_files.alone(record, stages=[{"training_flops": 10**12}])
    runs = CONFIG["teachers"] | CONFIG["students"]
    labels = {name: settings["label"] for name, settings in runs.items()}
    kinds = {name: (settings["method"], settings["model"]) for name, settings in runs.items()}
    protocols = {name: CONFIG["protocols"][name]["label"] for name in CONFIG["reproduce"]}
    groups = CONFIG["figures"]["accuracy-by-resolution"]["panels"]
    shown = {"labels": labels, "protocols": protocols}
    by_view = PanelsFigure(title="Resolution", panels=groups, **shown)
    assert list(flaws(resolutions.draw(by_view, files))) == []
    records = {("described", run, TrainingSeed(0)): record}
    figure = cost.draw(CostFigure(title="Cost", kinds=kinds, **shown), files, records)
    assert list(flaws(figure)) == []
    assert sum("others" in text for text in words(figure)) == 1


@pytest.mark.parametrize("make", MAKERS)
def test_equal_inputs_give_equal_bytes(evaluations, published, make, tmp_path):
    def written():
        style.save(make(evaluations(), published=published), tmp_path / "x.svg", tmp_path / "x.png")
        return (tmp_path / "x.svg").read_bytes(), (tmp_path / "x.png").read_bytes()

    assert written() == written()


def points(axis):
    return [
        (line.get_xdata()[0], line.get_ydata()[0]) for line in axis.get_lines() if len(line.get_xdata()) == 1
    ]


def test_a_point_of_cost_is_the_sum_over_stages_and_the_mean_over_seeds(evaluations):
    figure = by_cost(evaluations())
    (axis,) = figure.axes
    assert axis.get_xscale() == "log"
    assert points(axis) == [(5 * 10**12, 72.0), (5 * 10**12, 80.0)]
    bar = axis.containers[0][2][0].get_segments()[0]
    assert bar[:, 1].tolist() == [70, 74]
    assert legend(figure) == ["method:", "kd-cl-sal", "teacher", "network:", "custom-p2", "vit-tiny-p2", "s"]


def test_protocols_differ_in_their_filling(evaluations):
    (axis,) = by_cost(evaluations(TWO), TWO).axes
    fillings = [container[0].get_markerfacecolor() == "white" for container in axis.containers]
    assert fillings == [False, False, True, True]


def test_more_methods_than_colours_are_refused():
    kinds = {str(number): (str(number), "network") for number in range(8)}
    with pytest.raises(UserError, match="at most 7 methods"):
        cost.draw(CostFigure(title="Cost", kinds=kinds, protocols=ONE), {}, {})


def test_a_line_of_resolutions_is_the_mean_over_seeds_of_its_view(evaluations):
    figure = by_resolution(evaluations())
    scaled, cropped = figure.axes[:2]
    assert [axis.get_title() for axis in (scaled, cropped)] == list(resolutions.VIEWS.values())
    assert [axis.get_legend().get_title().get_text() for axis in figure.axes[1::2]] == list(PANELS)
    assert scaled.get_lines()[0].get_xdata().tolist() == [8, 16, 32]
    assert scaled.get_lines()[0].get_ydata().tolist() == [42, 52, 72]
    assert cropped.get_lines()[0].get_ydata().tolist() == [22, 32, 72]
    assert {axis.get_ylim() for axis in figure.axes if style.has_points(axis)} == {(15, 85)}


def test_the_table_shows_published_and_reproduced_with_the_interval_of_their_kind(evaluations, published):
    figure = as_table(evaluations(), published=published)
    axes = panels(figure)
    custom = axes["Custom student (P2)"]
    diamonds = [line for line in custom.get_lines() if line.get_marker() == "D"]
    assert [line.get_xdata()[0] for line in diamonds] == [66.85, 82.95]
    assert [line.get_color() for line in diamonds] == ["black", style.PUBLISHED]
    assert {line.get_markerfacecolor() for line in diamonds} == {"white"}
    assert [container[0].get_xdata()[0] for container in custom.containers] == [72, 80]
    spread = 8**0.5
    ends = [container[2][0].get_segments()[0][:, 0].tolist() for container in custom.containers]
    assert ends[0] == pytest.approx([72 - spread, 72 + spread])
    assert ends[1] == pytest.approx([79.204, 80.772], abs=0.001)
    title = figure.legends[0].get_title().get_text()
    assert title == "bars: sample standard deviation over seeds or binomial 95 % of a single seed"
    assert [text.get_text() for text in axes["ViT-Tiny (P2)"].texts] == ["not published", "not run"]
