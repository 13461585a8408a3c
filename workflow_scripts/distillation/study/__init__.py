"""From a configuration to resolved runs, and what rules need to know of a run; free of torch."""
