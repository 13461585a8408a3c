"""What surrounds snakemake in drive.py: one run at a time, and an end of its jobs when it is stopped."""
