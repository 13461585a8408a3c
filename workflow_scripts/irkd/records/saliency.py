"""Saliency maps of a few fixed images, student beside teacher, while the student learns."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from irkd import components, views
from irkd.atomic import replacing
from irkd.spec import Model, Run

_IMAGES = 8


class SaliencyRecord:
    """Maps and agreement at the first and the last epoch of each stage (paper, Figure 5).

    Layers are those that the loss compares or, without a saliency term, the first, second and last
    block of each network, so that a student without the term is its control.

    Attributes:
        arrays: by "stage<number>-<pixels>px-epoch<epoch>-<what>", counting from 1: maps
            [layers, 8, side, side] of "student" and "teacher" in [0, 1], and their "correlation"
            [layers, 8] (Pearson, over patches).
    """

    def __init__(self, run: Run, teacher: Model, images: Tensor, labels: Tensor):
        saliency = run.losses.saliency
        self._run = run
        self._images, self._labels = images[:_IMAGES], labels[:_IMAGES]
        self._maps = components.load("saliency", saliency.kind if saliency else "gradient").maps
        self._student_layers = saliency.student_layers if saliency else _outline(run.model.depth)
        self._teacher_layers = saliency.teacher_layers if saliency else _outline(teacher.depth)
        self.arrays: dict[str, Tensor] = {}

    def observe(self, student: nn.Module, teacher: nn.Module, stage_index: int, epoch: int) -> None:
        """Add the maps after an epoch, from 1, of a stage, if it is the first or the last."""
        stage = self._run.stages[stage_index]
        if epoch not in (1, stage.epochs):
            return
        shown = views.plain_view(self._images, stage.resolution, self._run.normalization)
        pair = {
            "student": self._of(student, shown, self._student_layers),
            "teacher": self._of(teacher, shown, self._teacher_layers),
        }
        prefix = f"stage{stage_index + 1}-{stage.resolution}px-epoch{epoch}"
        side = stage.resolution // self._run.model.patch_size
        for name, maps in pair.items():
            self.arrays[f"{prefix}-{name}"] = maps.unflatten(-1, (side, side))
        centred = [maps - maps.mean(dim=-1, keepdim=True) for maps in pair.values()]
        correlation = torch.nn.functional.cosine_similarity(*centred, dim=-1)
        self.arrays[f"{prefix}-correlation"] = correlation

    def _of(self, network: nn.Module, shown: Tensor, layers: tuple[int, ...]) -> Tensor:
        network.eval()
        with torch.enable_grad():
            output = network(shown, capture=layers)
            return self._maps(output, self._labels, layers, differentiable=False).detach().cpu()

    def restore(self, arrays: Mapping[str, Tensor]) -> None:
        """Continue from the arrays of an interrupted run."""
        self.arrays = {name: value.cpu() for name, value in arrays.items()}

    def write(self, path: Path) -> None:
        """Write the arrays, the labels of the images and the block indices as npz."""
        contents = {name: value.numpy() for name, value in self.arrays.items()}
        contents["labels"] = self._labels.cpu().numpy()
        contents["student_layers"] = np.array(self._student_layers)
        contents["teacher_layers"] = np.array(self._teacher_layers)
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez(file, **contents)


def _outline(depth: int) -> tuple[int, ...]:
    return (0, 1, depth - 1)
