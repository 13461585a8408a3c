"""A training loop as users of timm write it: timm's networks, tasks, losses, mixing and optimizer factory."""

from contextlib import AbstractContextManager, nullcontext

import timm
import torch
from distillation.networks.families.vit import Model
from distillation.study.spec import Run
from timm.data import Mixup
from timm.loss import SoftTargetCrossEntropy
from timm.optim import create_optimizer_v2
from timm.task import ClassificationTask, TokenDistillationTask
from torch import Tensor, nn

from bench.loops import pictures


class TimmLoop:
    """Epochs of a run without saliency over images uint8 [N, 3, S, S] with labels [N].

    On a GPU: bf16 autocast, `torch.compile`, and one DataLoader worker fewer than cores.

    Attributes:
        task: timm's training task; called with images and labels, it returns the loss.
    """

    def __init__(
        self, run: Run, teacher: nn.Module | None, images: Tensor, labels: Tensor, device: torch.device
    ):
        self._run, self._device = run, device
        model = network(run.model).to(device)
        self._mixup, criterion = None, nn.CrossEntropyLoss(label_smoothing=run.losses.ce.label_smoothing)
        if run.mixing:
            self._mixup = Mixup(
                mixup_alpha=run.mixing.mixup_alpha,
                cutmix_alpha=run.mixing.cutmix_alpha,
                switch_prob=run.mixing.cutmix_share,
                label_smoothing=run.losses.ce.label_smoothing,
                num_classes=run.model.classes,
            )
            criterion = SoftTargetCrossEntropy()
        common = {"criterion": criterion, "device": device, "verbose": False}
        if run.losses.kd:
            self.task = TokenDistillationTask(
                model,
                teacher.to(device),
                distill_type="soft",
                temperature=run.losses.kd.temperature,
                task_loss_weight=run.losses.ce.weight,
                distill_loss_weight=run.losses.kd.weight,
                **common,
            )
        else:
            self.task = ClassificationTask(model, **common)
        self._optimizer = create_optimizer_v2(
            model, "adamw", lr=run.optimizer.lr, weight_decay=run.optimizer.weight_decay
        )
        self.task.train()
        if device.type == "cuda":
            self.task.compile()
        shown = pictures.Pictures(images, labels, pictures.chain(run, run.stages[0].resolution))
        workers = max(1, torch.get_num_threads() - 1)
        self._loader = pictures.loader(shown, run.batch_size, device, workers)

    def epoch(self) -> float:
        """Train one epoch and return the mean loss."""
        total = torch.zeros((), device=self._device)
        for images, labels in self._loader:
            images = images.to(self._device, non_blocking=True)
            labels = labels.to(self._device, non_blocking=True)
            if self._mixup:
                images, labels = self._mixup(images, labels)
            with self._autocast():
                loss = self.task(images, labels)["loss"]
            self._optimizer.zero_grad()
            loss.backward()
            self._optimizer.step()
            total += loss.detach()
        return total.item() / len(self._loader)

    def _autocast(self) -> AbstractContextManager:
        return torch.autocast("cuda", torch.bfloat16) if self._device.type == "cuda" else nullcontext()


def network(model: Model) -> nn.Module:
    """Timm's ViT of the same sizes, or its distilled DeiT for a student with a distillation head."""
    token = model.distillation_token
    has_head = token is not None and not token.without_head
    return timm.create_model(
        "deit_tiny_distilled_patch16_224" if has_head else "vit_tiny_patch16_224",
        img_size=model.image_size,
        patch_size=model.patch_size,
        embed_dim=model.width,
        depth=model.depth,
        num_heads=model.heads,
        mlp_ratio=model.mlp_width / model.width,
        num_classes=model.classes,
        pos_drop_rate=model.dropout,
        proj_drop_rate=model.dropout,
        attn_drop_rate=model.attention_dropout,
    )
