"""Vision-transformer distillation studies: models, losses, curricula, training and evaluation.

The package knows nothing of Snakemake and reads no configuration file: every function takes plain
values and paths.
"""
