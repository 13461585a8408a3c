"""Trained networks for other uses: classify the images of files, and show what a class depends on."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torchvision.io import ImageReadMode, decode_image
from torchvision.transforms.v2 import functional

from distillation.core import components, finished_runs
from distillation.core.errors import InputError
from distillation.evaluation import whole_images
from distillation.networks import models
from distillation.networks.map_settings import KINDS
from distillation.pages.figures import style
from distillation.study.spec import Run, from_mapping


@dataclass(frozen=True)
class TrainedNetwork:
    """A network with what it was trained on.

    Attributes:
        network: in evaluation mode, its weights frozen.
        settings: of its run.
        classes: their names, in the order of the logits.
    """

    network: nn.Module
    settings: Run
    classes: tuple[str, ...]

    def image(self, file: Path | str) -> Tensor:
        """The largest square in the middle of an image, uint8 [1, 3, S, S] of the network's size.

        Raises:
            InputError: the file is missing, or no JPEG, PNG, GIF or WebP image.
        """
        side = self.settings.model.image_size
        try:
            image = decode_image(str(file), mode=ImageReadMode.RGB)
        except RuntimeError as error:
            what = "no image that torchvision reads" if Path(file).is_file() else "this file is missing"
            raise InputError(f"{file}: {what}; name a JPEG or PNG file.") from error
        return functional.center_crop(functional.resize(image, [side], antialias=True), [side, side])[None]

    def classify(self, file: Path | str) -> pd.Series:
        """Probability of each class for an image, in [0, 1], the most probable first."""
        with torch.no_grad():
            logits = whole_images.logits(self.network, self.settings, self.image(file))[0]
        return pd.Series(logits.softmax(dim=0).tolist(), index=self.classes).sort_values(ascending=False)

    def saliency(self, file: Path | str, kind: str = "gradient", block: int = -1) -> Tensor:
        """Saliency map of the most probable class of an image, float32 [patches, patches] in [0, 1].

        Args:
            file: the image.
            kind: component of `networks.saliency`.
            block: zero-based index, or counted from the last, which is -1.

        Raises:
            InputError: the network has no such block, or no blocks at all.
        """
        depth, side = self.settings.model.blocks, self.settings.model.image_size
        if not -depth <= block < depth:
            raise InputError(f"There is no block {block} with a saliency map: the network has {depth}.")
        layers = (block % depth,)
        shown = whole_images.view_of(self.settings, "scale", side)(self.image(file))
        with torch.enable_grad():
            output = self.network(shown, KINDS[kind].features(layers))
            label = output.logits.argmax(dim=1)
            maps = components.load("networks.saliency", kind).maps(output, label, layers, False)[0, 0]
        own = maps[:, label[0]] if maps.ndim == 2 else maps
        patches = self.settings.model.map_side(side)
        return own.detach().unflatten(0, (patches, patches))

    @style.styled
    def draw(self, file: Path | str, kind: str = "gradient", block: int = -1) -> Figure:
        """An image as the network sees it, and its saliency map, titled with the most probable class."""
        figure = Figure(figsize=(style.SINGLE, style.SINGLE / 2), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.imshow(self.image(file)[0].permute(1, 2, 0).numpy())
        right.imshow(self.saliency(file, kind, block).numpy(), vmin=0, vmax=1)
        best = self.classify(file).head(1)
        left.set_title(f"{best.index[0]} ({best.iloc[0]:.0%})")
        right.set_title(f"{kind}, block {block % self.settings.model.blocks}")
        for axes in (left, right):
            axes.set_axis_off()
        return figure


def load(path: Path | str, weights: str = "best", device: str = "cpu") -> TrainedNetwork:
    """The network of a run.

    Args:
        path: the run's folder, or a file of weights alone.
        weights: "best" (by validation accuracy) or "last"; of a folder.
        device: of the network.

    Raises:
        InputError: a file is missing, damaged, or of an older version.
    """
    path = Path(path)
    if path.is_dir():
        path = finished_runs.checked(path / f"{weights}.safetensors")
    values, about = models.read(path)
    run = from_mapping(about["spec"])
    network = models.build(run.model, torch.Generator())
    network.load_state_dict(values)
    return TrainedNetwork(network.eval().requires_grad_(False).to(device), run, tuple(about["classes"]))
