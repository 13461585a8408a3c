"""Published weights that networks start from, one component per naming of their tensors, chosen by name.

The folder of a naming has in its `__init__.py` `FAMILY`, the family of the networks, and in its `compute.py`
`load(network, path)`, which copies what fits and leaves the rest randomly initialised.
"""
