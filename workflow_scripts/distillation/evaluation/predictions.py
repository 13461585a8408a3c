"""Logits of a network for images, and how many of its predictions are correct."""

import torch
from torch import Tensor, nn

from distillation.core.precision import autocast

# A batch large enough for a GPU overflows the cache of a CPU core and takes twice the time there.
BATCH = {"cpu": 100, "cuda": 1000}


@torch.inference_mode()
def logits(model: nn.Module, images: Tensor, precision: str) -> Tensor:
    """Logits [N, classes], float32, of the classification head for images [N, 3, r, r]."""
    model.eval()
    with autocast(images.device, precision):
        return torch.cat([model(part).logits.float() for part in images.split(BATCH[images.device.type])])


def correct(logits: Tensor, labels: Tensor) -> int:
    """How many of N images have their largest logit [N, classes] at their label [N]."""
    return (logits.argmax(dim=1) == labels).sum().item()


def accuracy(model: nn.Module, images: Tensor, labels: Tensor, precision: str) -> float:
    """Accuracy (percent) of a network on images [N, 3, r, r] with labels [N]."""
    return 100.0 * correct(logits(model, images, precision), labels) / len(labels)
