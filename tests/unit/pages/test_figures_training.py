import csv
from pathlib import Path

import pytest
import record_files
from distillation.pages.figures import stages, style, training_curve
from distillation.study.figure_contents import CurveFigure
from drawn import empty, flaws, legend, panels, words

ONE = {"described": "as described"}
TWO = ONE | {"released": "as released"}
SIX = [(side, 10) for side in (12, 16, 20, 24, 28, 32)]
THREE = [(12, 1), (20, 1), (32, 1)]
BEST = Path("studies/irkd/published/stage_best.csv")


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch, request):
    monkeypatch.chdir(request.config.rootpath)


@pytest.fixture
def histories(tmp_path):
    """Histories of 60 epochs whose validation is 20 + epoch / 2, the first seed's 2 above the second's."""

    def make(protocols, epochs=60, of=SIX):
        files = {}
        for protocol in protocols:
            for seed in (0, 1):
                path = tmp_path / f"{protocol}-{seed}/history.csv"
                path.parent.mkdir(exist_ok=True)
                with path.open("w", newline="") as file:
                    writer = csv.writer(file)
                    writer.writerow(["epoch", "global_epoch", "train_acc", "val_acc"])
                    for epoch in range(1, epochs + 1):
                        within = 1 + (epoch - 1) % (epochs // len(of))
                        writer.writerow([within, epoch, 10 + epoch, 21 + epoch / 2 - 2 * seed])
                record_files.beside(path)
                files[protocol, "custom-p2-cl", seed] = path
        return files

    return make


def page(title, protocols, of):
    return CurveFigure(title=title, note="note", run="custom-p2-cl", protocols=protocols, stages=of)


def whole(histories, protocols=ONE, of=SIX, published=None, best=BEST):
    return training_curve.draw(page("Curve", protocols, of), histories, published, best)


def by_stage(histories, protocols=ONE, of=SIX):
    return stages.draw(page("Stages", protocols, of), histories, BEST)


def marks(axis):
    """Ends and height of the published marks of an axis."""
    return [
        segment.tolist()
        for lines in axis.collections
        if lines.get_label().startswith("published")
        for segment in lines.get_segments()
    ]


def line(axis, label):
    return next(line for line in axis.get_lines() if line.get_label() == label)


@pytest.mark.parametrize("make", [whole, by_stage])
@pytest.mark.parametrize("protocols", [ONE, TWO], ids=["one", "two"])
@pytest.mark.parametrize("of", [SIX, THREE], ids=["study", "demo"])
@pytest.mark.parametrize("run", [True, False], ids=["run", "not run"])
def test_no_panel_is_empty_and_no_text_hides_another(histories, make, protocols, of, run):
    epochs = sum(count for _, count in of)
    figure = make(histories(protocols, epochs, of) if run else {}, protocols, of)
    assert empty(figure) == []
    assert list(flaws(figure)) == []
    assert any("not run" in text for text in words(figure)) != run


@pytest.mark.parametrize("make", [whole, by_stage])
def test_equal_inputs_give_equal_bytes(histories, make, tmp_path):
    def written():
        style.save(make(histories(ONE)), tmp_path / "x.svg", tmp_path / "x.png")
        return (tmp_path / "x.svg").read_bytes(), (tmp_path / "x.png").read_bytes()

    assert written() == written()


def test_both_accuracies_are_means_over_seeds(histories):
    (axis,) = whole(histories(ONE)).axes
    assert line(axis, "validation").get_ydata()[[0, 59]].tolist() == [20.5, 50.0]
    assert line(axis, "training").get_ydata()[[0, 59]].tolist() == [11, 70]


def test_the_stages_are_marked_with_their_resolutions_and_published_best(histories):
    (axis,) = whole(histories(ONE)).axes
    assert [text.get_text() for text in axis.texts] == [f"{side} px" for side, _ in SIX]
    values = [38.22, 47.44, 55.42, 62.30, 69.68, 74.90]
    assert [(start[0], start[1]) for start, _ in marks(axis)] == [
        (10 * number + 0.6, value) for number, value in enumerate(values)
    ]


def test_stages_without_a_published_value_are_not_marked(histories):
    (axis,) = whole(histories(ONE, 4, [(12, 2), (18, 2)]), of=[(12, 2), (18, 2)]).axes
    assert [start[1] for start, _ in marks(axis)] == [38.22]


def test_stages_beside_a_much_longer_published_curve_have_no_names_that_would_overlap(histories):
    published = Path("studies/irkd/published/curves/tiny-p2-kd-cl.csv")
    stages = [(12, 1), (20, 1), (32, 1)]
    figure = whole(histories(ONE, 3, stages), of=stages, published=published, best=None)
    assert list(flaws(figure)) == []
    assert not any("px" in text.get_text() for text in figure.axes[0].texts)


def test_a_published_curve_lies_behind_in_grey(histories):
    published = Path("studies/irkd/published/curves/custom-p2-ce.csv")
    (axis,) = whole(histories(ONE, of=[(32, 60)]), of=[(32, 60)], published=published, best=None).axes
    behind = line(axis, "validation, published")
    assert behind.get_color() == style.PUBLISHED
    assert len(behind.get_xdata()) == 60
    assert behind.get_ydata()[[0, 59]].tolist() == [45.46, 66.36]
    assert list(axis.texts) == []
    curve = line(axis, "validation")
    assert axis.get_lines().index(behind) < axis.get_lines().index(curve)


def test_a_panel_has_the_epochs_of_its_stage_counted_from_1(histories):
    axes = panels(by_stage(histories(ONE)))
    assert list(axes) == [f"{side} x {side} px" for side, _ in SIX]
    third = line(axes["20 x 20 px"], "validation")
    assert third.get_xdata().tolist() == list(range(1, 11))
    assert third.get_ydata()[[0, 9]].tolist() == [30.5, 35.0]
    assert [start[1] for start, _ in marks(axes["20 x 20 px"])] == [55.42]


def test_two_protocols_are_told_apart_by_name_and_by_line(histories):
    figure = whole(histories(TWO), TWO, best=None)
    names = [f"{what} (as {how})" for how in ("described", "released") for what in ("training", "validation")]
    assert legend(figure) == names
    assert [line(figure.axes[0], name).get_linestyle() for name in names] == ["-", "-", "--", "--"]


@pytest.mark.parametrize("make", [whole, by_stage])
def test_a_training_without_validation_images_has_one_curve_and_says_why(histories, make):
    files = histories(ONE, 3, THREE)
    for path in files.values():
        rows = [line.split(",") for line in path.read_text().split()]
        path.write_text(
            "\n".join([",".join(rows[0]), *(",".join([*row[:3], ""]) for row in rows[1:])]) + "\n"
        )
        record_files.beside(path)
    figure = make(files, ONE, THREE)
    assert "validation: no validation images" in words(figure)
    assert empty(figure) == []
    assert list(flaws(figure)) == []
