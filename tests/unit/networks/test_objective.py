"""How the terms of the loss are weighted, and what they ask of the networks."""

import pytest
import torch
from distillation.core import components
from distillation.core.settings import settings
from distillation.networks.batch import Batch
from distillation.networks.losses import Term
from distillation.networks.losses.ce import CrossEntropy
from distillation.networks.losses.ce import compute as ce
from distillation.networks.losses.kd import Distillation
from distillation.networks.losses.kd import compute as kd
from distillation.networks.losses.saliency import Saliency
from distillation.networks.losses.saliency import compute as matching
from distillation.networks.map_settings import KINDS
from distillation.networks.objective import Objective
from distillation.networks.terms import Losses
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
    total, terms = Objective(Losses(ce=CE, kd=KD, saliency=SALIENCY))(batch())
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
    plain, terms = Objective(Losses(ce=CE, kd=KD))(shown)
    scaled, same = Objective(Losses(ce=CE, kd=Distillation(weight, 4.0)))(shown)
    assert same == terms
    torch.testing.assert_close(scaled - plain, (weight - 0.5) * 16 * terms["kd"], rtol=0, atol=1e-6)


def test_terms_that_are_not_named_are_not_computed():
    assert set(Objective(Losses(ce=CE))(batch())[1]) == {"ce"}
    assert set(Objective(Losses(ce=CE, kd=KD))(batch())[1]) == {"ce", "kd"}
    assert set(Objective(Losses(ce=CE, saliency=SALIENCY))(batch())[1]) == {"ce", "saliency"}


def test_a_saliency_term_announces_its_features_and_its_second_derivative():
    objective = Objective(Losses(ce=CE, kd=KD, saliency=SALIENCY))
    assert objective.student_features == {"entering.0", "entering.2"}
    assert objective.teacher_features == {"entering.1", "entering.2"}
    assert objective.second_order is True


@pytest.mark.parametrize("losses", [Losses(ce=CE), Losses(ce=CE, kd=KD)], ids=["ce", "kd"])
def test_without_a_saliency_term_nothing_is_captured_and_attention_may_be_fused(losses):
    objective = Objective(losses)
    assert objective.student_features == objective.teacher_features == frozenset()
    assert objective.second_order is False


def test_the_second_derivative_is_the_kinds_own_word(monkeypatch):
    monkeypatch.setattr(KINDS["gradient"], "SECOND_ORDER", False)
    assert Objective(Losses(ce=CE, kd=KD, saliency=SALIENCY)).second_order is False


@pytest.mark.parametrize(
    ("losses", "loaded"),
    [
        (Losses(ce=CE), {"losses.ce"}),
        (Losses(ce=CE, kd=KD), {"losses.ce", "losses.kd"}),
        (
            Losses(ce=CE, kd=KD, saliency=SALIENCY),
            {"losses.ce", "losses.kd", "losses.saliency", "saliency.gradient"},
        ),
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


def test_a_term_without_its_line_in_the_page_of_switches_is_refused_before_anything_trains():
    @settings
    class Silent(Term):
        column = "silent"

    with pytest.raises(TypeError, match=r"abstract method .?switches"):
        Silent(1.0)
