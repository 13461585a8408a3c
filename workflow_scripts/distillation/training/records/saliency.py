"""Saliency maps of student and teacher for a few fixed images, recorded during training."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from distillation.core import components
from distillation.core.atomic import replacing
from distillation.data import views
from distillation.evaluation.saliency_agreement import Moment, name, summary
from distillation.networks.families import Network
from distillation.networks.map_settings import KINDS
from distillation.study.spec import Run

_IMAGES = 8


class SaliencyRecord:
    """Maps and agreement at the first and the last epoch of each stage (paper, Figure 5).

    Kind and layers are those of `Run.maps_beside`. If there is a map for every class, that of the true class
    is recorded.

    Attributes:
        arrays: by "stage<number>-<pixels>px-epoch<epoch>-<what>", counting from 1: maps
            [layers, 8, side, side] of "student" and "teacher" in [0, 1], and their "correlation"
            [layers, 8] (Pearson, over patches).
    """

    def __init__(self, run: Run, teacher: Network, images: Tensor, labels: Tensor):
        recorded = run.maps_beside(teacher)
        self._run, self._kind = run, recorded.kind
        self._images, self._labels = images[:_IMAGES], labels[:_IMAGES]
        self._features = KINDS[self._kind].features
        self._maps = components.load("networks.saliency", self._kind).maps
        self._student_layers, self._teacher_layers = recorded.student_layers, recorded.teacher_layers
        self.arrays: dict[str, Tensor] = {}

    def observe(
        self, student: nn.Module, teacher: nn.Module, stage_index: int, epoch: int, ended: bool
    ) -> None:
        """Record the maps after an epoch (from 1) of a stage if it is the first or the last of the stage."""
        stage = self._run.stages[stage_index]
        if epoch > 1 and not ended:
            return
        shown = views.validation_view(
            self._images,
            self._run.views.validation,
            stage.resolution,
            self._run.normalization,
            self._run.model.image_size,
        )
        pair = {
            "student": self._of(student, shown, self._student_layers),
            "teacher": self._of(teacher, shown, self._teacher_layers),
        }
        moment = Moment(stage_index + 1, stage.resolution, epoch)
        side = self._run.model.map_side(stage.resolution)
        for network, maps in pair.items():
            self.arrays[name(moment, network)] = maps.unflatten(-1, (side, side))
        centred = [maps - maps.mean(dim=-1, keepdim=True) for maps in pair.values()]
        correlation = torch.nn.functional.cosine_similarity(*centred, dim=-1)
        self.arrays[name(moment, "correlation")] = correlation

    def _of(self, network: nn.Module, shown: Tensor, layers: tuple[int, ...]) -> Tensor:
        network.eval()
        with torch.enable_grad():
            output = network(shown, self._features(layers))
            maps = self._maps(output, self._labels, layers, differentiable=False).detach()
        if maps.dim() == 4:
            own = self._labels[None, :, None, None].expand(len(layers), -1, maps.shape[2], 1)
            maps = maps.gather(3, own)[..., 0]
        return maps.cpu()

    def restore(self, arrays: Mapping[str, Tensor]) -> None:
        """Continue from the arrays of an interrupted run."""
        self.arrays = {key: value.cpu() for key, value in arrays.items()}

    def agreement(self) -> dict:
        """Summary of the arrays for run.json; see `saliency_agreement.summary`."""
        return summary(self._contents(), self._kind)

    def write(self, path: Path) -> None:
        """Write the arrays, the labels and the view of the images and the block indices as npz."""
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez(file, **self._contents())

    def _contents(self) -> dict[str, np.ndarray]:
        return {
            **{key: value.numpy() for key, value in self.arrays.items()},
            "labels": self._labels.cpu().numpy(),
            "view": np.array(self._run.views.validation),
            "student_layers": np.array(self._student_layers),
            "teacher_layers": np.array(self._teacher_layers),
        }
