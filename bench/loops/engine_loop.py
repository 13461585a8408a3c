"""The training loop of this project."""

import torch
from distillation.core import streams
from distillation.networks import models
from distillation.study.spec import Run
from distillation.training import learner, optimizers
from torch import Tensor, nn

from bench.cases import SCHEDULED


class EngineLoop:
    """Epochs of a run over images uint8 [N, 3, S, S] with labels [N] on the device.

    Attributes:
        model: the network in training.
    """

    def __init__(
        self,
        run: Run,
        teacher: nn.Module | None,
        images: Tensor,
        labels: Tensor,
        device: torch.device,
        cuda_graphs: bool = False,
    ):
        self._run, self._images, self._labels, self._number = run, images, labels, 0
        self.model = models.build(run.model, streams.generator(run.seed, "init")).to(device)
        self._optimizer = optimizers.build_optimizer(self.model, run.optimizer)
        self._schedule = optimizers.build_schedule(
            self._optimizer, run.optimizer.lr, run.one_cycle or run.warmup_cosine, SCHEDULED
        )
        self._learner = learner.Learner(run, self.model, teacher, device, cuda_graphs)

    def epoch(self) -> float:
        """Train one epoch, including its views, and return the mean loss.

        Uses deterministic algorithms, as in every training of the study; the other loops do not.
        """
        self._number += 1
        torch.use_deterministic_algorithms(True)
        try:
            measures = self._learner.epoch(
                self._images,
                self._labels,
                self._run.stages[0],
                self._number,
                self._optimizer,
                self._schedule,
            )
        finally:
            torch.use_deterministic_algorithms(False)
        return measures.loss
