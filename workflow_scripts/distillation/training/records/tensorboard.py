"""The history of a training as event files for TensorBoard."""

from collections.abc import Mapping
from pathlib import Path

from distillation.core.errors import UserError


class Events:
    """Writes each row of a history as scalars, with the epoch of the whole run as step.

    Args:
        folder: of the event files; those of interrupted processes stay, without what was not saved.
        saved: number of epochs before the first that is added.

    Raises:
        UserError: the package tensorboard is missing.
    """

    def __init__(self, folder: Path, saved: int):
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise UserError(
                "`execution: {tensorboard: true}` needs the package tensorboard: install it with pip, or set"
                " false in the configuration."
            ) from error
        self._writer = SummaryWriter(str(folder), purge_step=saved + 1)

    def add(self, row: Mapping[str, float | None]) -> None:
        """Add an epoch; columns without a value are left out."""
        for name, value in row.items():
            if value is not None and name != "global_epoch":
                self._writer.add_scalar(name, value, row["global_epoch"])
        self._writer.flush()
