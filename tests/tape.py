"""A stand-in for CUDA graphs where there is no GPU."""


class Tape:
    """Stands in for a recording where there is no GPU: as many calls, then calls with the same tensors.

    As a graph does, it writes the gradients to the tensors that they had when it was recorded, whatever
    gradients the parameters have since.
    """

    made, wrong = 0, False

    def __init__(self, function, arguments):
        type(self).made += 1
        self._function, self._places = function, [argument.clone() for argument in arguments]
        for _ in range(4):
            function(*self._places)
        self._parameters = list(function.func.__self__._model.parameters())
        self._own = [parameter.grad for parameter in self._parameters]

    def __call__(self, *arguments):
        for place, argument in zip(self._places, arguments, strict=True):
            assert place.shape == argument.shape
            place.copy_(argument)
        others = [parameter.grad for parameter in self._parameters]
        for parameter, own in zip(self._parameters, self._own, strict=True):
            parameter.grad = own
        self._function(*self._places)
        for parameter, own, other in zip(self._parameters, self._own, others, strict=True):
            if own is not None:
                own.copy_(parameter.grad + 1e-3 if self.wrong else parameter.grad)
            parameter.grad = other
