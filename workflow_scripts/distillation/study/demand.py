"""What a training asks of a cluster, by what it has to compute, and its place in a queue.

Free of torch: planning needs it. The figures are on the safe side for a data-centre GPU of the last years. A
training that runs into its limit all the same loses little: it continues from its last save, and asks for
more.
"""

from distillation.study.spec import Model, Run

# FLOP per second, sustained on batches of 128 small images: a tenth of what an A100 can do in bf16, half
# of what it can in fp32, and what one thread of a CPU does.
_RATE = {"cuda": {"bf16": 20e12, "fp32": 10e12}, "cpu": {"bf16": 20e9, "fp32": 20e9}}
# Launching the kernels of one step, which nothing hides where networks are small.
_SECONDS_PER_STEP = 0.05
# Two networks at work for one map each, differentiated twice by kernels that are not fused.
_SALIENCY_FACTOR = 4
_START_MINUTES = 15
_EVALUATION_MINUTES = 30
_STEP_MINUTES = 10

# One above all that the estimated length of a training, of a second or more, can add.
_PRIORITY_STEP = 10**8

# All training images of CIFAR-10; how many are held out changes little.
_IMAGES = 50_000
# Python, torch, CUDA with its libraries, and the arrays.
_PROCESS_MB = 6000
# Of an epoch's images in float32, while they are augmented.
_COPIES = 2


def training_minutes(run: Run, teacher: Model | None, device: str) -> int:
    """Time limit of a first attempt at a training.

    Args:
        run: the training.
        teacher: the network of its teacher, if it has one.
        device: "cuda" or "cpu".
    """
    minutes = _START_MINUTES + _training_seconds(run, teacher, device) / 60
    return _STEP_MINUTES * -int(-minutes // _STEP_MINUTES)


def evaluation_minutes() -> int:
    """Time limit of a first attempt at testing a network."""
    return _EVALUATION_MINUTES


def training_priority(run: Run, role: str, teacher: Model | None) -> int:
    """Place of a training in a queue, the largest number first: teachers before students, short before long.

    Lengths are compared as they are on a GPU.

    Args:
        run: the training.
        role: "teacher" or "student".
        teacher: the network of its teacher, if it has one.
    """
    return (role == "teacher") * _PRIORITY_STEP + int(
        _PRIORITY_STEP / _training_seconds(run, teacher, "cuda")
    )


def evaluation_priority() -> int:
    """Place of the test of a network in the same queue: before every training."""
    return 2 * _PRIORITY_STEP


def memory_mb(run: Run, device: str) -> int:
    """Memory of the host, in 10^6 bytes, of a first attempt at training or testing a network.

    Args:
        run: the training.
        device: "cuda" or "cpu"; what a batch leaves for the backward pass is on the device.
    """
    epoch = _IMAGES * 3 * run.model.image_size**2 * 4
    batch = run.batch_size * _activations(run.model) if device == "cpu" else 0
    return 1000 * -int(-(_PROCESS_MB + (_COPIES * epoch + batch) / 1e6) // 1000)


def training_flops(run: Run, teacher: Model | None) -> float:
    """FLOPs of a training on 50,000 images, the teacher's included; `networks.flops` counts them in torch."""
    return sum(image_flops(run, teacher, stage.resolution) * stage.epochs * _IMAGES for stage in run.stages)


def image_flops(run: Run, teacher: Model | None, resolution: int) -> float:
    """FLOPs of a training step for one image, the teacher's included.

    The backward pass takes twice the forward pass. What saliency takes is a rough factor, of time rather
    than of FLOPs.
    """
    image = 3.0 * inference_flops(run.model, resolution)
    image += inference_flops(teacher, resolution) if teacher else 0
    return image * (_SALIENCY_FACTOR if run.losses.saliency else 1)


def inference_flops(model: Model, resolution: int) -> int:
    """FLOPs (two per multiplication and addition, matrix products only) to classify one image.

    Heads and the resizing of positions, up to two hundredths of it, are left out.
    """
    tokens = (resolution // model.patch_size) ** 2 + 1 + (model.distillation_token is not None)
    width, projections = model.width, 4 * model.width + 2 * model.mlp_width
    block = 2 * tokens * width * projections + 4 * tokens**2 * width
    return model.depth * block + 6 * resolution**2 * width


def _training_seconds(run: Run, teacher: Model | None, device: str) -> float:
    steps = run.epochs * -(-_IMAGES // run.batch_size)
    return training_flops(run, teacher) / _RATE[device][run.precision] + steps * _SECONDS_PER_STEP


def _activations(model: Model) -> int:
    """Bytes that an image leaves for the backward pass, in float32 and by plain attention."""
    tokens = (model.image_size // model.patch_size) ** 2 + 2
    per_token = 10 * model.width + 2 * model.mlp_width + 4 * model.heads * tokens
    return 4 * model.depth * tokens * per_token
