import itertools

import matplotlib.pyplot as plt
import pytest
from irkd import figures
from PIL import Image

PANELS = {"Custom student (P2)": ["custom-ce", "custom-kd"], "Teachers": ["small"], "Third": ["custom-ce"]}
LABELS = {"custom-ce": "Custom CE", "custom-kd": "Custom KD", "small": "ViT-Small"}
ONE = {"described": "as described"}
TWO = ONE | {"released": "as released"}


def history(path, accuracies):
    lines = [f"{epoch},{value}" for epoch, value in enumerate(accuracies, start=1)]
    path.write_text("\n".join(["global_epoch,val_acc", *lines]) + "\n")
    return path


@pytest.fixture
def histories(tmp_path):
    runs = {
        ("described", "custom-ce", 0): [10, 20, 30],
        ("described", "custom-ce", 1): [20, 20, 60],
        ("described", "custom-kd", 0): [15, 25, 35],
    }
    return {key: history(tmp_path / f"{'-'.join(map(str, key))}.csv", runs[key]) for key in runs}


@pytest.fixture
def draw(tmp_path, histories):
    counter = itertools.count()

    def do(**changes):
        number = next(counter)
        svg, png = tmp_path / f"out/{number}.svg", tmp_path / f"out/{number}.png"
        arguments = {
            "title": "Validation accuracy",
            "note": "",
            "panels": PANELS,
            "labels": LABELS,
            "protocols": ONE,
            "histories": histories,
        }
        figures.learning_curves(**{**arguments, **changes}, svg=svg, png=png)
        return svg, png

    return do


@pytest.fixture
def drawn(draw, monkeypatch):
    """The axes of a figure by heading, as they are when it is saved."""

    def do(**changes):
        kept = []
        monkeypatch.setattr(figures.plt, "close", kept.append)
        draw(**changes)
        monkeypatch.undo()
        (figure,) = kept
        plt.close(figure)
        return {axis.get_title(): axis for axis in figure.axes if axis.get_visible()}

    return do


def legend(axis):
    return [text.get_text() for text in axis.get_legend().get_texts()]


def test_equal_inputs_give_equal_bytes(draw):
    first, second = draw(), draw()
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_the_files_are_an_svg_and_a_png(draw):
    svg, png = draw()
    assert svg.read_text().startswith("<?xml")
    assert "<svg " in svg.read_text()
    with Image.open(png) as image:
        assert image.format == "PNG"
        assert min(image.size) > 500


def test_other_numbers_give_another_picture(draw, histories, tmp_path):
    other = histories | {("described", "custom-kd", 0): history(tmp_path / "other.csv", [15, 25, 36])}
    for one, two in zip(draw(), draw(histories=other), strict=True):
        assert one.read_bytes() != two.read_bytes()


def test_title_note_headings_and_labels_are_in_the_picture(draw):
    # The outlines of a text follow it as a comment.
    text = draw(note="demo budget")[0].read_text()
    for words in ("Validation accuracy", "demo budget", *PANELS, "Custom CE", "epoch"):
        assert f"<!-- {words} -->" in text
    assert "demo budget" not in draw()[0].read_text()


def test_every_panel_names_its_runs_and_those_that_were_not_run(drawn):
    axes = drawn()
    assert list(axes) == list(PANELS)
    assert legend(axes["Custom student (P2)"]) == ["Custom CE", "Custom KD"]
    assert legend(axes["Teachers"]) == ["ViT-Small: not run"]


def test_a_curve_is_the_mean_over_seeds_within_their_range(drawn):
    axis = drawn()["Third"]
    (line,) = axis.get_lines()
    assert line.get_xdata().tolist() == [1, 2, 3]
    assert line.get_ydata().tolist() == [15, 20, 45]
    (band,) = axis.collections
    corners = {tuple(corner) for corner in band.get_paths()[0].vertices.tolist()}
    assert {(1, 10), (1, 20), (2, 20), (3, 30), (3, 60)} == corners


def test_two_protocols_are_told_apart_by_name_and_by_line(drawn, histories):
    axis = drawn(
        protocols=TWO, histories=histories | {("released", "custom-ce", 0): next(iter(histories.values()))}
    )["Third"]
    assert legend(axis) == ["Custom CE (as described)", "Custom CE (as released)"]
    assert [line.get_linestyle() for line in axis.get_lines()] == ["-", "--"]
    assert len({line.get_color() for line in axis.get_lines()}) == 1


def test_runs_of_a_panel_have_colours_of_their_own(drawn):
    first, second = drawn()["Custom student (P2)"].get_lines()
    assert first.get_color() != second.get_color()


def test_a_figure_of_runs_none_of_which_was_run_can_be_drawn(drawn):
    axes = drawn(histories={})
    assert all(label.endswith(": not run") for axis in axes.values() for label in legend(axis))


def test_a_single_panel_fills_the_figure(drawn):
    assert list(drawn(panels={"Only": ["custom-ce"]})) == ["Only"]


def test_a_drawn_figure_is_closed(draw):
    draw()
    assert plt.get_fignums() == []
