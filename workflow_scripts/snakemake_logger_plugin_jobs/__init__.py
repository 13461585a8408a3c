"""Print Snakemake's jobs for other programs: one JSON object per line of standard output.

    snakemake --dry-run --logger jobs

Each has its `rule`, its `input` and `output` files, its `wildcards` and its `priority`. Warnings and
errors go to standard error.
"""

import json
import sys
from logging import WARNING, LogRecord

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent


class LogHandler(LogHandlerBase):
    """Prints jobs, warnings and errors."""

    def emit(self, record: LogRecord) -> None:
        """Print a record that is a job, a warning or an error."""
        if getattr(record, "event", None) == LogEvent.JOB_INFO:
            job = {
                "rule": record.rule_name,
                "input": list(map(str, record.input)),
                "output": list(map(str, record.output)),
                "wildcards": dict(record.wildcards),
                "priority": record.priority,
            }
            print(json.dumps(job), flush=True)
        elif record.levelno >= WARNING:
            print(self.format(record), file=sys.stderr)

    @property
    def writes_to_stream(self) -> bool:
        """It replaces Snakemake's own messages."""
        return True

    @property
    def writes_to_file(self) -> bool:
        """Snakemake writes its log file by itself."""
        return False

    @property
    def has_filter(self) -> bool:
        """No job is left out, whatever --quiet says."""
        return True

    @property
    def has_formatter(self) -> bool:
        """Snakemake's own texts are printed."""
        return False

    @property
    def needs_rulegraph(self) -> bool:
        """It does not draw the graph."""
        return False
