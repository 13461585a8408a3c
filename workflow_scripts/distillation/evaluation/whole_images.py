"""What networks answer to whole images, shown as a run shows them."""

from functools import partial

from torch import Tensor, nn

from distillation.data import views
from distillation.data.datasets import Arrays
from distillation.evaluation import predictions
from distillation.networks.answers import resized
from distillation.study.spec import Run


def logits(
    network: nn.Module,
    run: Run,
    images: Tensor,
    resolution: int | None = None,
    kind: str = "scale",
    side: int | None = None,
) -> Tensor:
    """Logits [N, classes], float32, of the classification head.

    Args:
        network: the run's own, or its teacher, which is shown what the run's is.
        run: its size and normalization of images.
        images: uint8 [N, 3, S, S] on the device of the network.
        resolution: side of the view in pixels; the full one by default.
        kind: "scale" or "crop"; see `views.validation_view`.
        side: in pixels, to which a teacher's views are scaled; None leaves them.
    """
    view = view_of(run, kind, resolution or run.model.image_size)
    return predictions.logits(network, images, lambda part: resized(view(part), side), "fp32")


def right_test_images(network: nn.Module, run: Run, arrays: Arrays, side: int | None = None) -> int:
    """How many test images a network gets right, at full resolution and in float32; see `logits`."""
    return predictions.correct(logits(network, run, arrays.test_images, side=side), arrays.test_labels)


def validation_accuracy(network: nn.Module, run: Run, arrays: Arrays, resolution: int) -> float:
    """Accuracy (percent) on the validation images, shown as the run says, in its precision.

    Args:
        network: on the device of the arrays.
        run: its views, normalization and precision.
        arrays: the data set, with validation images.
        resolution: of the stage, side in pixels.
    """
    view = view_of(run, run.views.validation, resolution)
    images, labels = arrays.validation_images, arrays.validation_labels
    return predictions.accuracy(network, images, labels, view, run.precision)


def view_of(run: Run, kind: str, resolution: int) -> predictions.View:
    """How whole images are shown to the network of a run; see `views.validation_view`."""
    return partial(
        views.validation_view,
        kind=kind,
        resolution=resolution,
        normalization=run.normalization,
        size=run.model.image_size,
    )
