"""Networks and their weight files."""

import json
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from torch import nn

from distillation.core import checksums, components
from distillation.core.atomic import replacing
from distillation.core.errors import UserError
from distillation.study.spec import Model, Pretrained, Run, from_mapping


@dataclass(frozen=True)
class TeacherFiles:
    """Weights and run.json of the teacher's run."""

    weights: Path
    record: Path


def build(model: Model, generator: torch.Generator) -> nn.Module:
    """A new network, initialised from the generator alone."""
    return components.load("networks.families", model.family).build(model, generator)


def load_pretrained(model: nn.Module, pretrained: Pretrained, path: Path) -> None:
    """Copy those published weights that fit into a new network.

    Raises:
        UserError: when the file is not the one that the run names, or does not fit the network.
    """
    found = checksums.sha256(path)
    if not found.startswith(pretrained.sha256):
        raise UserError(
            f"{path}: its sha256 is {found}, but should begin with {pretrained.sha256}; supply the"
            " file that `weights` names in the configuration."
        )
    components.load("networks.pretrained", pretrained.kind).load(model, path)


def save(model: nn.Module, path: Path) -> None:
    """Write a network's weights as safetensors, atomically."""
    save_weights(model.state_dict(), path)


def save_weights(weights: dict[str, torch.Tensor], path: Path) -> None:
    """Write a state dict as safetensors, atomically."""
    with replacing(path) as temporary:
        safetensors.torch.save_file({name: value.contiguous() for name, value in weights.items()}, temporary)


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
    model = build(run.model, torch.Generator())
    model.load_state_dict(safetensors.torch.load_file(weights))
    return model.eval().requires_grad_(False).to(device), run
