"""Verdicts on the claims of a paper from the results of runs."""
