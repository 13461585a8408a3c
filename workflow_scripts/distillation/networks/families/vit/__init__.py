"""Vision transformers (Dosovitskiy et al. 2021); with a distillation token, DeiT (Touvron et al. 2021)."""

from typing import Annotated, Literal

from pydantic import Field

from distillation.core.settings import Count, Flag, Pixels, Share, Whole, settings


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


@settings
class Network:
    """A vision transformer on square images."""

    family: Literal["vit"] = Field(description="Component of `networks/families`.")
    patch_size: Pixels = Field(description="Side of a patch.")
    width: Count = Field(description="Channels of a token.")
    depth: Annotated[Whole, Field(ge=2)] = Field(description="Blocks.")
    heads: Count = Field(description="Attention heads of a block; they divide the width.")
    mlp_width: Count = Field(description="Hidden channels of a block's MLP.")
    dropout: Share = Field(0.0, description="After embeddings, attention output and MLP output.")
    attention_dropout: Share = Field(0.0, description="Of attention probabilities.")
    without_final_norm: Flag = Field(False, description="Heads read the raw residual stream.")


@settings
class Model(Network):
    """A network for the images of a data set."""

    image_size: Pixels = Field(description="Side of the images.")
    classes: Annotated[Whole, Field(ge=2)] = Field(description="Number of classes.")
    distillation_token: DistillationToken | None = Field(None, description="Of students with a kd loss.")
