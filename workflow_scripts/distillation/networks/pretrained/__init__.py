"""Published weights that networks start from, one component per naming of their tensors, chosen by name.

Each module has `load(network, path)`, which copies what fits and leaves the rest randomly initialised.
"""
