"""Kinds of saliency map, one component each, chosen by name.

The folder of a kind has in its `__init__.py` `features(layers) -> frozenset[str]`, what the network has to
capture for the maps of these blocks (see `VisionTransformer.forward`), and `SECOND_ORDER`, whether matching
its maps differentiates a gradient. Its `compute.py` has `maps(output, labels, layers, differentiable) ->
Tensor` of shape [layers, B, patches] or, if every class has a map, [layers, B, patches, classes], with values
in [0, 1].
"""
