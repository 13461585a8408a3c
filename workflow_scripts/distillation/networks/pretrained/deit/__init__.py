"""Weights of a DeiT with a distillation token, as named by its authors and timm (Touvron et al. 2021)."""

from typing import Literal

from pydantic import Field

from distillation.core.settings import Text, Words, settings
from distillation.networks.families import Network
from distillation.networks.pretrained import DIGEST, PATH, Digest, Pretrained, PublishedFile


@settings
class DeitFile(PublishedFile):
    """Published weights of a DeiT that networks can start from."""

    kind: Literal["deit"] = Field(description="Component of `networks/pretrained`.")
    file: Words = Field(description=PATH)
    sha256: Digest = Field(description=DIGEST)

    def start(self) -> dict[str, str]:
        """Kind and digest."""
        return {"kind": self.kind, "sha256": self.sha256}

    def path(self) -> str:
        """As configured."""
        return self.file

    def missing(self) -> str:
        """The page that says where to get it."""
        return "supply it (docs/pretrained.md says from where), or set its path in `weights` of the study"


@settings
class DeitWeights(Pretrained):
    """The weights of a DeiT; `sha256` is the beginning of the file's digest."""

    kind: Literal["deit"]
    sha256: Text

    @property
    def words(self) -> str:
        """Kind and digest."""
        return f"published weights ({self.kind} {self.sha256[:8]})"

    def unfit(self, model: Network) -> str:
        """That it is no vision transformer."""
        if model.family == "vit":
            return ""
        return (
            f"its deit weights are those of a network of the family 'vit', but this one is of the family"
            f" '{model.family}'; remove this key, or use another model"
        )


Settings, Entry = DeitWeights, DeitFile
