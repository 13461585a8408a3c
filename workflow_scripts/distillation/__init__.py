"""Vision-transformer distillation studies: models, losses, curricula, training and evaluation.

The package does not depend on Snakemake and reads no configuration file: every function takes plain
values and paths.
"""
