"""Published weights that networks start from, one module for each naming of their tensors, loaded by name.

Each module has `load(network, path)`, which copies what fits and leaves the rest as it was drawn.
"""
