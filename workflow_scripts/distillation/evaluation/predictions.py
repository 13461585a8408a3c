"""Logits of a network for images, and how many of its predictions are correct."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from distillation.core.precision import autocast

# A batch large enough for a GPU overflows the cache of a CPU core and takes twice the time there.
BATCH = {"cpu": 100, "cuda": 1000}

View = Callable[[Tensor], Tensor]


@torch.inference_mode()
def logits(model: nn.Module, images: Tensor, view: View, precision: str) -> Tensor:
    """Logits [N, classes], float32, of the classification head.

    Args:
        model: the network; it is put into evaluation mode.
        images: uint8 [N, 3, S, S] on the device of the network.
        view: what the network is shown of some of them, float32 [n, 3, r, r]. Views are made batch by batch,
            because those of a whole data set can be too large for the memory.
        precision: "fp32" or "bf16".
    """
    model.eval()
    with autocast(images.device, precision):
        parts = images.split(BATCH[images.device.type])
        return torch.cat([model(view(part)).logits.float() for part in parts])


def correct(logits: Tensor, labels: Tensor) -> int:
    """How many of N images have their largest logit [N, classes] at their label [N]."""
    return (logits.argmax(dim=1) == labels).sum().item()


def accuracy(model: nn.Module, images: Tensor, labels: Tensor, view: View, precision: str) -> float:
    """Accuracy (percent) of a network on images with labels [N]; see `logits`."""
    return 100.0 * correct(logits(model, images, view, precision), labels) / len(labels)
