"""Convolutional networks with weight-normalised layers (Salimans and Kingma 2016), ELU and batch norm."""

from collections.abc import Collection

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from distillation.core.errors import InputError
from distillation.networks.families import LAST_MAP
from distillation.networks.families.cnn import ConvolutionalNetwork
from distillation.networks.output import Output


class Network(nn.Module):
    """Groups of convolutions, each ELU, then batch norm; a pooling after each group; two linear layers.

    All layers but the last are weight-normalised.
    """

    def __init__(self, model: ConvolutionalNetwork):
        super().__init__()
        self._model = model
        layers, channels = [], 3
        for widths in model.convolutions:
            for width in widths:
                convolution = nn.Conv2d(channels, width, kernel_size=3, padding=1)
                layers += [weight_norm(convolution), nn.ELU(), nn.BatchNorm2d(width)]
                channels = width
            layers.append(nn.MaxPool2d(2))
        self.convolutions = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Flatten(),
            weight_norm(nn.Linear(channels * model.last_map_side() ** 2, model.hidden_width)),
            nn.ELU(),
            nn.Dropout(model.dropout),
            nn.Linear(model.hidden_width, model.classes),
        )
        if model.unused_scalar:
            self.unused_scalar = nn.Parameter(torch.tensor(0.5))

    def forward(self, images: Tensor, capture: Collection[str] = ()) -> Output:
        """Classify images of the network's size.

        Args:
            images: [B, 3, S, S], floating point, normalised.
            capture: may name `LAST_MAP`, the output of the last pooling [B, channels, s, s]. It requires
                grad whenever grad mode is on, so that a loss can be differentiated with respect to it; if
                nothing before it is trained, it starts the graph.

        Raises:
            InputError: a requested feature does not exist.
        """
        for name in sorted(set(capture) - {LAST_MAP}):
            raise InputError(f"There is no feature {name!r} in this network: {self._model.lacks(name)}.")
        last = self.convolutions(images)
        if capture and torch.is_grad_enabled() and not last.requires_grad:
            last = last.detach().requires_grad_()
        return Output(self.classifier(last), features={LAST_MAP: last} if capture else {})


def build(model: ConvolutionalNetwork, generator: torch.Generator) -> Network:
    """Make a network on the CPU whose initial weights are those of torch's layers, drawn by the generator.

    Args:
        model: sizes and dropout rate.
        generator: a CPU generator; it is advanced.

    Returns:
        The network in training mode, float32.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**63 - 1, (), generator=generator)))
        return Network(model)
