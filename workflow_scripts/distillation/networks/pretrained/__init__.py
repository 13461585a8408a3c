"""Published weights that networks start from, one module per naming of their tensors, loaded by name.

Each module has `load(network, path)`, which copies what fits and leaves the rest randomly initialised.
"""
