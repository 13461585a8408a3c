"""Images as a network sees them at each resolution."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor
from torchvision.transforms.v2 import functional

from distillation.data import views
from distillation.data.settings import Normalization
from distillation.pages.figures import style
from distillation.study.figure_contents import InputsFigure

# Leaves the pixels of a view unchanged, in [0, 1].
_AS_SHOWN = Normalization(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
# Inches: with two blocks of six rows a caption still fits on the page.
_WIDTH = 5.6
# Fraction of its cell that an image fills.
_FILL = 0.94


@style.styled
def draw(page: InputsFigure, images: Tensor, names: Sequence[str]) -> Figure:
    """The first images whole and scaled down, and as random padded crops (paper, Figure 1).

    The paper describes and shows the first view; its released code trains on the second. All images
    are drawn at the same size; each square is a pixel.

    Args:
        page: resolutions, at most S, and the padding and seed of the crops.
        images: uint8 [N, 3, S, S].
        names: class name of each image.

    Raises:
        UserError: a resolution is not between 1 and S.
    """
    resolutions, padding = page.resolutions, page.padding
    generator = torch.Generator().manual_seed(page.seed)
    count = len(images)
    block = (_WIDTH - 0.5) * len(resolutions) / count
    figure = style.new(page.title, page.note, _WIDTH, 2 * block + 1.1)
    axes = figure.subplots(2)
    shown = (
        ("Whole image, scaled", lambda side: pixels(images, side)),
        (
            f"Random crop of the image padded by {padding} pixels",
            lambda side: _crops(images, side, padding, generator),
        ),
    )
    for axis, (heading, view) in zip(axes, shown, strict=True):
        for row, side in enumerate(resolutions):
            for column, image in enumerate(view(side)):
                _place(axis, image, column, row)
        axis.set(xlim=(0, count - 1 + _FILL), ylim=(len(resolutions) - 1 + _FILL, 0), title=heading)
        axis.set_xticks(np.arange(count) + _FILL / 2, names)
        axis.set_yticks(np.arange(len(resolutions)) + _FILL / 2, [f"{side} px" for side in resolutions])
        axis.tick_params(length=0)
        axis.grid(False)
        axis.spines[:].set_visible(False)
        axis.set_aspect("equal")
    return figure


def pixels(images: Tensor, side: int) -> np.ndarray:
    """Whole uint8 images [N, 3, S, S] scaled as a network sees them: float32 [N, side, side, 3] in [0, 1]."""
    return views.plain_view(images, side, _AS_SHOWN).permute(0, 2, 3, 1).numpy()


def _crops(images: Tensor, side: int, padding: int, generator: torch.Generator) -> np.ndarray:
    """One crop of each padded image, float32 [N, side, side, 3] in [0, 1]."""
    views.require_resolution(images, side, "crop")
    padded = functional.pad(images, [padding])
    corners = torch.randint(padded.shape[-1] - side + 1, (len(images), 2), generator=generator)
    crops = [
        image[:, top : top + side, left : left + side]
        for image, (top, left) in zip(padded, corners, strict=True)
    ]
    return torch.stack(crops).permute(0, 2, 3, 1).numpy() / 255.0


def _place(axis: Axes, image: np.ndarray, column: int, row: int) -> None:
    axis.imshow(image, extent=(column, column + _FILL, row + _FILL, row), vmin=0, vmax=1)
