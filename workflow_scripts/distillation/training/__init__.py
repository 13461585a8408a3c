"""The training of one run, and the files that it writes."""
