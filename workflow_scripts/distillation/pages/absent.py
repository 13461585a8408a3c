"""Texts that tables and figures show in place of a missing result."""

NOT_RUN = "not run"
NOT_VALIDATED = "no validation images"
