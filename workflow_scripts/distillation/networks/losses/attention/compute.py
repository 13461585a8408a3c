"""Distance of the attention maps of student and teacher (Zagoruyko and Komodakis 2017)."""

from torch import Tensor
from torch.nn import functional

from distillation.networks.answers import image_gradients
from distillation.networks.batch import Batch
from distillation.networks.families import LAST_MAP, LAST_MAP_GRADIENT
from distillation.networks.losses.attention import Attention


def term(settings: Attention, batch: Batch) -> Tensor:
    """Mean squared difference of the maps over cells and images; the teacher's are constants.

    A student's map is averaged over squares of cells to the size of its teacher's. A constant term has the
    value of the difference and, multiplied by its weight, the gradient of the mean cross-entropy.
    """
    if settings.of == "activations":
        pair = [output.features[LAST_MAP].float().square() for output in (batch.student, batch.teacher)]
    else:
        own = image_gradients(batch.student, batch.labels, with_graph=not settings.constant)
        both = (own, batch.teacher.features[LAST_MAP_GRADIENT])
        # Gradients of the batch's mean cross-entropy.
        pair = [gradients.float().abs() / len(batch.labels) for gradients in both]
    student, teacher = (values.mean(dim=1) for values in pair)
    difference = _distance(student, teacher.detach(), settings.normalized)
    if not settings.constant:
        return difference
    extra = functional.cross_entropy(batch.student.logits.float(), batch.labels) / settings.weight
    return difference.detach() + (extra - extra.detach())


def _distance(student: Tensor, teacher: Tensor, normalized: bool) -> Tensor:
    """Of maps [B, s, s] and [B, t, t]; t divides s."""
    cells = student.shape[-1] // teacher.shape[-1]
    pair = [functional.avg_pool2d(student[:, None], cells).flatten(1), teacher.flatten(1)]
    if normalized:
        pair = [functional.normalize(maps, dim=1) for maps in pair]
    return functional.mse_loss(*pair)
