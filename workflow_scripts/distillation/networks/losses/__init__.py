"""The terms of the training loss, one module each, chosen by the name of their key in the spec.

Each module has `term(settings, batch) -> Tensor`: a scalar, before its weight.
"""
