"""The terms of the training loss, one module each, chosen by the name of their key in the spec.

Each module has `term(settings, batch) -> Tensor`, the unweighted scalar that history.csv lists,
and `weight(settings) -> float`, its factor in the loss.
"""
