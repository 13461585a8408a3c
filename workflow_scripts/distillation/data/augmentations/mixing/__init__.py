"""MixUp (Zhang et al. 2018) and CutMix (Yun et al. 2019) of whole batches."""

from pydantic import Field

from distillation.core.settings import Positive, Share, settings


@settings
class Mixing:
    """MixUp or CutMix on every batch."""

    mixup_alpha: Positive = Field(description="Parameter of the Beta distribution of the shares.")
    cutmix_alpha: Positive = Field(description="Parameter of the Beta distribution of the shares.")
    cutmix_share: Share = Field(description="Share of the batches that use CutMix.")
