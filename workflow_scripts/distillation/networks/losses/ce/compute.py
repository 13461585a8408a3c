"""Cross-entropy of the classification head."""

from torch import Tensor
from torch.nn import functional

from distillation.networks.batch import Batch
from distillation.networks.losses.ce import CrossEntropy


def term(settings: CrossEntropy, batch: Batch) -> Tensor:
    """Mean cross-entropy with the labels, of which a mixed image has two (paper, Equation 1).

    Mixed batches follow Zhang et al. 2018: lambda times the loss with an image's own label, plus
    the rest with its partner's.
    """
    logits, smoothing = batch.student.logits.float(), settings.label_smoothing
    own = functional.cross_entropy(logits, batch.labels, label_smoothing=smoothing)
    if batch.partner_labels is None:
        return own
    partner = functional.cross_entropy(logits, batch.partner_labels, label_smoothing=smoothing)
    return batch.shares[0] * own + batch.shares[1] * partner
