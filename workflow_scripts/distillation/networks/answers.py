"""What a teacher answers to a batch: its predictions, and the features that loss terms compare."""

from collections.abc import Callable, Collection

import torch
from torch import Tensor
from torch.nn import functional

from distillation.networks.families import LAST_MAP, LAST_MAP_GRADIENT
from distillation.networks.output import Output


def answer(
    teacher: Callable[..., Output],
    images: Tensor,
    labels: Tensor,
    features: Collection[str],
    with_graph: bool = False,
    side: int | None = None,
) -> Output:
    """The output of a frozen teacher in evaluation mode.

    Args:
        teacher: a network the weights of which are constants.
        images: [B, 3, r, r], normalised.
        labels: int64 [B].
        features: names of what is asked for; `LAST_MAP_GRADIENT` for `image_gradients`, per image.
        with_graph: whether the logits can be differentiated with respect to captured features.
        side: to which the images are scaled first; see `resized`.
    """
    wanted, images = frozenset(features), resized(images, side)
    if LAST_MAP_GRADIENT not in wanted:
        with torch.set_grad_enabled(with_graph):
            return teacher(images, wanted)
    with torch.enable_grad():
        output = teacher(images, wanted - {LAST_MAP_GRADIENT} | {LAST_MAP})
    gradients = {LAST_MAP_GRADIENT: image_gradients(output, labels)}
    return output._replace(features=output.features | gradients)


def resized(images: Tensor, side: int | None) -> Tensor:
    """Views [B, 3, r, r] scaled to a side in pixels, bilinearly, without antialiasing; None leaves them."""
    if side in (None, images.shape[-1]):
        return images
    return functional.interpolate(images, size=(side, side), mode="bilinear", align_corners=False)


def image_gradients(output: Output, labels: Tensor, with_graph: bool = False) -> Tensor:
    """The gradient of each image's cross-entropy with respect to its last map, [B, channels, s, s].

    Args:
        output: has the map, and logits that depend on it image by image.
        labels: int64 [B].
        with_graph: whether the gradients can be differentiated.
    """
    total = functional.cross_entropy(output.logits.float(), labels, reduction="sum")
    [gradients] = torch.autograd.grad(
        total, output.features[LAST_MAP], create_graph=with_graph, retain_graph=True
    )
    return gradients
