"""Vision transformers (Dosovitskiy et al. 2021); with a distillation token, DeiT (Touvron et al. 2021)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from distillation.core.settings import STORABLE, Count, Flag, Pixels, Share, Whole, settings
from distillation.networks.families import Network
from distillation.networks.map_settings import Layers

# Names of features: what is captured at a block, by its zero-based index, and the classifier.
CLASSIFIER = "classifier"
_OF_BLOCK = re.compile(r"(entering|leaving|attention)\.(\d+)")


@settings
class DistillationToken:
    """Extra token and head that take the distillation loss (DeiT, Touvron et al. 2021)."""

    start: Literal["random", "zeros"] = Field(description="How the token is initialised.")
    position: Flag = Field(
        description="Whether it has a position embedding; without one it bypasses the embedding dropout."
    )
    without_head: Flag = Field(
        False, description="Whether a network that learns from labels alone has the token, without its head."
    )
    averages_heads: Flag = Field(
        False,
        description="Whether predictions outside training are the mean of both heads, as in DeiT.",
        examples=[True],
    )


@settings
class Shape:
    """A vision transformer on square images."""

    family: Literal["vit"] = Field(description="Component of `networks/families`.")
    patch_size: Pixels = Field(description="Side of a patch.")
    width: Count = Field(description="Channels of a token.")
    depth: Annotated[Whole, Field(ge=2), STORABLE] = Field(description="Blocks.")
    heads: Count = Field(description="Attention heads of a block; they divide the width.")
    mlp_width: Count = Field(description="Hidden channels of a block's MLP.")
    dropout: Share = Field(0.0, description="After embeddings, attention output and MLP output.")
    attention_dropout: Share = Field(0.0, description="Of attention probabilities.")
    without_final_norm: Flag = Field(False, description="Heads read the raw residual stream.")
    stochastic_depth: Share = Field(
        0.0,
        description="Probability that an image skips the attention of the last block in training, and"
        " likewise its MLP; over the blocks it grows linearly from 0 (Huang et al. 2016).",
        examples=[0.1],
    )
    largest_side: Pixels | None = Field(
        None,
        description="Side of the largest images that it has positions for; by default that of the data set's"
        " images.",
        examples=[64],
    )


@settings
class VisionTransformerEntry(Shape):
    """A vision transformer; its image size and classes are those of the data set."""

    saliency_layers: Layers = Field(
        None, description="Blocks by name (first, second, last), by zero-based index, or `all`."
    )


@settings
class RecipeKeys:
    """What a recipe says about vision transformers."""

    distillation_token: DistillationToken = Field(
        None, description="Extra token and head of vision transformers with a teacher."
    )


@settings
class Model(Shape, Network):
    """A vision transformer for the images of a data set."""

    distillation_token: DistillationToken | None = Field(
        None, description="Of networks with a loss on its head."
    )

    @classmethod
    def resolve(cls, entry: Mapping, recipe: Mapping, distillation_terms: Sequence[str]) -> dict:
        """The network has the recipe's token if a term acts on its head, or if the token has no head."""
        resolved = {key: value for key, value in entry.items() if key != "saliency_layers"}
        token = recipe.get("distillation_token")
        if distillation_terms and token is None:
            raise ValueError(
                f"distillation_token: a student with {distillation_terms[0]} needs one; add it to its recipe,"
                " such as {start: random, position: true}"
            )
        without_head = bool(token and token.get("without_head"))
        if distillation_terms and without_head:
            raise ValueError(
                f"distillation_token.without_head: its {distillation_terms[0]} loss needs the head; remove"
                " this key"
            )
        return resolved | ({"distillation_token": token} if distillation_terms or without_head else {})

    @property
    def blocks(self) -> int:
        """All of them."""
        return self.depth

    @property
    def largest(self) -> int:
        """The side that it has positions for."""
        return max(self.image_size, self.largest_side or 0)

    def map_side(self, resolution: int) -> int:
        """Patches along a side."""
        return resolution // self.patch_size

    def lacks(self, feature: str) -> str:
        """That there is no such feature, or no such block."""
        found = _OF_BLOCK.fullmatch(feature)
        if not found and feature != CLASSIFIER:
            return f"name entering, leaving or attention with a block, such as entering.0, or {CLASSIFIER}"
        if found and int(found[2]) >= self.depth:
            return f"no block {found[2]} at depth {self.depth}; blocks are 0 to {self.depth - 1}"
        return ""

    def problems(self) -> Iterator[str]:
        """Sizes that do not divide each other, positions for too small images, one head to average."""
        if self.width % self.heads:
            yield f"heads: {self.heads} heads do not divide a width of {self.width}; change one"
        if self.image_size % self.patch_size:
            yield (
                f"patch_size: {self.patch_size} does not divide the image size {self.image_size};"
                " use one that does"
            )
        side = self.largest_side
        if side and (side < self.image_size or side % self.patch_size):
            yield (
                f"largest_side: {side} does not fit images of {self.image_size} px in patches of"
                f" {self.patch_size}; write a multiple of the patch size that is not smaller than the images"
            )
        token = self.distillation_token
        if token and token.averages_heads and token.without_head:
            yield "distillation_token.averages_heads: this network has one head; remove this key"

    def unfit(self, resolution: int) -> str:
        """That the side is not a multiple of the patch size, and the nearest that are."""
        patch = self.patch_size
        if resolution % patch == 0 or self.image_size % patch:
            return ""
        below = resolution - resolution % patch
        near = " or ".join(str(side) for side in (below, below + patch) if side)
        return f"{resolution} is not a multiple of the patch size {patch}; write {near}"

    def inference_flops(self, resolution: int) -> int:
        """Without heads and the resizing of positions, at most 2 % of it."""
        tokens = (resolution // self.patch_size) ** 2 + 1 + (self.distillation_token is not None)
        width, projections = self.width, 4 * self.width + 2 * self.mlp_width
        block = 2 * tokens * width * projections + 4 * tokens**2 * width
        return self.depth * block + 6 * resolution**2 * width

    def activation_bytes(self) -> int:
        """With plain attention."""
        tokens = (self.largest // self.patch_size) ** 2 + 2
        per_token = 10 * self.width + 2 * self.mlp_width + 4 * self.heads * tokens
        return 4 * self.depth * tokens * per_token

    def switches(self) -> dict[str, str]:
        """Sizes, dropout, final norm and distillation token."""
        return {
            "network": (
                f"{self.depth} blocks of width {self.width}, {self.heads} heads, MLP {self.mlp_width}"
                + (f", positions up to {self.largest_side} px" if self.largest_side else "")
            ),
            "patch size": str(self.patch_size),
            "dropout": (
                f"{self.dropout:g}, on attention {self.attention_dropout:g}"
                + (f", stochastic depth {self.stochastic_depth:g}" if self.stochastic_depth else "")
            ),
            "final norm": "no" if self.without_final_norm else "yes",
            "distillation token": _token_in_words(self.distillation_token),
        }


def _token_in_words(token: DistillationToken | None) -> str:
    if token is None:
        return "none"
    place = "with a position" if token.position else "no position, past the embedding dropout"
    start = {"random": "random", "zeros": "zero"}[token.start]
    return (
        f"{start} start, {place}"
        + (", not read" if token.without_head else "")
        + (", heads averaged" if token.averages_heads else "")
    )


Settings, Entry = Model, VisionTransformerEntry
