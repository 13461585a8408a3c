"""Snakemake's messages on a terminal, with a live view of its jobs and their trainings below them.

    snakemake --logger terminal

Without a terminal, and for a dry run, only Snakemake's own messages are printed.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from logging import ERROR, WARNING, LogRecord
from pathlib import Path

from distillation.core import logs
from distillation.core.errors import InputError
from distillation.training import progress
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

# Messages that the view replaces.
_REPLACED = (LogEvent.JOB_STARTED, LogEvent.PROGRESS)
_REPLACED_MESSAGES = ("Select jobs to execute...",)


@dataclass(frozen=True)
class _Job:
    """A job that was started or submitted; `folder` is that of its run, if it is a training."""

    name: str
    begin: float
    folder: Path | None

    def lines(self, now: float) -> list[str]:
        elapsed = now - self.begin
        line = f"  {self.name} ({progress.duration(elapsed)})"
        try:
            # An older report comes from a process that was killed.
            report = progress.last_report(self.folder, now, within=elapsed) if self.folder else None
        except InputError as error:
            report = error
        return [line, f"    {report}"] if report else [line]


class LogHandler(LogHandlerBase):
    """Prints Snakemake's messages and draws the running jobs."""

    writes_to_stream = True
    writes_to_file = False
    # Snakemake's own filter applies, so --quiet works.
    has_filter = False
    has_formatter = False
    needs_rulegraph = False

    def __post_init__(self) -> None:
        """Find out whether there is a terminal to draw on."""
        self._console = Console(stderr=not self.common_settings.stdout, highlight=False)
        terminal = self._console.file.isatty() and not self._console.is_dumb_terminal
        self._draws = terminal and not self.common_settings.dryrun
        self._jobs: dict[int, _Job] = {}
        self._bar = Progress(
            TextColumn("jobs"),
            MofNCompleteColumn(),
            BarColumn(bar_width=None),
            TimeElapsedColumn(),
            expand=True,
        )
        self._all = None
        self._live = Live(
            get_renderable=self._view, console=self._console, refresh_per_second=2, transient=True
        )
        if self._draws:
            os.environ[logs.DRAWN] = "snakemake"

    def emit(self, record: LogRecord) -> None:
        """Print a record or show it in the view."""
        try:
            if self._draws:
                self._draw(record)
            else:
                self._print(record)
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Remove the view from the terminal."""
        self._live.stop()
        super().close()

    def _draw(self, record: LogRecord) -> None:
        event = getattr(record, "event", None)
        if event == LogEvent.RUN_INFO:
            self._print(record)
            self._all = self._bar.add_task("", total=record.stats["total"])
            self._live.start()
        elif event == LogEvent.PROGRESS and self._all is not None:
            self._bar.update(self._all, completed=record.done, total=record.total)
        elif event == LogEvent.JOB_INFO:
            self._jobs[record.jobid] = _Job(
                record.rule_msg or record.rule_name, time.time(), _run_folder(record.output)
            )
        elif event == LogEvent.JOB_FINISHED:
            job = self._jobs.pop(record.job_id, None)
            if job:
                self._say(f"done in {progress.duration(time.time() - job.begin)}: {job.name}")
        elif event not in _REPLACED and record.getMessage() not in _REPLACED_MESSAGES:
            if event == LogEvent.JOB_ERROR:
                self._jobs.pop(record.jobid, None)
            self._print(record)

    def _print(self, record: LogRecord) -> None:
        style = "red" if record.levelno >= ERROR else "yellow" if record.levelno >= WARNING else ""
        self._say(self.format(record), style)

    def _say(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style=style), soft_wrap=True)

    def _view(self) -> Group:
        now = time.time()
        # Copied, as another thread changes the jobs. On a cluster, jobs that wait in the queue come last.
        jobs = sorted((job.lines(now) for job in list(self._jobs.values())), key=len, reverse=True)
        lines = [line for job in jobs for line in job]
        room = self._console.height - 3
        if len(lines) > room:
            lines = [*lines[: room - 1], "  and more"]
        return Group(self._bar, *(Text(line, no_wrap=True, overflow="ellipsis") for line in lines))


def _run_folder(outputs: Sequence[str]) -> Path | None:
    records = [Path(path) for path in outputs if Path(path).name == "run.json"]
    return records[0].parent if records else None
