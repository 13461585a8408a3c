import numpy as np
import pytest
import torch
from distillation.core.errors import UserError
from distillation.pages.figures import inputs, style
from distillation.study.figure_contents import InputsFigure
from drawn import empty, flaws

SIDES = [12, 16, 20, 24, 28, 32]
# No pixel is black, so that padding is.
IMAGES = torch.randint(1, 256, (10, 3, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
NAMES = ["automobile"] * 10


def draw(seed=0, sides=SIDES):
    shown = {"dataset": "cifar10", "images": len(IMAGES), "resolutions": sides, "padding": 4, "seed": seed}
    page = InputsFigure(title="Images", note="note", protocols={}, **shown)
    return inputs.draw(page, IMAGES, NAMES)


def arrays(axis):
    return [np.asarray(image.get_array()) for image in axis.images]


def test_both_views_have_every_image_at_every_resolution():
    figure = draw()
    assert empty(figure) == []
    assert list(flaws(figure)) == []
    for axis in figure.axes:
        assert [array.shape[0] for array in arrays(axis)] == [side for side in SIDES for _ in range(10)]


def test_the_upper_view_at_full_size_is_the_image_itself():
    shown = arrays(draw().axes[0])[-10:]
    for array, image in zip(shown, IMAGES, strict=True):
        assert np.allclose(array, image.permute(1, 2, 0) / 255, atol=1e-6)


def test_a_crop_is_a_piece_of_the_padded_image():
    padded = torch.nn.functional.pad(IMAGES[0], [4] * 4).permute(1, 2, 0).numpy() / 255
    crop = arrays(draw().axes[1])[0]
    places = [
        (top, left)
        for top in range(29)
        for left in range(29)
        if np.allclose(padded[top : top + 12, left : left + 12], crop, atol=1e-6)
    ]
    assert len(places) == 1


def test_the_crops_depend_on_the_seed_alone(tmp_path):
    def written(**options):
        style.save(draw(**options), tmp_path / "x.svg", tmp_path / "x.png")
        return (tmp_path / "x.svg").read_bytes(), (tmp_path / "x.png").read_bytes()

    assert written() == written()
    assert written(seed=1) != written()


def test_a_resolution_above_that_of_the_images_is_refused():
    with pytest.raises(UserError, match="40 px is impossible"):
        draw(sides=[40])
