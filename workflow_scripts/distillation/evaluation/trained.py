"""Trained networks, from the files of their runs."""

import json
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from torch import nn

from distillation.core import checksums
from distillation.core.errors import UserError
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
        UserError: when the weights are not those of the record.
    """
    content = json.loads(record.read_text())
    expected, found = content["weights"][weights.stem]["sha256"], checksums.sha256(weights)
    if found != expected:
        raise UserError(
            f"{weights}: these are not the weights of {record} (sha256 {found}, expected {expected});"
            " delete the folder's files and run the training again."
        )
    run = from_mapping(content["spec"])
    model = models.build(run.model, torch.Generator())
    model.load_state_dict(safetensors.torch.load_file(weights))
    return model.eval().requires_grad_(False).to(device), run
