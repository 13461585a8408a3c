"""Distillation of the teacher's softened predictions into the distillation head."""

from torch import Tensor
from torch.nn import functional

from distillation.networks.batch import Batch
from distillation.study.spec import Distillation


def weight(settings: Distillation) -> float:
    """The weight in the settings times T^2, with the temperature T (Hinton et al. 2015; paper, Equation 1).

    The square keeps the size of the gradients independent of the temperature.
    """
    return settings.weight * settings.temperature**2


def term(settings: Distillation, batch: Batch) -> Tensor:
    """KL(teacher || student) of the predictions at a temperature, mean over the batch, in nats.

    The student's predictions are those of its distillation head.
    """
    # If saliency maps are matched, the teacher's logits have a graph, but the teacher is not trained.
    student, teacher = batch.student.distillation_logits, batch.teacher.logits.detach()
    return functional.kl_div(
        functional.log_softmax(student.float() / settings.temperature, dim=-1),
        functional.log_softmax(teacher.float() / settings.temperature, dim=-1),
        reduction="batchmean",
        log_target=True,
    )
