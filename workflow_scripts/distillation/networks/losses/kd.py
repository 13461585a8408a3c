"""Distillation of the teacher's softened answers into the distillation head."""

from torch import Tensor
from torch.nn import functional

from distillation.networks.batch import Batch
from distillation.study.spec import Distillation


def divergence(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """KL(teacher || student) of logits [B, classes] at a temperature, mean over the batch, in nats."""
    return functional.kl_div(
        functional.log_softmax(student.float() / temperature, dim=-1),
        functional.log_softmax(teacher.float() / temperature, dim=-1),
        reduction="batchmean",
        log_target=True,
    )


def term(settings: Distillation, batch: Batch) -> Tensor:
    """T^2 KL(teacher || student) at temperature T (Hinton et al. 2015; paper, Equation 1).

    The square keeps the size of the gradients independent of the temperature. The student answers
    with its distillation head.
    """
    temperature = settings.temperature
    # Where saliency maps are matched the teacher's answer has a graph, which is not to be trained.
    student, teacher = batch.student.distillation_logits, batch.teacher.logits.detach()
    return temperature**2 * divergence(student, teacher, temperature)
