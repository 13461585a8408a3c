"""MixUp (Zhang et al. 2018) and CutMix (Yun et al. 2019) of whole batches."""

from pydantic import Field

from distillation.core.settings import Positive, Share, settings


@settings
class Mixing:
    """MixUp or CutMix on every batch; a teacher is shown the mixed images too."""

    mixup_alpha: Positive = Field(description="Parameter of the Beta distribution of the shares.")
    cutmix_alpha: Positive = Field(description="Parameter of the Beta distribution of the shares.")
    cutmix_share: Share = Field(description="Share of the batches that use CutMix.")

    @property
    def words(self) -> str:
        """Its value in the page of switches."""
        share = f"{self.cutmix_share:.0%} of batches"
        return f"CutMix {self.cutmix_alpha:g} on {share}, else MixUp {self.mixup_alpha:g}"

    @property
    def components(self) -> tuple[str, ...]:
        """That of the computation, as "package.module" within the library."""
        return ("data.augmentations.mixing",)
