import pytest
from distillation.core.errors import UserError
from distillation.pages.figures import style
from drawn import flaws
from PIL import Image


@style.styled
def figure(values=(20, 40), note=""):
    made = style.new("Title", note, style.SINGLE, 2.0)
    axis = made.subplots()
    axis.plot(range(len(values)), values)
    style.percent([axis], "accuracy")
    return made


def written(folder, made):
    files = folder / "x.svg", folder / "x.png"
    style.save(made, *files)
    return [path.read_bytes() for path in files]


def test_equal_figures_give_equal_bytes_without_a_date(tmp_path):
    first, second = written(tmp_path, figure()), written(tmp_path, figure())
    assert first == second
    assert b"<svg " in first[0]
    assert b"dc:date" not in first[0]
    assert written(tmp_path, figure((20, 41))) != first


def test_a_picture_has_the_size_of_a_column_at_200_dots_an_inch(tmp_path):
    written(tmp_path, figure())
    with Image.open(tmp_path / "x.png") as image:
        assert image.format == "PNG"
        assert image.size == (680, 400)


def test_the_note_stands_below_the_title():
    assert figure(note="demo budget").get_suptitle() == "Title\ndemo budget"
    assert figure().get_suptitle() == "Title"


@pytest.mark.parametrize(
    ("values", "limits", "label"),
    [
        ((41, 79), (35, 85), "accuracy\n(%; axis from 35)"),
        ((0, 50), (0, 55), "accuracy (%)"),
        ((60, 100), (55, 100), "accuracy\n(%; axis from 55)"),
    ],
)
def test_an_axis_of_percentages_ends_at_fives_and_says_where_it_starts(values, limits, label):
    (axis,) = figure(values).axes
    assert axis.get_ylim() == limits
    assert axis.get_ylabel() == label


def test_more_things_than_looks_are_refused_rather_than_drawn_alike():
    with pytest.raises(UserError, match="at most 4 protocols"):
        list(style.protocol_styles({str(number): "" for number in range(5)}))
    assert len(set(style.COLOURS)) == len(style.COLOURS)


def test_the_lines_that_name_what_was_not_run_break_between_labels():
    labels = [f"ViT-Tiny P2 number {number}" for number in range(12)]
    lines = style.not_run(labels).split("\n")
    assert len(lines) > 1
    assert all(line.count("number") == line.count("ViT-Tiny") for line in lines)


def test_the_flaws_that_the_other_tests_look_for_are_found():
    made = figure()
    made.text(0.5, 0.5, "one", fontsize=5)
    made.text(0.5, 0.5, "two")
    made.text(0.99, 0.5, "far outside")
    kinds = {flaw.split(":")[0] for flaw in flaws(made)}
    assert kinds == {"overlap", "outside", "too small"}
    assert list(flaws(figure())) == []
