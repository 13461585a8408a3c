"""The loss of a batch with a term of gradients, made of first derivatives alone.

A term L(g) compares saliency maps made of g, the gradients of a logit at tokens. By the chain rule, its
gradient with respect to the parameters is that of <g, v>, where v = dL/dg is held constant; and <g, v> is the
derivative of the logit along v. The first pass gives g, L and v, the second the logits and their derivative
along v. Nothing is differentiated twice, so compilers and fused attention can be used.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor

from distillation.networks import true_class_gradients
from distillation.networks.batch import Batch
from distillation.networks.objective import Objective
from distillation.networks.output import Output

Second = Callable[[Mapping[int, Tensor]], tuple[Output, Tensor]]


class Passes(Protocol):
    """The two passes of a batch through a network."""

    def first(self, capture: Collection[str]) -> Output:
        """Logits and captured tokens, whose graph leaves out the parameters."""

    def second(self, directions: Mapping[int, Tensor]) -> tuple[Output, Tensor]:
        """Logits, and their change [B, classes] along directions at tokens, by block that these enter."""


def losses(objective: Objective, batch: Batch, second: Second) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """What to differentiate, the loss, and its unweighted terms by name.

    Args:
        objective: of the run.
        batch: its student output is that of the first pass, the graph of which is freed.
        second: runs the second pass; see `Passes.second`.

    Returns:
        A scalar whose gradient is that of the loss, the loss, and its terms as in `Objective`.
    """
    tokens = {name: each.values for name, each in batch.student.features.items()}
    shares = true_class_gradients.shares_of(batch.student.logits, batch.targets)
    taken = torch.autograd.grad((batch.student.logits.float() * shares).sum(), list(tokens.values()))
    gradients = {name: each.detach().requires_grad_() for name, each in zip(tokens, taken, strict=True)}
    leaves = {name: each.detach().requires_grad_() for name, each in tokens.items()}
    features = {name: each._replace(values=leaves[name]) for name, each in batch.student.features.items()}
    student = batch.student._replace(features=features, gradients=gradients)
    of_maps = objective.terms(replace(batch, student=student), second_order=True)
    directions = torch.autograd.grad(
        objective.total(of_maps), [*gradients.values(), *leaves.values()], allow_unused=True
    )
    along, at_tokens = directions[: len(tokens)], directions[len(tokens) :]
    output, change = second(
        {_block(name): each.to(leaves[name].dtype) for name, each in zip(tokens, along, strict=True)}
    )
    rest = objective.terms(replace(batch, student=output), second_order=False)
    derivative = (change * shares.float()).sum()
    for name, each in zip(tokens, at_tokens, strict=True):
        # Maps that are made of gradients alone do not depend on the tokens.
        if each is not None:
            derivative = derivative + (output.features[name].values * each).sum()
    terms = {**of_maps, **rest}
    return objective.total(rest) + derivative, objective.total(terms).detach(), terms


def _block(name: str) -> int:
    return int(name.rpartition(".")[2])
