"""The terms of the training loss, one module each, chosen by the name of their key in the spec.

Each module has `term(settings, batch) -> Tensor`, a scalar as history.csv lists it, and
`weight(settings) -> float`, by which the loss multiplies it.
"""
