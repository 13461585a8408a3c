"""Metrics against numpy, image by image."""

import numpy as np
import pytest
import torch
from distillation.evaluation import metrics

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(200, 5)) * 3
TEACHER = RNG.normal(size=(200, 5)) * 2
LABELS = RNG.integers(5, size=200)


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_the_calibration_error_is_the_weighted_gap_of_fifteen_bins():
    probabilities = softmax(LOGITS)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == LABELS
    expected = 0.0
    for number in range(15):
        inside = (confidence > number / 15) & (confidence <= (number + 1) / 15)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    found = metrics.calibration_error(torch.tensor(LOGITS), torch.tensor(LABELS))
    assert found == pytest.approx(expected, abs=1e-12)
    assert found > 0.1


def test_a_network_as_sure_as_it_is_right_has_no_calibration_error():
    logits = torch.log(torch.tensor([[0.75, 0.25]])).expand(4, 2)
    assert metrics.calibration_error(logits, torch.tensor([0, 0, 0, 1])) == pytest.approx(0.0, abs=1e-7)
    assert metrics.calibration_error(logits, torch.tensor([0, 1, 1, 1])) == pytest.approx(0.5, abs=1e-7)


def test_the_confusion_counts_answers_in_columns_of_true_classes_in_rows():
    expected = np.zeros((5, 5), dtype=int)
    for logits, label in zip(LOGITS, LABELS, strict=True):
        expected[label, logits.argmax()] += 1
    assert metrics.confusion(torch.tensor(LOGITS), torch.tensor(LABELS)) == expected.tolist()


def test_the_agreement_is_the_mean_divergence_from_the_teacher_and_the_number_of_equal_predictions():
    student, teacher = softmax(LOGITS), softmax(TEACHER)
    found = metrics.agreement(torch.tensor(LOGITS), torch.tensor(TEACHER))
    assert found["kl"] == pytest.approx((teacher * np.log(teacher / student)).sum(axis=1).mean())
    same = LOGITS.argmax(axis=1) == TEACHER.argmax(axis=1)
    assert found["equal_predictions"] == same.sum()
    assert metrics.agreement(torch.tensor(LOGITS), torch.tensor(LOGITS)) == {
        "kl": 0.0,
        "equal_predictions": len(LOGITS),
    }
