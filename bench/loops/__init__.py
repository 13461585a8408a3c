"""A training step as this project, the notebooks and timm write it."""
