import pytest
import record_files
from distillation.core.errors import UserError
from distillation.pages.figures import curves, learning_curves, style
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study.figure_contents import PanelsFigure
from drawn import empty, flaws, legend, panels, words

PANELS = {"Custom student (P2)": ["custom-ce", "custom-kd"], "Teachers": ["small"], "Third": ["custom-ce"]}
LABELS = {"custom-ce": "Custom CE", "custom-kd": "Custom KD", "small": "ViT-Small"}
ONE = {"described": "as described"}
TWO = ONE | {"released": "as released"}


def history(path, accuracies):
    lines = [f"{epoch},{epoch},{value}" for epoch, value in enumerate(accuracies, start=1)]
    path.parent.mkdir()
    path.write_text("\n".join(["epoch,global_epoch,val_acc", *lines]) + "\n")
    record_files.beside(path)
    return path


@pytest.fixture
def histories(tmp_path):
    runs = {
        ("described", "custom-ce", TrainingSeed(0)): [10, 20, 30],
        ("described", "custom-ce", TrainingSeed(1)): [20, 20, 60],
        ("described", "custom-kd", TrainingSeed(0)): [15, 25, 35],
    }
    return {key: history(tmp_path / f"{'-'.join(map(str, key))}/history.csv", runs[key]) for key in runs}


@pytest.fixture
def draw(histories):
    def do(histories=histories, **changes):
        shown = {"title": "Validation accuracy", "panels": PANELS, "labels": LABELS, "protocols": ONE}
        return learning_curves.draw(PanelsFigure(**shown | changes), histories)

    return do


def curves_of(axis):
    return [line for line in axis.get_lines() if len(line.get_xdata())]


def test_equal_inputs_give_equal_bytes_and_other_numbers_do_not(draw, histories, tmp_path):
    def written(figure):
        style.save(figure, tmp_path / "x.svg", tmp_path / "x.png")
        return (tmp_path / "x.svg").read_bytes(), (tmp_path / "x.png").read_bytes()

    first = written(draw())
    assert written(draw()) == first
    other = histories | {
        ("described", "custom-kd", TrainingSeed(0)): history(tmp_path / "other/history.csv", [15, 25, 36])
    }
    assert all(one != two for one, two in zip(first, written(draw(histories=other)), strict=True))


def test_title_note_headings_and_labels_are_in_the_picture(draw):
    found = words(draw(note="demo budget"))
    assert {"Validation accuracy\ndemo budget", *PANELS, "Custom CE", "epoch"} <= set(found)


def test_every_panel_names_its_runs_and_those_that_were_not_run(draw):
    axes = panels(draw())
    assert list(axes) == list(PANELS)
    assert legend(axes["Custom student (P2)"]) == ["Custom CE", "Custom KD"]
    assert legend(axes["Teachers"]) == ["ViT-Small: not run"]
    assert [text.get_text() for text in axes["Teachers"].texts] == ["not run"]


def test_a_curve_is_the_mean_over_seeds_within_their_range(draw):
    axis = panels(draw())["Third"]
    (line,) = axis.get_lines()
    assert line.get_xdata().tolist() == [1, 2, 3]
    assert line.get_ydata().tolist() == [15, 20, 45]
    (band,) = axis.collections
    corners = {tuple(corner) for corner in band.get_paths()[0].vertices.tolist()}
    assert {(1, 10), (1, 20), (2, 20), (3, 30), (3, 60)} == corners


def test_two_protocols_are_told_apart_by_line_and_what_one_lacks_is_named(draw, histories):
    both = histories | {("released", "custom-ce", TrainingSeed(0)): next(iter(histories.values()))}
    figure = draw(protocols=TWO, histories=both)
    axis = panels(figure)["Custom student (P2)"]
    assert legend(axis) == ["Custom CE", "Custom KD"]
    assert [line.get_linestyle() for line in curves_of(axis)] == ["-", "--", "-"]
    assert len({line.get_color() for line in curves_of(axis)[:2]}) == 1
    assert legend(figure) == ["as described", "as released"]
    (title,) = {text.get_text().replace("\N{NO-BREAK SPACE}", " ") for text in titles(figure)}
    assert title == "not run: Custom KD (as released)"
    assert list(flaws(figure)) == []


def titles(figure):
    return [found.get_title() for found in figure.legends]


def test_runs_of_a_panel_have_colours_of_their_own(draw):
    first, second = curves_of(panels(draw())["Custom student (P2)"])
    assert first.get_color() != second.get_color()


@pytest.mark.parametrize("protocols", [ONE, TWO], ids=["one", "two"])
@pytest.mark.parametrize("run", [True, False], ids=["run", "not run"])
def test_no_panel_is_empty_and_no_text_hides_another(draw, histories, protocols, run):
    figure = draw(note="demo budget", protocols=protocols, histories=histories if run else {})
    assert empty(figure) == []
    assert list(flaws(figure)) == []


def test_a_single_panel_fills_the_figure(draw):
    assert list(panels(draw(panels={"Only": ["custom-ce"]}))) == ["Only"]


def test_eight_runs_in_a_panel_are_refused(draw):
    with pytest.raises(UserError, match="at most 7 runs"):
        draw(panels={"Many": ["custom-ce"] * 8})


def test_a_network_that_stays_untrained_has_no_epochs(tmp_path):
    path = history(tmp_path / "untrained/history.csv", [])
    assert curves.accuracies([path], "val_acc").empty


def test_stages_that_stopped_early_leave_gaps_and_the_next_begin_together(tmp_path):
    def seed(name, *stages):
        rows, number = ["epoch,global_epoch,val_acc"], 0
        for accuracies in stages:
            for epoch, value in enumerate(accuracies, start=1):
                number += 1
                rows.append(f"{epoch},{number},{value}")
        path = tmp_path / name / "history.csv"
        path.parent.mkdir()
        path.write_text("\n".join(rows) + "\n")
        record_files.beside(path)
        return path

    files = [seed("a", [10, 20], [50, 60]), seed("b", [20, 30, 40], [70])]
    free = curves.accuracies(files, "val_acc")
    assert free["mean"].to_dict() == {1: 15, 2: 25, 3: 40, 4: 60, 5: 60}
    planned = curves.accuracies(files, "val_acc", stages=[(12, 4), (32, 3)])
    assert list(planned.index) == [1, 2, 3, 5, 6]


def test_a_run_that_a_protocol_does_not_have_is_not_missed_in_it(draw):
    absent = {"released": {"custom-kd": "not released"}}
    found = " ".join(words(draw(protocols=TWO, absent=absent))).replace("\xa0", " ")
    assert "Custom CE (as released)" in found
    assert "Custom KD (as released)" not in found
    nowhere = {name: {"small": "not released"} for name in TWO}
    assert "ViT-Small" not in " ".join(words(draw(protocols=TWO, absent=nowhere)))


def test_runs_without_validation_images_are_not_called_not_run(draw, histories, tmp_path):
    unseen = {("described", "small", TrainingSeed(0)): history(tmp_path / "unseen/history.csv", ["", "", ""])}
    axis = panels(draw(histories=histories | unseen))["Teachers"]
    assert legend(axis) == ["ViT-Small: no validation images"]
    assert [text.get_text() for text in axis.texts] == ["no validation images"]
