"""Networks and their weight files."""

from pathlib import Path

import safetensors.torch
import torch
from torch import nn

from distillation.core import checksums, components
from distillation.core.atomic import replacing
from distillation.core.errors import UserError
from distillation.networks.families import Network
from distillation.networks.start_settings import Pretrained


def build(model: Network, generator: torch.Generator) -> nn.Module:
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
