import numpy as np
import pytest
import record_files
import torch
from distillation.core.errors import InputError, UserError
from distillation.pages.figures import saliency, style
from distillation.study.figure_contents import SaliencyFigure
from drawn import empty, flaws, legend, words

ONE = {"described": "as described"}
TWO = ONE | {"released": "as released"}
LABELS = {"sal": "Custom P2 KD+CL+Sal", "plain": "Custom P2 KD+CL"}
SIX = [(side, 10) for side in (12, 16, 20, 24, 28, 32)]
THREE = [(12, 1), (20, 1), (32, 1)]
IMAGES = torch.arange(2 * 3 * 32 * 32).reshape(2, 3, 32, 32).remainder(256).to(torch.uint8)


def write(path, stages, level, last=3):
    """A record whose correlations are `level` + image / 100 + 0.001 in the last layer, and -1 elsewhere."""
    contents = {"student_layers": np.array([0, 1, last]), "teacher_layers": np.array([0, 1, 11])}
    contents["view"] = np.array("scale")
    rng = np.random.default_rng(0)
    for number, (side, epochs) in enumerate(stages, start=1):
        for epoch in sorted({1, epochs}):
            prefix = f"stage{number}-{side}px-epoch{epoch}"
            for who in ("student", "teacher"):
                contents[f"{prefix}-{who}"] = rng.random((3, 8, side // 2, side // 2)).astype(np.float32)
            correlation = np.full((3, 8), -1.0)
            correlation[-1] = level + np.arange(8) / 100 + 0.001
            contents[f"{prefix}-correlation"] = correlation
    path.parent.mkdir(exist_ok=True)
    np.savez(path, **contents)
    record_files.beside(path)
    return path


@pytest.fixture
def records(tmp_path):
    def make(stages=SIX, protocols=ONE, **options):
        return {
            (protocol, run, seed): write(
                tmp_path / f"{protocol}-{run}-{seed}/saliency.npz", stages, level, **options
            )
            for protocol in protocols
            for run, level in (("sal", 0.5), ("plain", 0.11))
            for seed in (0, 1)
        }

    return make


def draw(records, protocols=ONE, images=IMAGES):
    names = ["cat", "ship"][: len(images)]
    page = SaliencyFigure(
        title="Maps",
        note="note",
        run="sal",
        control="plain",
        labels=LABELS,
        protocols=protocols,
        dataset="cifar10",
        images=len(images),
    )
    return saliency.draw(page, records, images, names)


@pytest.mark.parametrize("protocols", [ONE, TWO], ids=["one", "two"])
@pytest.mark.parametrize("stages", [SIX, THREE], ids=["study", "demo"])
@pytest.mark.parametrize("run", [True, False], ids=["run", "not run"])
def test_no_panel_is_empty_and_no_text_hides_another(records, protocols, stages, run):
    figure = draw(records(stages, protocols) if run else {}, protocols)
    assert [title for title in empty(figure) if title] == []
    assert list(flaws(figure)) == []
    assert any("not run" in text for text in words(figure)) != run


@pytest.mark.parametrize("count", [1, 2])
def test_maps_are_those_of_the_last_layer_on_one_scale(records, count):
    files = records()
    first, *_ = draw(files, images=IMAGES[:count]).axes
    record = np.load(files["described", "sal", 0])
    pictures = first.images
    assert len(pictures) == 6 * 5
    for index, key in ((1, "stage1-12px-epoch1-student"), (4, "stage1-12px-epoch10-teacher")):
        assert np.array_equal(pictures[index].get_array(), record[key][-1, 0])
    assert {picture.get_clim() for picture in pictures} == {(0, 1)}


def test_every_pair_has_its_epoch_and_its_correlation(records):
    found = words(draw(records()))
    assert found.count("epoch 1: r = 0.50") == found.count("epoch 10: r = 0.50") == 6
    assert found.count("epoch 1: r = 0.51") == 6


def test_the_panel_below_has_the_mean_correlation_of_run_and_control_by_epoch(records):
    figure = draw(records())
    axis = next(axis for axis in figure.axes if axis.get_xlabel() == "epoch")
    assert legend(axis) == ["Custom P2 KD+CL+Sal: 0.54 at the end", "Custom P2 KD+CL: 0.15 at the end"]
    line = axis.get_lines()[0]
    assert line.get_xdata().tolist() == [1, 10, 11, 20, 21, 30, 31, 40, 41, 50, 51, 60]
    assert line.get_ydata() == pytest.approx(0.536)


def test_a_control_that_was_not_run_is_named(records):
    files = {key: path for key, path in records().items() if key[1] == "sal"}
    assert "Custom P2 KD+CL: not run" in words(draw(files))


def test_a_control_of_another_depth_is_refused(records, tmp_path):
    files = records()
    other = write(tmp_path / "other/saliency.npz", SIX, 0.1, last=11)
    files = {key: other if key[1] == "plain" else path for key, path in files.items()}
    with pytest.raises(UserError, match="different last layers"):
        draw(files)


def test_protocols_may_compare_different_layers(records, tmp_path):
    files = records(protocols=TWO)
    other = write(tmp_path / "other/saliency.npz", SIX, 0.1, last=2)
    files = {key: other if key[0] == "released" else path for key, path in files.items()}
    assert draw(files, TWO) is not None


def test_equal_inputs_give_equal_bytes(records, tmp_path):
    def written():
        style.save(draw(records(THREE)), tmp_path / "x.svg", tmp_path / "x.png")
        return (tmp_path / "x.svg").read_bytes(), (tmp_path / "x.png").read_bytes()

    assert written() == written()


@pytest.mark.parametrize("is_old", [False, True])
@pytest.mark.parametrize("kept", [0, 200, -20, None])
def test_damaged_maps_are_told_in_a_sentence_with_the_fix(records, is_old, kept):
    files = records(THREE)
    for path in files.values():
        path.write_bytes(path.read_bytes()[:kept] if kept is not None else b"text that is no archive")
        if is_old:
            # Records of older versions know no digests of maps.
            record_files.alone(path.parent / "run.json")
    with pytest.raises(
        InputError, match=r"saliency.npz: this file is .*; delete it and run the workflow again"
    ):
        draw(files)
