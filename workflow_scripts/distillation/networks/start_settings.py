"""Settings of published weights that a network starts from."""

from typing import Literal

from distillation.core import components
from distillation.core.settings import Text, settings

PRETRAINED = components.declarations("networks.pretrained")
PretrainedKind = Literal[tuple(PRETRAINED)]


@settings
class Pretrained:
    """Published weights that a network starts from; parts of other sizes are randomly initialised.

    `kind` is the naming of the tensors in the file, `sha256` the first hexadecimal digits (8 or more) of the
    file's digest.
    """

    kind: PretrainedKind
    sha256: Text

    @property
    def words(self) -> str:
        """The value in the page of switches."""
        return f"published weights ({self.kind} {self.sha256[:8]})"

    @property
    def components(self) -> tuple[str, ...]:
        """The component that reads the file, as "package.module" within the library."""
        return (f"networks.pretrained.{self.kind}",)
