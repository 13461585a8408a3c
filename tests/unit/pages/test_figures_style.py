import subprocess
import sys

import pytest
from distillation.core.errors import UserError
from distillation.pages.figures import lettering, style
from drawn import flaws
from PIL import Image
from shipped import ROOT


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
    lines = lettering.not_run(labels, 4.0).split("\n")
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


DRAWN = """
import hashlib, sys
from pathlib import Path
from distillation.pages.figures import lettering, style

@style.styled
def draw():
    figure = style.new("A title", "a note", 3, 2)
    figure.subplots().plot([1, 2, 4])
    return figure

style.save(draw(), Path(sys.argv[1]) / "x.svg", Path(sys.argv[1]) / "x.png")
"""
PLAIN = """
import sys
from pathlib import Path
from matplotlib.figure import Figure

figure = Figure()
figure.suptitle("A title")
figure.savefig(Path(sys.argv[1]) / "x.png")
"""
USERS = "font.family: serif\nsavefig.dpi: 50\naxes.grid: False\nlines.linewidth: 5\n"


@pytest.fixture
def drawn_by(tmp_path):
    """Runs code that draws, in a process with these variables; returns what it writes, by name."""

    def run(code, **variables):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        environment = {"PYTHONPATH": str(ROOT / "workflow_scripts"), "HOME": str(tmp_path)} | variables
        subprocess.run([sys.executable, "-c", code, folder], check=True, env=environment, cwd=folder)
        return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".png", ".svg")}

    return run


def test_a_users_settings_of_matplotlib_change_no_figure(drawn_by, tmp_path):
    users, latex = tmp_path / "users", tmp_path / "latex"
    users.write_text(USERS)
    latex.write_text(f"{USERS}text.usetex: True\n")
    assert drawn_by(PLAIN) != drawn_by(PLAIN, MATPLOTLIBRC=str(users))
    assert (
        drawn_by(DRAWN)
        == drawn_by(DRAWN, MATPLOTLIBRC=str(users))
        == drawn_by(DRAWN, MATPLOTLIBRC=str(latex))
    )


@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "nothing-like-it"])
def test_the_backend_of_a_notebook_stops_no_figure(drawn_by, backend):
    with pytest.raises(subprocess.CalledProcessError):
        drawn_by(PLAIN, MPLBACKEND=backend)
    assert drawn_by(DRAWN, MPLBACKEND=backend) == drawn_by(DRAWN)
