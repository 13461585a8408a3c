"""Augmentations beyond crop and flip, one module per method, loaded by name."""
