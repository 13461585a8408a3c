"""How the terms of the loss are weighted, and what they ask of the networks."""

import pytest
import torch
from distillation.core import components
from distillation.networks.batch import Batch
from distillation.networks.losses import ce, kd
from distillation.networks.losses import saliency as matching
from distillation.networks.objective import Objective
from distillation.study.spec import CrossEntropy, Distillation, Losses, Saliency
from tiny_runs import MODEL, STUDENT, start_of
from tiny_runs import run as tiny

CE, KD = CrossEntropy(1.0), Distillation(0.5, 4.0)
SALIENCY = Saliency(0.8, "gradient", (0, 2), (1, 2), "sum")
LABELS = torch.tensor([1, 2, 3, 4])


def batch():
    images = torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    student = start_of(tiny(model=STUDENT)).eval()(images, ["entering.0", "entering.2"])
    teacher = start_of(tiny(model=MODEL, seed=1)).eval()(images, ["entering.1", "entering.2"])
    return Batch(student, LABELS, teacher)


def test_the_loss_is_the_weighted_sum_of_its_terms():
    total, terms = Objective(Losses(CE, KD, SALIENCY))(batch())
    expected = {
        "ce": ce.term(CE, batch()),
        "kd": kd.term(KD, batch()),
        "saliency": matching.term(SALIENCY, batch()),
    }
    assert terms == expected
    weighted = 1.0 * expected["ce"] + 0.5 * 4.0**2 * expected["kd"] + 0.8 * expected["saliency"]
    torch.testing.assert_close(total, weighted, rtol=1e-6, atol=0)
    assert all(value > 1e-4 for value in terms.values())


@pytest.mark.parametrize("weight", [0.0, 0.25, 2.0])
def test_each_weight_scales_its_own_term_alone(weight):
    shown = batch()
    plain, terms = Objective(Losses(CE, KD))(shown)
    scaled, same = Objective(Losses(CE, Distillation(weight, 4.0)))(shown)
    assert same == terms
    torch.testing.assert_close(scaled - plain, (weight - 0.5) * 16 * terms["kd"], rtol=0, atol=1e-6)


def test_terms_that_are_not_named_are_not_computed():
    assert set(Objective(Losses(CE))(batch())[1]) == {"ce"}
    assert set(Objective(Losses(CE, KD))(batch())[1]) == {"ce", "kd"}
    assert set(Objective(Losses(CE, saliency=SALIENCY))(batch())[1]) == {"ce", "saliency"}


def test_a_saliency_term_announces_its_features_and_its_second_derivative():
    objective = Objective(Losses(CE, KD, SALIENCY))
    assert objective.student_features == {"entering.0", "entering.2"}
    assert objective.teacher_features == {"entering.1", "entering.2"}
    assert objective.second_order is True


@pytest.mark.parametrize("losses", [Losses(CE), Losses(CE, KD)], ids=["ce", "kd"])
def test_without_a_saliency_term_nothing_is_captured_and_attention_may_be_fused(losses):
    objective = Objective(losses)
    assert objective.student_features == objective.teacher_features == frozenset()
    assert objective.second_order is False


def test_the_second_derivative_is_the_kinds_own_word(monkeypatch):
    monkeypatch.setattr(components.load("networks.saliency", "gradient"), "SECOND_ORDER", False)
    assert Objective(Losses(CE, KD, SALIENCY)).second_order is False


@pytest.mark.parametrize(
    ("losses", "loaded"),
    [
        (Losses(CE), {"losses.ce"}),
        (Losses(CE, KD), {"losses.ce", "losses.kd"}),
        (Losses(CE, KD, SALIENCY), {"losses.ce", "losses.kd", "losses.saliency", "saliency.gradient"}),
    ],
    ids=["ce", "kd", "saliency"],
)
def test_only_the_code_of_the_terms_that_are_named_is_loaded(monkeypatch, losses, loaded):
    asked, load = set(), components.load

    def recording(package, name):
        asked.add(f"{package}.{name}")
        return load(package, name)

    monkeypatch.setattr(components, "load", recording)
    Objective(losses)(batch())
    asked.discard("networks.families.vit")
    assert asked == {f"networks.{name}" for name in loaded}
