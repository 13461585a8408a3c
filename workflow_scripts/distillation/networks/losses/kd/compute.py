"""Distillation of the teacher's softened predictions."""

from torch import Tensor
from torch.nn import functional

from distillation.networks.batch import Batch
from distillation.networks.losses.kd import Distillation


def term(settings: Distillation, batch: Batch) -> Tensor:
    """KL(teacher || student) of the predictions at a temperature, mean over the batch, in nats.

    The student's predictions are those of its distillation head (DeiT, Touvron et al. 2021) or, if its
    family has none, of its classification head (Hinton et al. 2015).
    """
    own = batch.student.distillation_logits
    student = batch.student.logits if own is None else own
    # If saliency maps are matched, the teacher's logits have a graph, but the teacher is not trained.
    teacher = batch.teacher.logits.detach()
    return functional.kl_div(
        functional.log_softmax(student.float() / settings.temperature, dim=-1),
        functional.log_softmax(teacher.float() / settings.temperature, dim=-1),
        reduction="batchmean",
        log_target=True,
    )
