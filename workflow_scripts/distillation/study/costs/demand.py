"""Time, memory and queue priority that a job requests from a cluster, estimated from its computation.

Free of torch, because planning needs it. The estimates are on the safe side for a recent data-centre GPU. A
training that reaches its time limit anyway loses little: it resumes from its last checkpoint and requests
more time.
"""

from distillation.data.settings import VIEWS_AT_ONCE
from distillation.networks.families import Network
from distillation.study.spec import Run

# FLOP per second, sustained on batches of 128 small images: a tenth of an A100's peak in bf16, half of its
# peak in fp32, and the rate of one CPU thread.
_RATE = {"cuda": {"bf16": 20e12, "fp32": 10e12}, "cpu": {"bf16": 20e9, "fp32": 20e9}}
# Launching the kernels of one step; small networks compute too little to hide it.
_SECONDS_PER_STEP = 0.05
_START_MINUTES = 15
EVALUATION_MINUTES = 30
_STEP_MINUTES = 10

# The most that the estimated length of a training of at least one second can add to its priority.
_PRIORITY_STEP = 10**8
# Before every training.
EVALUATION_PRIORITY = 2 * _PRIORITY_STEP

# Python, torch, CUDA with its libraries, and the arrays.
_PROCESS_MB = 6000


def training_minutes(run: Run, teacher: Network | None, images: int, device: str) -> int:
    """Time limit, in minutes, of the first attempt at a training.

    Args:
        run: the training.
        teacher: the network of its teacher, if it has one.
        images: number of training images; how many are held out changes little.
        device: "cuda" or "cpu".
    """
    minutes = _START_MINUTES + _training_seconds(run, teacher, images, device) / 60
    return _STEP_MINUTES * -int(-minutes // _STEP_MINUTES)


def answering_minutes(teacher: Network, images: int, resolution: int, device: str) -> int:
    """Time limit, in minutes, of the first attempt at storing a teacher's answers.

    Args:
        teacher: its network.
        images: number of training images.
        resolution: of these, side in pixels.
        device: "cuda" or "cpu".
    """
    seconds = images * teacher.inference_flops(resolution) / _RATE[device]["fp32"]
    return EVALUATION_MINUTES + _STEP_MINUTES * -int(-seconds / 60 // _STEP_MINUTES)


def training_priority(run: Run, role: str, teacher: Network | None, images: int) -> int:
    """Queue priority of a training, larger first: teachers before students, short before long.

    Lengths are those estimated for a GPU.

    Args:
        run: the training.
        role: "teacher" or "student".
        teacher: the network of its teacher, if it has one.
        images: number of training images.
    """
    return (role == "teacher") * _PRIORITY_STEP + int(
        _PRIORITY_STEP / max(1, _training_seconds(run, teacher, images, "cuda"))
    )


def memory_mb(run: Run, images: int, device: str) -> int:
    """Host memory, in 10^6 bytes, for the first attempt at a training or an evaluation.

    Args:
        run: the training.
        images: number of training images.
        device: "cuda" or "cpu"; activations need host memory on a CPU only.
    """
    views = max(_views_bytes(run, stage.resolution, images) for stage in run.stages)
    batch = run.batch_size * run.model.activation_bytes() if device == "cpu" else 0
    return 1000 * -int(-(_PROCESS_MB + (views + batch) / 1e6) // 1000)


def training_flops(run: Run, teacher: Network | None, images: int) -> float:
    """FLOPs of a training; see `image_flops`. `training.flops` counts them in torch."""
    return sum(image_flops(run, teacher, stage.resolution) * stage.epochs * images for stage in run.stages)


def operations(run: Run, teacher: Network | None, images: int) -> float:
    """FLOPs of a training, without those that only cost time; a second derivative doubles them.

    `training.flops` counts them in torch: the difference is below a tenth.
    """
    again = 2 if any(term.second_order for term in run.losses.named.values()) else 1
    total = 0.0
    for stage in run.stages:
        student, asked = _passes(run, teacher, stage.resolution)
        # Beside an untrained network, the teacher itself is asked for its predictions alone.
        alone = asked * run.losses.compares_untrained
        total += stage.epochs * (again * (student + asked) + alone)
    return images * total


def image_flops(run: Run, teacher: Network | None, resolution: int) -> float:
    """FLOPs of a training step for one image; those of the teacher too, unless its answers are stored.

    The factor of a loss term is rough, and one of time rather than FLOPs.
    """
    student, asked = _passes(run, teacher, resolution)
    factor = max(term.step_factor for term in run.losses.named.values())
    return factor * (student + asked * (1 + run.losses.compares_untrained))


def _passes(run: Run, teacher: Network | None, resolution: int) -> tuple[float, float]:
    """FLOPs of the passes of a network in training and of its teacher, unless its answers are stored.

    The backward pass costs twice the forward pass.
    """
    asked = teacher is not None and not run.stores_answers(teacher)
    return 3.0 * run.model.inference_flops(resolution), teacher.inference_flops(resolution) if asked else 0.0


def _views_bytes(run: Run, resolution: int, images: int) -> int:
    """Of the views that a training makes at once, in float32, and of what it holds beside them."""
    view, whole = 3 * resolution**2 * 4, 3 * run.model.image_size**2
    together = min(images, max(run.batch_size, VIEWS_AT_ONCE // view))
    # Beside them are the images enlarged to the size of the data set, or the last views of an epoch: these
    # are fewer, so they cannot take the memory of those before.
    return together * (view + max(view, whole))


def _training_seconds(run: Run, teacher: Network | None, images: int, device: str) -> float:
    steps = run.epochs * -(-images // run.batch_size)
    return training_flops(run, teacher, images) / _RATE[device][run.precision] + steps * _SECONDS_PER_STEP
