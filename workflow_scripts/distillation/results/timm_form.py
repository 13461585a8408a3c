"""Trained networks as networks of timm, for programs that know those."""

from collections.abc import Mapping
from functools import partial

import timm.models.vision_transformer
import torch
from torch import Tensor, nn

from distillation.core.errors import InputError
from distillation.networks.families import timm as timm_family
from distillation.networks.families import vit
from distillation.networks.families.vit.compute import NORM_EPS
from distillation.results.trained_networks import TrainedNetwork


def convert(trained: TrainedNetwork) -> nn.Module:
    """A network of timm with the same logits for images of the largest size, on the CPU, in evaluation mode.

    A distillation token becomes a register token, and its head is left out, as predictions do not need it.

    Raises:
        InputError: timm has no such network.
    """
    model, weights = trained.settings.model, trained.network.state_dict()
    if isinstance(model, timm_family.Settings):
        network = timm.create_model(model.name, num_classes=model.classes)
        weights = {name.removeprefix("network."): value for name, value in weights.items()}
    elif isinstance(model, vit.Settings):
        network, weights = _vision_transformer(model), _renamed(model, weights)
    else:
        raise InputError(f"timm has no networks of the family {model.family!r}.")
    network.load_state_dict(weights)
    return network.eval()


def _vision_transformer(model: vit.Model) -> nn.Module:
    if model.distillation_token and model.distillation_token.averages_heads:
        raise InputError(
            "timm has no network like this one, which averages two heads, with positions of any size."
        )
    return timm.models.vision_transformer.VisionTransformer(
        img_size=model.largest,
        patch_size=model.patch_size,
        num_classes=model.classes,
        embed_dim=model.width,
        depth=model.depth,
        num_heads=model.heads,
        mlp_ratio=model.mlp_width / model.width,
        reg_tokens=1 if model.distillation_token else 0,
        final_norm=not model.without_final_norm,
        norm_layer=partial(nn.LayerNorm, eps=NORM_EPS),
    )


def _renamed(model: vit.Model, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    own = dict(weights)
    positions = list(own.pop("positions").split([1, (model.largest // model.patch_size) ** 2], dim=1))
    if model.distillation_token:
        own["reg_token"] = own.pop("distillation_token")
        # A token without a position has the position zero.
        absent = torch.zeros_like(own["reg_token"])
        positions.insert(1, own.pop("distillation_position", absent))
    own["pos_embed"] = torch.cat(positions, dim=1)
    return {name: value for name, value in own.items() if not name.startswith("distillation_head.")}
