"""A study from its configuration to resolved runs, and what rules ask about a run; free of torch."""
