"""Training images one by one, through Pillow and torchvision, for loops with a DataLoader."""

import torch
from distillation.core.errors import UserError
from distillation.study.spec import Run
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms


def chain(run: Run, resolution: int) -> transforms.Compose:
    """The transforms of a training image of a run, from uint8 image to normalised tensor.

    Raises:
        UserError: no released notebook has this kind of view.
    """
    augmentation, kind = run.augmentation, run.views.training
    if kind == "scale-then-crop":
        raise UserError(
            f"views.training: '{kind}' has no per-image form to compare with; use 'scale' or 'crop'."
        )
    steps = []
    side = resolution if kind == "crop" else run.model.image_size
    if augmentation.crop_padding or side < run.model.image_size:
        steps.append(transforms.RandomCrop(side, padding=augmentation.crop_padding))
    if augmentation.flip:
        steps.append(transforms.RandomHorizontalFlip(augmentation.flip))
    if augmentation.auto_augment:
        policy = transforms.AutoAugment(transforms.AutoAugmentPolicy.CIFAR10)
        always = augmentation.auto_augment == 1
        steps.append(policy if always else transforms.RandomApply([policy], augmentation.auto_augment))
    if resolution < side:
        steps.append(transforms.Resize(resolution))
    steps += [transforms.ToTensor(), transforms.Normalize(run.normalization.mean, run.normalization.std)]
    if erasing := augmentation.erasing:
        steps.append(transforms.RandomErasing(erasing.probability, erasing.scale, erasing.ratio))
    return transforms.Compose(steps)


class Pictures(Dataset):
    """Data set of images uint8 [N, 3, S, S] and labels [N], transformed one Pillow image at a time."""

    def __init__(self, images: Tensor, labels: Tensor, transform: transforms.Compose):
        self._pixels = images.cpu().permute(0, 2, 3, 1).contiguous().numpy()
        self._labels, self._transform = labels.tolist(), transform

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self._transform(Image.fromarray(self._pixels[index])), self._labels[index]


def loader(pictures: Pictures, batch_size: int, device: torch.device, workers: int) -> DataLoader:
    """A loader of shuffled batches; only on a GPU with worker processes, which persist over epochs."""
    workers = workers if device.type == "cuda" else 0
    return DataLoader(
        pictures,
        batch_size,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=device.type == "cuda",
    )
