"""The training loop of the released notebooks: Hugging Face, a DataLoader, fp32, plain AdamW."""

import numpy as np
import torch
from distillation.core.errors import UserError
from distillation.data.augmentations.mixing import Mixing
from distillation.study.spec import Run
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import OneCycleLR

from bench.cases import SCHEDULED
from bench.loops import hugging_face, notebook_saliency, pictures
from bench.loops.hugging_face import Classifier, Distilled

# Workers of the DataLoader on a GPU, as on the machines of the notebooks.
_WORKERS = 2


class NotebookLoop:
    """Epochs of a run over images uint8 [N, 3, S, S] with labels [N], as in the notebooks.

    Attributes:
        model: the network in training.
        teacher: the frozen teacher; None if there is none.

    Raises:
        UserError: the run has a setting that no released run has.
    """

    def __init__(
        self, run: Run, teacher: Classifier | None, images: Tensor, labels: Tensor, device: torch.device
    ):
        saliency = run.losses.saliency
        if saliency and saliency.kind not in ("class-map", "cls-attention"):
            raise UserError(
                f"losses.saliency.kind: '{saliency.kind}' is in no notebook; use 'class-map' or"
                " 'cls-attention' in the protocol 'released'."
            )
        if run.warmup_cosine:
            raise UserError(
                "warmup_cosine: the notebooks' loop does not support it; leave it out of the measured runs."
            )
        self._run, self._device = run, device
        self.model = hugging_face.build(run.model, attention_of(run)).to(device).train()
        self.teacher = teacher
        self._optimizer = _optimizer(run, self.model)
        self._schedule = _schedule(run, self._optimizer)
        self._rng = np.random.default_rng(run.seed)
        shown = pictures.Pictures(images, labels, pictures.chain(run, run.stages[0].resolution))
        self._loader = pictures.loader(shown, run.batch_size, device, _WORKERS)

    def epoch(self) -> float:
        """Train one epoch and return the mean loss."""
        self.model.train()
        total, correct, seen = 0.0, 0, 0
        together = self._run.optimizer.accumulation
        for step, (images, labels) in enumerate(self._loader, start=1):
            if (step - 1) % together == 0:
                self._optimizer.zero_grad()
            images, labels = images.to(self._device), labels.to(self._device)
            partner, share = labels, 1.0
            if self._run.mixing:
                images, partner, share = _mixed(images, labels, self._run.mixing, self._rng)
            loss, logits = self.loss(images, labels, partner, share)
            (loss / together).backward()
            if step % together == 0 or step == len(self._loader):
                self._optimizer.step()
                if self._schedule:
                    self._schedule.step()
            total += loss.item() * len(labels)
            correct += (logits.argmax(dim=1) == labels).sum().item()
            seen += len(labels)
        return total / seen

    def loss(self, images: Tensor, labels: Tensor, partner: Tensor, share: float) -> tuple[Tensor, Tensor]:
        """The loss of a batch [B, 3, r, r], and the logits of the classifier.

        `share` is the weight of the labels; the partner's labels have the rest.
        """
        losses = self._run.losses
        layers = losses.saliency.student_layers if losses.saliency else ()
        with hugging_face.recording(self.model, layers) as own:
            output = self.model(images)
        logits, distilled = output if isinstance(self.model, Distilled) else (output, None)
        criterion = nn.CrossEntropyLoss(label_smoothing=losses.ce.label_smoothing)
        loss = losses.ce.weight * (
            share * criterion(logits, labels) + (1 - share) * criterion(logits, partner)
            if self._run.mixing
            else criterion(logits, labels)
        )
        if losses.kd:
            teacher_layers = losses.saliency.teacher_layers if losses.saliency else ()
            with torch.no_grad(), hugging_face.recording(self.teacher, teacher_layers) as other:
                target = self.teacher(images)
            heat = losses.kd.temperature
            divergence = functional.kl_div(
                functional.log_softmax(distilled / heat, dim=-1),
                functional.softmax(target / heat, dim=-1),
                reduction="batchmean",
            )
            loss = loss + losses.kd.weight * heat**2 * divergence
            if losses.saliency:
                loss = loss + losses.saliency.weight * self._saliency(own, other)
        return loss, logits

    def _saliency(self, own: hugging_face.Recorded, other: hugging_face.Recorded) -> Tensor:
        settings = self._run.losses.saliency
        prefixes = self.model.prefix_tokens, self.teacher.prefix_tokens
        layers = settings.student_layers, settings.teacher_layers
        if settings.kind == "cls-attention":
            pairs = [
                [record.attention[index] for index in listed]
                for record, listed in zip((own, other), layers, strict=True)
            ]
            return notebook_saliency.attention_term(pairs[0], prefixes[0], pairs[1], prefixes[1])
        pairs = [
            [record.tokens[index][:, prefix:] for index in listed]
            for record, listed, prefix in zip((own, other), layers, prefixes, strict=True)
        ]
        return notebook_saliency.class_map_term(
            pairs[0], self.model.classifier, pairs[1], self.teacher.classifier
        )


def attention_of(run: Run) -> str:
    """The attention implementation of student and teacher: eager if the maps need its probabilities."""
    saliency = run.losses.saliency
    return "eager" if saliency and saliency.kind == "cls-attention" else "sdpa"


def _optimizer(run: Run, model: nn.Module) -> torch.optim.AdamW:
    settings, named = run.optimizer, list(model.named_parameters())
    exempt = [p for name, p in named if settings.decay == "biases-only" and name.endswith("bias")]
    decayed = [p for name, p in named if not (settings.decay == "biases-only" and name.endswith("bias"))]
    groups = [
        {"params": decayed, "weight_decay": settings.weight_decay},
        {"params": exempt, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=settings.lr)


def _schedule(run: Run, optimizer: torch.optim.Optimizer) -> OneCycleLR | None:
    if run.one_cycle is None:
        return None
    cycle = run.one_cycle
    return OneCycleLR(
        optimizer,
        run.optimizer.lr,
        total_steps=SCHEDULED,
        pct_start=cycle.rising,
        div_factor=cycle.initial_divisor,
        final_div_factor=cycle.final_divisor,
    )


def _mixed(
    images: Tensor, labels: Tensor, mixing: Mixing, rng: np.random.Generator
) -> tuple[Tensor, Tensor, float]:
    """A batch mixed with itself in another order: images, partners' labels, weight of own labels."""
    order = torch.randperm(len(images), device=images.device)
    if rng.random() >= mixing.cutmix_share:
        share = rng.beta(mixing.mixup_alpha, mixing.mixup_alpha)
        return share * images + (1 - share) * images[order], labels[order], share
    share, side = rng.beta(mixing.cutmix_alpha, mixing.cutmix_alpha), images.shape[-1]
    half = int(side * np.sqrt(1 - share)) // 2
    (top, bottom), (left, right) = (
        (max(0, centre - half), min(side, centre + half)) for centre in rng.integers(side, size=2)
    )
    images[:, :, top:bottom, left:right] = images[order, :, top:bottom, left:right]
    return images, labels[order], 1 - (bottom - top) * (right - left) / side**2
