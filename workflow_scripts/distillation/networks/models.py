"""Networks and their weight files."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import nn

from distillation.core import atomic, checksums, components
from distillation.core.atomic import replacing
from distillation.core.errors import InputError, UserError
from distillation.networks.families import Network
from distillation.networks.start_settings import AnyPretrained

# Key of the metadata of safetensors.
_ABOUT = "distillation"
# As torch.hub and timm name their files.
_DIGEST_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.\w+$")


def build(model: Network, generator: torch.Generator) -> nn.Module:
    """A new network, initialised from the generator alone."""
    return components.load("networks.families", model.family).build(model, generator)


def load_pretrained(model: nn.Module, start: AnyPretrained, path: Path) -> str:
    """Copy those published weights that fit into a new network.

    Args:
        model: the network.
        start: the settings of the weights.
        path: their file. If its name ends with digits of a SHA-256, as in "resnet18-d63eafa0.pth", these are
            checked too.

    Returns:
        The SHA-256 (hex) of the file.

    Raises:
        UserError: when the file is not the one that the run names, or does not fit the network.
    """
    found = checksums.sha256(path)
    if start.sha256 and not found.startswith(start.sha256):
        raise UserError(
            f"{path}: its sha256 is {found}, but should begin with {start.sha256}; supply the file that"
            " `weights` names in the configuration."
        )
    named = _DIGEST_IN_NAME.search(path.name)
    if named and not found.startswith(named[1]):
        raise UserError(
            f"{path}: its name ends with {named[1]}, which is taken for the beginning of its sha256, but this"
            f" is {found}; rename it, or supply the file that it names."
        )
    components.load("networks.pretrained", start.kind).load(model, start, path)
    return found


def check_pretrained(networks: Iterable[Network], start: AnyPretrained, path: Path, output: Path) -> None:
    """Load published weights into each of some networks, and write the file's SHA-256 as JSON.

    Args:
        networks: one or more that start from these weights.
        start: see `load_pretrained`.
        path: see `load_pretrained`.
        output: the JSON file.

    Raises:
        UserError: see `load_pretrained`.
    """
    for model in networks:
        found = load_pretrained(build(model, torch.Generator()), start, path)
    atomic.write_json(output, {"start": start.words, "sha256": found})


def save(model: nn.Module, path: Path, about: Mapping[str, object] | None = None) -> None:
    """Write a network's weights; see `save_weights`."""
    save_weights(model.state_dict(), path, about)


def save_weights(
    weights: dict[str, torch.Tensor], path: Path, about: Mapping[str, object] | None = None
) -> None:
    """Write a state dict as safetensors, atomically.

    Args:
        weights: the values.
        path: of the file.
        about: plain values that are kept with them, such as what is needed to build the network.
    """
    # A single entry, because the order of several is not the same in every process.
    metadata = None if about is None else {_ABOUT: json.dumps(about, sort_keys=True)}
    values = {name: value.contiguous() for name, value in weights.items()}
    with replacing(path) as temporary:
        temporary.write_bytes(safetensors.torch.save(values, metadata))


def read(path: Path) -> tuple[dict[str, torch.Tensor], dict]:
    """The values and the plain values about them that `save_weights` wrote.

    Raises:
        InputError: the file is missing, or not such a file.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            about = (file.metadata() or {}).get(_ABOUT)
        values = safetensors.torch.load_file(path)
    except FileNotFoundError as error:
        raise InputError(f"{path}: this file is missing; name a run's folder or its weights.") from error
    except safetensors.SafetensorError as error:
        raise InputError(f"{path}: this file is not in the format safetensors ({error}).") from error
    if about is None:
        raise InputError(
            f"{path}: it does not say what network it is of, like files of older versions and other programs;"
            " train the run again, or use `evaluation.trained.restore` with its run.json."
        )
    return values, json.loads(about)
