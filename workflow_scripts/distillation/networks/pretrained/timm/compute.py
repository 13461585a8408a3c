"""Weights of timm, by the name of a network and the tag of its weights (Wightman 2019)."""

import difflib
import logging
from pathlib import Path

import timm
import torch
from timm.models import get_pretrained_cfg
from torch import nn

from distillation.core.errors import UserError
from distillation.networks.pretrained.timm import TimmWeights

_LOG = logging.getLogger(__name__)


def load(network: nn.Module, start: TimmWeights, path: Path) -> None:
    """Copy everything but the classifier, which stays randomly initialised.

    Args:
        network: its attribute `network` is one of timm, of the same name.
        start: name and tag of the weights.
        path: their file, as timm publishes it.

    Raises:
        UserError: timm does not know the tag, or the file cannot be read or has other tensors than the
            network with as many classes as the tag says.
    """
    name, _, tag = start.name.partition(".")
    known = [each for each in timm.list_pretrained(f"{name}*") if each.partition(".")[0] == name]
    if start.name not in known:
        near = difflib.get_close_matches(start.name, known, n=1, cutoff=0.0)
        hint = f"did you mean {near[0]}?" if near else "it has none for this network"
        raise UserError(
            f"timm {timm.__version__} has no weights {tag!r} of {name} ({hint}); correct `name` in `weights`,"
            " or install a timm that has them."
        )
    classes = get_pretrained_cfg(start.name).num_classes
    with torch.random.fork_rng(devices=[]):
        published = timm.create_model(name, pretrained=False, num_classes=classes)
    try:
        timm.models.load_checkpoint(published, str(path), use_ema=False, weights_only=True)
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        # Torch and timm advise to load what is no plain weights unsafely.
        reason = "it has more than weights" if "weights_only" in reason else reason
        raise UserError(
            f"{path}: these are not the weights {start.name} of timm, with {classes} classes"
            f" ({type(error).__name__}: {reason}); supply the file that timm publishes under this name."
        ) from error
    classifier = {id(parameter) for parameter in network.head_parameters()}
    own = network.network.state_dict(keep_vars=True)
    with torch.no_grad():
        for each, value in published.state_dict().items():
            if id(own[each]) not in classifier:
                own[each].copy_(value)
    drawn = [each for each, value in own.items() if id(value) in classifier]
    _LOG.info("loaded %s from %s; randomly initialised: %s", start.name, path, ", ".join(drawn))
