"""What the figures of each kind show; see `contents`."""

from distillation.core.settings import settings
from distillation.study.contents import Page


@settings(kw_only=True)
class PanelsFigure(Page):
    """A panel for each group of runs.

    Attributes:
        panels: by heading, the ids of the runs.
    """

    panels: dict[str, tuple[str, ...]]


@settings(kw_only=True)
class CostFigure(Page):
    """Accuracy by computation.

    Attributes:
        kinds: by run, its method (a colour) and its network (a marker).
    """

    kinds: dict[str, tuple[str, str]]


@settings(kw_only=True)
class CurveFigure(Page):
    """The accuracies of one run by epoch.

    Attributes:
        run: its id.
        stages: resolution in pixels and epochs of each stage, in the first protocol that has the run.
        published: path of a published curve; see `published_values.curve`.
        published_stages: path of published accuracies by stage; see `published_values.stages`.
    """

    run: str
    stages: tuple[tuple[int, int], ...]
    published: str | None = None
    published_stages: str | None = None


@settings(kw_only=True)
class InputsFigure(Page):
    """Images as networks see them.

    Attributes:
        dataset: id of the data set.
        images: how many of its first test images.
        resolutions: sides in pixels.
        padding: black pixels on each side before a random crop.
        seed: of the crops.
    """

    dataset: str
    images: int
    resolutions: tuple[int, ...]
    padding: int
    seed: int


@settings(kw_only=True)
class SaliencyFigure(Page):
    """Saliency maps of a student and its teacher.

    Attributes:
        run: the student whose maps are shown.
        control: a student trained without the saliency loss.
        dataset: id of the data set whose test images are shown.
        images: how many of the recorded ones.
    """

    run: str
    control: str
    dataset: str
    images: int
