"""Trained networks, from the files of their runs."""

from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from torch import nn

from distillation.core import finished_runs
from distillation.networks import models
from distillation.study.spec import Run, from_mapping


@dataclass(frozen=True)
class TeacherFiles:
    """Weights and run.json of the teacher's run."""

    weights: Path
    record: Path


def restore(weights: Path, record: Path, device: torch.device) -> tuple[nn.Module, Run]:
    """A trained network in evaluation mode with frozen weights, and the run it comes from.

    Args:
        weights: last.safetensors or best.safetensors of a run.
        record: run.json of the same run.
        device: of the network.

    Raises:
        UserError: when a file is damaged, or the weights are not those of the record.
    """
    run = from_mapping(finished_runs.record(record)["spec"])
    model = models.build(run.model, torch.Generator())
    model.load_state_dict(safetensors.torch.load_file(finished_runs.checked(weights, record)))
    return model.eval().requires_grad_(False).to(device), run
