"""Any network of the library timm, by name (Wightman 2019)."""

from typing import Annotated, Literal

from pydantic import Field

from distillation.core.settings import Text, settings
from distillation.networks.families import Network

# Assumed of all of them, because asking timm takes torch: those of ViT-Base with patches of 16 pixels at this
# side, which is larger than most. A cluster that is asked for too little time is asked again for more.
_SIDE = 224
_INFERENCE_FLOPS = 35 * 10**9
_ACTIVATION_BYTES = 220 * 10**6


@settings
class TimmNetworkEntry:
    """A network of timm, as timm builds it for a number of classes."""

    family: Literal["timm"] = Field(description="Component of `networks/families`.")
    name: Annotated[Text, Field(pattern="^[A-Za-z0-9_]+$")] = Field(
        description="Its name in timm, without the tag of any weights.", examples=["vit_tiny_patch16_224"]
    )


@settings
class TimmNetwork(TimmNetworkEntry, Network):
    """A network of timm for the images of a data set."""

    @property
    def head_can_be_trained_alone(self) -> bool:
        """Timm names the classifier of every network."""
        return True

    def unfit(self, resolution: int) -> str:
        """That it is built for images of the data set's size."""
        expected = self.image_size
        return (
            ""
            if resolution == expected
            else f"{resolution} px, but it is built for {expected} px; write that"
        )

    def inference_flops(self, resolution: int) -> int:
        """Those of a ViT-Base."""
        return _INFERENCE_FLOPS * resolution**2 // _SIDE**2

    def activation_bytes(self) -> int:
        """Those of a ViT-Base."""
        return _ACTIVATION_BYTES * self.image_size**2 // _SIDE**2

    def switches(self) -> dict[str, str]:
        """Its name."""
        return {"network": f"{self.name} of timm"}


Settings, Entry = TimmNetwork, TimmNetworkEntry
