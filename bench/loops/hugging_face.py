"""The networks of the released notebooks, built from Hugging Face transformers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from distillation.core.errors import UserError
from distillation.networks.families.vit import Model
from torch import Tensor, nn
from transformers import (
    DeiTConfig,
    DeiTForImageClassification,
    ViTConfig,
    ViTForImageClassification,
    ViTModel,
)


@dataclass
class Recorded:
    """Outputs of layers in one forward pass, by layer index.

    Attributes:
        tokens: output of the layer [B, prefix + patches, width].
        attention: its attention probabilities [B, heads, prefix + patches, prefix + patches].
    """

    tokens: dict[int, Tensor] = field(default_factory=dict)
    attention: dict[int, Tensor] = field(default_factory=dict)


class Classifier(nn.Module):
    """A ViT or DeiT for image classification that returns only logits."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network
        self.base = network.base_model
        self.classifier = network.classifier
        self.prefix_tokens = 2 if hasattr(self.base.embeddings, "distillation_token") else 1

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, classes] of images [B, 3, r, r]."""
        return self.network(images, interpolate_pos_encoding=True).logits


class Distilled(nn.Module):
    """The released student: a distillation token added after the embeddings, no final norm, two heads."""

    def __init__(self, config: ViTConfig):
        super().__init__()
        self.base = ViTModel(config, add_pooling_layer=False)
        self.distillation_token = nn.Parameter(torch.zeros(1, 1, config.hidden_size))
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.distiller = nn.Linear(config.hidden_size, config.num_labels)
        self.prefix_tokens = 2

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits [B, classes] of both heads, the classifier's first, of images [B, 3, r, r]."""
        stream = self.base.embeddings(images, interpolate_pos_encoding=True)
        token = self.distillation_token.expand(len(images), -1, -1)
        stream = torch.cat((stream[:, :1], token, stream[:, 1:]), dim=1)
        for layer in self.base.layers:
            stream = layer(stream)
        return self.classifier(stream[:, 0]), self.distiller(stream[:, 1])


def build(model: Model, attention: str) -> Classifier | Distilled:
    """Build a network, initialised by Hugging Face.

    Args:
        model: sizes and dropout.
        attention: "sdpa", or "eager" if the probabilities of all tokens are needed.

    Raises:
        UserError: the distillation token or final norm is not that of a released student.
    """
    token = model.distillation_token
    common = {
        "hidden_size": model.width,
        "num_hidden_layers": model.depth,
        "num_attention_heads": model.heads,
        "intermediate_size": model.mlp_width,
        "hidden_dropout_prob": model.dropout,
        "attention_probs_dropout_prob": model.attention_dropout,
        "layer_norm_eps": 1e-12,
        "image_size": model.image_size,
        "patch_size": model.patch_size,
        "num_labels": model.classes,
        "attn_implementation": attention,
    }
    if token is None and not model.without_final_norm:
        return Classifier(ViTForImageClassification(ViTConfig(**common)))
    if token is not None and token.without_head and not model.without_final_norm:
        return Classifier(DeiTForImageClassification(DeiTConfig(**common)))
    if token is None or token.without_head or token.position or not model.without_final_norm:
        raise UserError(
            "the notebooks' loop supports students with a distillation token without position and final"
            " norm, or plain ViT and DeiT; leave the models of the protocol 'released' as they are."
        )
    return Distilled(ViTConfig(**common))


@contextmanager
def recording(network: Classifier | Distilled, layers: Sequence[int]) -> Iterator[Recorded]:
    """Record outputs of some layers during the forward pass inside the block."""
    record, hooks = Recorded(), []
    for index in layers:
        layer = network.base.layers[index]
        hooks.append(layer.register_forward_hook(_keep(record.tokens, index, whole=True)))
        hooks.append(layer.attention.register_forward_hook(_keep(record.attention, index, whole=False)))
    try:
        yield record
    finally:
        for hook in hooks:
            hook.remove()


def _keep(into: dict[int, Tensor], index: int, whole: bool) -> Callable:
    def hook(_module: nn.Module, _inputs: tuple, output: Tensor | tuple[Tensor, Tensor | None]) -> None:
        into[index] = output if whole else output[1]

    return hook
