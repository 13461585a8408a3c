"""How good a trained network is on the test set."""

from pathlib import Path

import torch

from irkd import epochs, networks, provenance, views
from irkd.datasets import Arrays


def evaluate(
    weights: dict[str, Path], record: Path, selection: str, arrays: Arrays, output: Path, device: torch.device
) -> None:
    """Test both weight files of a run at full resolution and write the result as JSON.

    Accuracies are percentages. Both files are tested so that a protocol's choice costs no training;
    `selection` only says which of the two the protocol reports, and never looks at the result.

    Args:
        weights: by name, "last" and "best".
        record: run.json of the run.
        selection: "last" or "best".
        arrays: the data set.
        output: the JSON file.
        device: where to evaluate.

    Raises:
        UserError: when the weights are not those of the record.
    """
    labels = arrays.test_labels.to(device)
    tested = {}
    for name, path in weights.items():
        model, run = networks.restore(path, record, device)
        shown = views.plain_view(arrays.test_images.to(device), run.model.image_size, run.normalization)
        logits = epochs.answers(model, shown, "fp32")
        tested[name] = {
            "correct": (logits.argmax(dim=1) == labels).sum().item(),
            "nll": torch.nn.functional.cross_entropy(logits, labels).item(),
        }
    content = {
        "images": len(labels),
        "resolution": run.model.image_size,
        "selection": selection,
        "accuracy": 100.0 * tested[selection]["correct"] / len(labels),
        "weights": {
            name: values
            | {
                "accuracy": 100.0 * values["correct"] / len(labels),
                "sha256": provenance.sha256(weights[name]),
            }
            for name, values in tested.items()
        },
    }
    provenance.write_json(output, content)
