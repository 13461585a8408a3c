"""CIFAR-100 from its binary or its Python release."""

from pathlib import Path

from torchvision.datasets import CIFAR100

from distillation.data import cifar
from distillation.data.formats import Images
from distillation.data.formats.cifar100 import FORMAT, LABEL_BYTES, TEST, TRAIN


def read(folder: Path) -> Images:
    """All images, with their fine classes.

    Raises:
        InputError: a file is missing or malformed.
    """
    return cifar.read(folder, TRAIN, TEST, FORMAT, LABEL_BYTES)


LAYOUTS = (cifar.python_layout(CIFAR100, TRAIN, TEST, ["coarse_labels", "fine_labels"]),)
