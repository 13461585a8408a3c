"""The saliency terms as the released notebooks compute them (`networks.saliency` uses closed forms)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


def class_maps(tokens: Tensor, classifier: nn.Linear) -> Tensor:
    """Maps [B, patches, classes] in [0, 1] from ten gradients of the patch tokens [B, patches, width].

    The classifier is applied to the mean of the patches; the gradient of each class, averaged over them,
    weights their channels (P_2_OUR_STUDENT_SAL_MAP c1).
    """
    logits = classifier(tokens.mean(dim=1))
    maps = []
    for index in range(logits.shape[1]):
        (gradient,) = torch.autograd.grad(logits[:, index].sum(), tokens, create_graph=True)
        maps.append(functional.relu(gradient.mean(dim=1, keepdim=True) * tokens).sum(dim=-1))
    return _spread(torch.stack(maps, dim=-1), (1, 2), 1e-6)


def class_map_term(
    student: Sequence[Tensor],
    classifier: nn.Linear,
    teacher: Sequence[Tensor],
    teacher_classifier: nn.Linear,
) -> Tensor:
    """Mean squared difference of the class maps of pairs of layers, given patch tokens, summed over them."""
    total = 0.0
    for own, other in zip(student, teacher, strict=True):
        # The teacher's tokens have no graph; a gradient with respect to them needs one.
        target = class_maps(other.detach().requires_grad_(), teacher_classifier).detach()
        total = total + functional.mse_loss(class_maps(own, classifier), target)
    return total


def attention_map(probabilities: Tensor, prefix_tokens: int) -> Tensor:
    """Map [B, patches] in [0, 1] from attention [B, heads, tokens, tokens] (P_4_ALL c14)."""
    return _spread(probabilities.mean(dim=1)[:, 0, prefix_tokens:], (1,), 1e-8)


def attention_term(
    student: Sequence[Tensor], prefix_tokens: int, teacher: Sequence[Tensor], teacher_prefix_tokens: int
) -> Tensor:
    """Mean squared difference of the attention maps of pairs of layers, averaged over them."""
    terms = [
        functional.mse_loss(attention_map(own, prefix_tokens), attention_map(other, teacher_prefix_tokens))
        for own, other in zip(student, teacher, strict=True)
    ]
    return sum(terms) / len(terms)


def _spread(maps: Tensor, dimensions: tuple[int, ...], epsilon: float) -> Tensor:
    low, high = maps.amin(dimensions, keepdim=True), maps.amax(dimensions, keepdim=True)
    return (maps - low) / (high - low + epsilon)
