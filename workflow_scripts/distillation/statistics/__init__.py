"""Estimates, intervals and verdicts on claims from results of runs; free of torch."""
