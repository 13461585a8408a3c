"""Weights of timm, by the name of a network and the tag of its weights (Wightman 2019)."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from distillation.core.settings import Text, Words, settings
from distillation.networks.families import Network
from distillation.networks.pretrained import DIGEST, PATH, Digest, Pretrained, PublishedFile

TaggedName = Annotated[Text, Field(pattern=r"^[A-Za-z0-9_]+\.[A-Za-z0-9_]+$")]
# The file of every repository of timm's weights in Hugging Face's cache, which timm uses.
_CACHED = "model.safetensors"


@settings
class TimmFile(PublishedFile):
    """Published weights of timm that networks can start from."""

    kind: Literal["timm"] = Field(description="Component of `networks/pretrained`.")
    name: TaggedName = Field(
        description="Name of the network in timm, a dot, and the tag of its weights.",
        examples=["vit_tiny_patch16_224.augreg_in21k_ft_in1k"],
    )
    file: Words = Field(None, description=f"{PATH} If it is absent, the file is that of timm's own cache.")
    sha256: Digest = Field(None, description=f"{DIGEST} It is recorded with each run anyway.")

    def start(self) -> dict[str, str]:
        """Kind, name and, if it is known, digest."""
        known = {"sha256": self.sha256} if self.sha256 else {}
        return {"kind": self.kind, "name": self.name} | known

    def path(self) -> str:
        """As configured or, without a file, in timm's cache."""
        return self.file or self._cached() or str(self._cache() / f"models--timm--{self.name}" / _CACHED)

    def missing(self) -> str:
        """How to fill the cache, and the key of another file."""
        return (
            f"run `hf download timm/{self.name} {_CACHED}` where there is internet and bring timm's cache"
            f" ({self._cache()}) here, or set `file` of this entry of `weights` to a file of these weights"
        )

    def _cached(self) -> str | None:
        import huggingface_hub

        found = huggingface_hub.try_to_load_from_cache(f"timm/{self.name}", _CACHED, self._cache())
        return found if isinstance(found, str) else None

    @staticmethod
    def _cache() -> Path:
        import huggingface_hub.constants

        return Path(huggingface_hub.constants.HF_HUB_CACHE)


@settings
class TimmWeights(Pretrained):
    """Weights of timm; `sha256` is the beginning of the file's digest, if it is known before."""

    kind: Literal["timm"]
    name: Text
    sha256: Text | None = None

    @property
    def words(self) -> str:
        """Name and tag."""
        return f"published weights ({self.name} of timm)"

    def unfit(self, model: Network) -> str:
        """That it is another network than theirs."""
        theirs = self.name.partition(".")[0]
        own = getattr(model, "name", None)
        if model.family == "timm" and own == theirs:
            return ""
        found = own if model.family == "timm" else f"of the family '{model.family}'"
        return (
            f"its weights are those of {theirs} of timm, but this network is {found}; name weights of this"
            " network, or remove this key"
        )


Settings, Entry = TimmWeights, TimmFile
