"""Evidence of a machine that may be taken away at any moment: packed again after each test of a network."""

from collections.abc import Callable
from pathlib import Path

from offline_node import bundle


class Evidence:
    """An archive that is rebuilt after each test of a network."""

    def __init__(self, results: Path, output: Path, say: Callable[[str], None]):
        self._results, self._output, self._say = results, output, say
        self._packed = self._tests()

    def refresh(self) -> None:
        """Pack again if another network was tested; if packing fails, say why and wait for the next test."""
        tests = self._tests()
        if tests == self._packed:
            return
        self._packed = tests
        try:
            self.pack()
        except OSError as error:
            self._say(f"the evidence could not be packed; next try after the next test: {error}")

    def pack(self) -> None:
        """Pack all evidence, and print its size.

        Raises:
            OSError: a file cannot be read or written.
        """
        count = bundle.pack_evidence(self._results, self._output)
        size = self._output.stat().st_size / 2**20
        self._say(f"{self._output}: the evidence, {count} files, {size:.1f} MiB")

    def _tests(self) -> set[Path]:
        # Called several times a second, so it does not search all folders.
        return set(self._results.glob(f"*/{bundle.EVALUATIONS}"))
