"""Weights of a DeiT with a distillation token, as named by its authors and timm (Touvron et al. 2021)."""

import logging
from pathlib import Path

import timm.models
import torch
from torch import nn

from distillation.core.errors import UserError
from distillation.networks.pretrained.deit import DeitWeights

_LOG = logging.getLogger(__name__)
_OWN_NAMES = {"dist_token": "distillation_token"}
# Depend on patch size, image size and classes, which differ from ImageNet's.
_RANDOM = {
    *("patch_embed.proj.weight", "head.weight", "head.bias"),
    *("distillation_head.weight", "distillation_head.bias"),
}
_ZERO = {"positions", "distillation_position"}


def load(network: nn.Module, start: DeitWeights, path: Path) -> None:
    """Copy the blocks, both tokens, the final norm and the bias of the patch projection.

    The weights of the patch projection and both heads stay randomly initialised, and all positions start at
    zero, as Hugging Face leaves those of another shape. So did the released fine-tuning, which has no
    distillation head (load report of P_2_OUR_STUDENT c3: 107,530 of 21,403,018 parameters).

    Raises:
        UserError: the file cannot be read, or a tensor that the network needs is missing or of another shape.
    """
    try:
        found = timm.models.load_state_dict(str(path), use_ema=False, weights_only=True)
    except Exception as error:
        # Without the error's own text, in which torch advises to load the file unsafely.
        raise UserError(
            f"{path}: cannot be read as weights ({type(error).__name__}); supply those of the DeiT named in"
            " `weights`."
        ) from error
    found = {_OWN_NAMES.get(name, name): value for name, value in found.items()}
    own = dict(network.named_parameters())
    wanted = {name: value for name, value in own.items() if name not in _RANDOM | _ZERO}
    unfit = [name for name, value in wanted.items() if name not in found or found[name].shape != value.shape]
    if unfit:
        raise UserError(
            f"{path}: these weights do not fit the network ({len(unfit)} tensors, such as {unfit[0]});"
            " supply those of the DeiT named in `weights`, or train a network of its width and depth."
        )
    with torch.no_grad():
        for name, value in wanted.items():
            value.copy_(found[name])
        for name in _ZERO & own.keys():
            own[name].zero_()
    drawn, zero = (", ".join(sorted(names & own.keys())) for names in (_RANDOM, _ZERO))
    _LOG.info("loaded pretrained weights from %s; randomly initialised: %s; zero: %s", path, drawn, zero)
