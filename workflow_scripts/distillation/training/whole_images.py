"""How a network does on whole images during a training."""

from functools import partial

from torch import nn

from distillation.data import views
from distillation.data.datasets import Arrays
from distillation.evaluation import predictions
from distillation.networks.answers import resized
from distillation.study.spec import Run


def validation_accuracy(network: nn.Module, run: Run, arrays: Arrays, resolution: int) -> float:
    """Accuracy (percent) on the validation images, shown as the run says, in its precision.

    Args:
        network: on the device of the arrays.
        run: its views, normalization and precision.
        arrays: the data set, with validation images.
        resolution: of the stage, side in pixels.
    """
    view = _view(run, run.views.validation, resolution)
    images, labels = arrays.validation_images, arrays.validation_labels
    return predictions.accuracy(network, images, labels, view, run.precision)


def right_test_images(network: nn.Module, run: Run, arrays: Arrays, side: int | None = None) -> int:
    """How many test images a network gets right, whole and at full resolution, in float32.

    Args:
        network: on the device of the arrays.
        run: its size and normalization of images.
        arrays: the data set.
        side: in pixels, to which a teacher's views are scaled; None leaves them.
    """
    view = _view(run, "scale", run.model.image_size)
    logits = predictions.logits(network, arrays.test_images, lambda part: resized(view(part), side), "fp32")
    return predictions.correct(logits, arrays.test_labels)


def _view(run: Run, kind: str, resolution: int) -> predictions.View:
    return partial(
        views.validation_view,
        kind=kind,
        resolution=resolution,
        normalization=run.normalization,
        size=run.model.image_size,
    )
