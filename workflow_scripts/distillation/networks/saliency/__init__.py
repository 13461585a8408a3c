"""Kinds of saliency map, one module each, chosen by name.

Each module has `maps(output, labels, layers, differentiable) -> Tensor` of shape
[layers, B, patches] or, if every class has a map, [layers, B, patches, classes], with values in
[0, 1]; `features(layers) -> frozenset[str]`, what the network has to capture for them (see
`VisionTransformer.forward`); and `SECOND_ORDER`, whether matching its maps differentiates a gradient.
"""
