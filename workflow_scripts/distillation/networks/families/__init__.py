"""Networks that a run can train."""
