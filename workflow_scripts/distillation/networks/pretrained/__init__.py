"""Published weights that networks start from, one component per kind of file, chosen by name.

The folder of a kind has in its `__init__.py` `Entry`, a `PublishedFile` as a configuration writes it, and
`Settings`, a `Pretrained`, what a run keeps of it; both have the name of the kind in their key `kind`. Its
`compute.py` has `load(network, start, path)`, which copies what fits and leaves the rest as it was drawn.
"""

from abc import ABC, abstractmethod
from typing import Annotated

from pydantic import Field

from distillation.core.settings import Text, settings
from distillation.networks.families import Network

Digest = Annotated[Text, Field(pattern="^[0-9a-f]{8,64}$")]
DIGEST = "Beginning of its SHA-256, 8 to 64 lower-case hexadecimal digits."
PATH = "Path of the file, which you supply; relative to the working directory."


@settings
class PublishedFile(ABC):
    """What an entry of `weights` tells."""

    @abstractmethod
    def start(self) -> dict[str, str]:
        """The settings that a run keeps, as plain values."""

    @abstractmethod
    def path(self) -> str:
        """Path of the file; it may not exist."""

    @abstractmethod
    def missing(self) -> str:
        """What to do if the file does not exist, as the end of a sentence."""


@settings
class Pretrained(ABC):
    """Published weights that a network starts from; parts of other sizes are randomly initialised."""

    @property
    @abstractmethod
    def words(self) -> str:
        """The value in the page of switches."""

    @abstractmethod
    def unfit(self, model: Network) -> str:
        """Why a network cannot start from them, and the fix; empty if it can."""
