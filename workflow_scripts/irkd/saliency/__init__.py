"""Kinds of saliency map, one module each, chosen by name.

Each module has `maps(output, labels, layers, differentiable) -> Tensor` of shape
[layers, B, patches] with values in [0, 1], and `SECOND_ORDER`, whether matching its maps
differentiates a gradient.
"""
