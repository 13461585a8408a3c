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

    writes_to_stream = True
    writes_to_file = False
    # No job is left out, whatever --quiet says.
    has_filter = True
    has_formatter = False
    needs_rulegraph = False

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
