"""Metrics of predictions: logits [N, classes] for N labelled images."""

import torch
from torch import Tensor
from torch.nn import functional

_BINS = 15


def calibration_error(logits: Tensor, labels: Tensor) -> float:
    """Expected calibration error (Guo et al. 2017, equation 3), in [0, 1], over 15 bins of equal width.

    The mean distance between confidence and accuracy, each bin weighted by its share of the images.
    """
    confidence, predicted = logits.double().softmax(dim=1).max(dim=1)
    is_correct = (predicted == labels).double()
    bins = (confidence * _BINS).ceil().long().clamp(1, _BINS) - 1
    gaps = torch.zeros(_BINS, dtype=torch.float64, device=logits.device)
    gaps.index_add_(0, bins, is_correct - confidence)
    return (gaps.abs().sum() / len(labels)).item()


def confusion(logits: Tensor, labels: Tensor) -> list[list[int]]:
    """Confusion matrix: numbers of images by true class (rows) and predicted class (columns)."""
    classes = logits.shape[1]
    pairs = labels * classes + logits.argmax(dim=1)
    return torch.bincount(pairs.cpu(), minlength=classes**2).view(classes, classes).tolist()


def agreement(student: Tensor, teacher: Tensor) -> dict[str, float | int]:
    """Mean KL(teacher || student) in nats ("kl") and number of equal predictions ("equal_predictions")."""
    divergence = functional.kl_div(
        student.double().log_softmax(dim=1),
        teacher.double().log_softmax(dim=1),
        reduction="batchmean",
        log_target=True,
    )
    equal = (student.argmax(dim=1) == teacher.argmax(dim=1)).sum()
    return {"kl": divergence.item(), "equal_predictions": equal.item()}
