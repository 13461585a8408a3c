"""Convolutional networks with weight-normalised layers, ELU and batch norm."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from distillation.core.settings import Count, Flag, Share, settings
from distillation.networks.families import LAST_MAP, LAST_MAP_GRADIENT, Network


@settings
class ConvolutionalNetworkEntry:
    """A convolutional network: groups of 3 x 3 convolutions, each followed by 2 x 2 max pooling."""

    family: Literal["cnn"] = Field(description="Component of `networks/families`.")
    convolutions: Annotated[
        tuple[Annotated[tuple[Count, ...], Field(min_length=1)], ...], Field(min_length=1)
    ] = Field(description="Channels of the convolutions of each group.", examples=[[[256, 256], [128, 128]]])
    hidden_width: Count = Field(description="Units of the classifier's hidden layer.")
    dropout: Share = Field(0.0, description="Of the hidden layer.")
    unused_scalar: Flag = Field(
        False, description="A parameter that nothing reads, as in some released code; it only counts."
    )


@settings
class ConvolutionalNetwork(ConvolutionalNetworkEntry, Network):
    """A convolutional network for the images of a data set."""

    @property
    def storable(self) -> frozenset[str]:
        """All of its features."""
        return frozenset({LAST_MAP, LAST_MAP_GRADIENT})

    def lacks(self, feature: str) -> str:
        """That it is not the last map."""
        return "" if feature in self.storable else f"name {LAST_MAP} or {LAST_MAP_GRADIENT}"

    def last_map_side(self) -> int:
        """Each pooling halves it."""
        return self._side(len(self.convolutions))

    def problems(self) -> Iterator[str]:
        """More poolings than the images have pixels for."""
        if not self.last_map_side():
            yield (
                f"convolutions: {len(self.convolutions)} poolings leave nothing of {self.image_size} pixels;"
                " name fewer groups"
            )

    def unfit(self, resolution: int) -> str:
        """That the classifier expects images of the data set's size."""
        expected = self.image_size
        return "" if resolution == expected else f"{resolution} does not fit its classifier; write {expected}"

    def inference_flops(self, resolution: int) -> int:
        """Without pooling, norms and activations."""
        total, channels = 0, 3
        for group, widths in enumerate(self.convolutions):
            for width in widths:
                total += 2 * 9 * channels * width * self._side(group) ** 2
                channels = width
        return total + 2 * self.hidden_width * (channels * self.last_map_side() ** 2 + self.classes)

    def activation_bytes(self) -> int:
        """The outputs of convolution, ELU and batch norm."""
        cells = (sum(widths) * self._side(group) ** 2 for group, widths in enumerate(self.convolutions))
        return 4 * 3 * sum(cells)

    def _side(self, poolings: int) -> int:
        return self.image_size >> poolings

    def switches(self) -> dict[str, str]:
        """Layers and dropout."""
        groups = ", ".join("-".join(map(str, widths)) for widths in self.convolutions)
        return {
            "network": f"convolutions {groups}; hidden layer {self.hidden_width}",
            "dropout": f"{self.dropout:g}",
        }


Settings, Entry = ConvolutionalNetwork, ConvolutionalNetworkEntry
