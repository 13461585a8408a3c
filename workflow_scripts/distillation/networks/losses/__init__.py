"""The terms of the training loss, one component each, chosen by the name of their key in the settings.

The folder of a term has `Settings`, a `Term`, in its `__init__.py`, and in its `compute.py`
`term(settings, batch) -> Tensor`, the unweighted scalar that history.csv lists. If a configuration writes the
settings in another form than a resolved run, `Entry` is that form, and `Settings.resolve` translates it.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from distillation.core.settings import Number, settings
from distillation.networks.families import Network
from distillation.networks.map_settings import ComparedMaps


@settings
class Weighted:
    """What the settings of every term have, in a configuration and in a resolved run."""

    weight: Annotated[Number, Field(ge=0)] = Field(description="Factor of the term.")


@settings
class Term(Weighted, ABC):
    """What every term has.

    Attributes:
        column: its column in history.csv.
        needs_teacher: whether it compares the student with a teacher.
        on_distillation_head: whether it acts on the student's distillation head, if its family has one.
        step_factor: of the time of a training step, roughly; for the time that a cluster is asked for.
    """

    column: ClassVar[str]
    needs_teacher: ClassVar[bool] = True
    on_distillation_head: ClassVar[bool] = False
    step_factor: ClassVar[int] = 1

    @property
    def factor(self) -> float:
        """What the term is multiplied by in the loss."""
        return self.weight

    @property
    def student_features(self) -> frozenset[str]:
        """Names of what the student has to capture."""
        return frozenset()

    @property
    def teacher_features(self) -> frozenset[str]:
        """Names of what the teacher has to capture."""
        return frozenset()

    @property
    def untrained_features(self) -> frozenset[str]:
        """Names of what a network like the teacher, with random weights, has to capture for a control."""
        return frozenset()

    @property
    def allows_mixing(self) -> bool:
        """Whether it has a meaning for mixed images."""
        return True

    @property
    def least_batch(self) -> int:
        """How many images a batch must have."""
        return 1

    @property
    def second_order(self) -> bool:
        """Whether a gradient of the student is differentiated, which fused attention does not support."""
        return False

    @property
    def maps(self) -> ComparedMaps | None:
        """Saliency maps that it compares; they are recorded as well."""
        return None

    @property
    def components(self) -> tuple[str, ...]:
        """Further components that it uses, as "package.module" within the library."""
        return ()

    @classmethod
    def resolve(cls, entry: Mapping, model: Mapping, student: Network, teacher: Network | None) -> dict:
        """The settings of a resolved run, as plain values, from those in the configuration.

        Args:
            entry: as configured.
            model: the student's entry of `models`, with what the run changes.
            student: the student's network.
            teacher: its teacher's network, if it has one.

        Raises:
            ValueError: with the path of a key, what is wrong, and the fix.
        """
        return dict(entry)

    def problems(self) -> Iterator[str]:
        """Errors of a resolved run that the types of single settings cannot find, as "text"."""
        return iter(())

    @classmethod
    @abstractmethod
    def switches(cls, own: "Term | None") -> dict[str, str]:
        """Values in the page of switches, by name; `own` is None for a run without the term."""
