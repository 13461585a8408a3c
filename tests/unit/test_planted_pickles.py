"""A pickle can run any code when it is read: planted where the project reads files, it runs none."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import record_files
import tiny_runs
import torch
from distillation.core import checksums, records
from distillation.core.errors import UserError
from distillation.data import cifar, datasets
from distillation.data.formats.cifar10 import FORMAT
from distillation.evaluation import answers, saliency_agreement, trained
from distillation.evaluation.answers import AnswerFiles
from distillation.networks import models
from distillation.networks.families.timm import Settings as TimmModel
from distillation.networks.pretrained.deit import DeitWeights
from distillation.networks.pretrained.timm import TimmWeights
from distillation.study import spec
from distillation.training.checkpoint import Checkpoint, key_of
from safetensors import SafetensorError

KEY = key_of({"spec": "a"})
TIMM = "vit_tiny_patch16_224"


class Trap:
    """Leaves a file when it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def arrays_of_objects(trap, path):
    with path.open("wb") as file:
        np.savez(file, maps=np.array([trap], dtype=object))


# How a pickle is written, and how a reader that takes no care would read it.
FORMS = {
    "pickle": (
        lambda trap, path: path.write_bytes(pickle.dumps(trap)),
        lambda path: pickle.loads(path.read_bytes()),
    ),
    "torch": (torch.save, lambda path: torch.load(path, weights_only=False)),
    "older torch": (
        lambda trap, path: torch.save(trap, path, _use_new_zipfile_serialization=False),
        lambda path: torch.load(path, weights_only=False),
    ),
    "numpy": (arrays_of_objects, lambda path: np.load(path, allow_pickle=True)["maps"]),
}


def state(folder, plant):
    saved = Checkpoint(folder, KEY)
    saved.save({"epoch": 1})
    plant(folder / KEY[:16] / "state.pt")
    saved.load(tiny_runs.CPU)


def weights(folder, plant):
    path = plant(folder / "last.safetensors")
    own = {"last": {"sha256": checksums.sha256(path)}}
    record = record_files.alone(folder / "run.json", spec=spec.to_mapping(tiny_runs.run()), weights=own)
    trained.restore(path, record, tiny_runs.CPU)


def maps(folder, plant):
    path = plant(folder / "saliency.npz")
    record_files.beside(path)
    saliency_agreement.read(path)


def stored_answers(folder, plant):
    files = AnswerFiles(plant(folder / "answers.safetensors"), folder / "answers.json")
    data = tiny_runs.arrays()
    digests = {"sha256": checksums.sha256(files.answers), "data": data.sha256, "teacher": "t"}
    records.write(files.record, digests)
    answers.load(files, data, "t")


def pretrained_deit(folder, plant):
    path = plant(folder / "deit.pth")
    start = DeitWeights(kind="deit", sha256=checksums.sha256(path))
    models.load_pretrained(tiny_runs.start_of(tiny_runs.run()), start, path)


def pretrained_timm(folder, plant):
    network = TimmModel(family="timm", name=TIMM, image_size=224, classes=10)
    start = TimmWeights(kind="timm", name=f"{TIMM}.augreg_in21k_ft_in1k")
    path = plant(folder / "weights.bin")
    models.load_pretrained(models.build(network, torch.Generator()), start, path)


def prepared_data(folder, plant):
    path = plant(folder / "arrays.safetensors")
    described = {"arrays_sha256": checksums.sha256(path), "classes": ["a"]}
    (folder / "manifest.json").write_text(json.dumps(described), encoding="utf-8")
    datasets.load(path, folder / "manifest.json")


def data_batch(folder, plant):
    for name in FORMAT.files:
        plant(folder / name)
    datasets.prepare("cifar10", folder, folder / "arrays.safetensors", folder / "manifest.json")


def python_release(folder, plant):
    cifar.unpickled(plant(folder / "data_batch_1"))


READERS = [
    state,
    weights,
    maps,
    stored_answers,
    pretrained_deit,
    pretrained_timm,
    prepared_data,
    data_batch,
    python_release,
]


@pytest.mark.parametrize("form", FORMS)
def test_each_of_the_planted_pickles_would_run_if_it_were_read_without_care(tmp_path, form):
    write, read = FORMS[form]
    write(Trap(tmp_path / "mark"), tmp_path / "planted")
    assert not (tmp_path / "mark").exists()
    read(tmp_path / "planted")
    assert (tmp_path / "mark").exists()


@pytest.mark.filterwarnings("ignore:Detected pickle protocol:UserWarning")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_a_pickle_planted_in_place_of_a_file_is_refused_and_runs_nothing(tmp_path, reader, form):
    mark, planted = tmp_path / "mark", []

    def plant(path):
        FORMS[form][0](Trap(mark), path)
        planted.append(path)
        return path

    # Weights and arrays of which even the record is a forger's are refused by safetensors itself.
    with pytest.raises((UserError, SafetensorError)) as refused:
        reader(tmp_path, plant)
    # Torch's own words would have the file read without care.
    assert "weights_only" not in str(refused.value)
    assert planted
    assert not mark.exists()
