"""One pass of a network over images: its logits, and how many images it gets right."""

import torch
from torch import Tensor, nn

from distillation.core.precision import autocast

# What keeps a GPU busy overflows the cache of a CPU core, where it takes twice the time.
_BATCH = {"cpu": 100, "cuda": 1000}


@torch.inference_mode()
def logits(model: nn.Module, images: Tensor, precision: str) -> Tensor:
    """Logits [N, classes], float32, of the classification head for images [N, 3, r, r]."""
    model.eval()
    with autocast(images.device, precision):
        return torch.cat([model(part).logits.float() for part in images.split(_BATCH[images.device.type])])


def correct(logits: Tensor, labels: Tensor) -> int:
    """How many of N images have their largest logit [N, classes] at their label [N]."""
    return (logits.argmax(dim=1) == labels).sum().item()


def accuracy(model: nn.Module, images: Tensor, labels: Tensor, precision: str) -> float:
    """Percentage of images [N, 3, r, r] that a network gets right, of labels [N]."""
    return 100.0 * correct(logits(model, images, precision), labels) / len(labels)
