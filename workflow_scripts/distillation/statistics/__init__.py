"""From results of runs to estimates, intervals and verdicts on claims; free of torch."""
