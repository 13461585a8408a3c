"""Whatever happens to the files of a finished run, they say the same, or are refused in a sentence."""

import contextlib

import numpy as np
import pytest
import tiny_runs
import torch
from distillation.core import finished_runs
from distillation.core.errors import UserError
from distillation.evaluation import saliency_agreement, trained
from distillation.evaluation.evaluate import evaluate
from distillation.statistics import evaluations
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.faults

RUN, CPU = "runs/described/tiny/seed-{}", torch.device("cpu")
EVALUATION = "evaluation/described/tiny/seed-{}.json"


def weights(path):
    model, run = trained.restore(path, path.parent / "run.json", CPU)
    return run, [value.numpy() for value in model.state_dict().values()]


# What reads each file of a run, wherever it is read.
READERS = {
    f"{RUN}/run.json": finished_runs.record,
    f"{RUN}/history.csv": finished_runs.history,
    f"{RUN}/last.safetensors": weights,
    f"{RUN}/best.safetensors": weights,
    f"{RUN}/saliency.npz": saliency_agreement.read,
    EVALUATION: lambda path: evaluations.read(path).content,
}
FILES = st.sampled_from(list(READERS))
DAMAGES = st.one_of(
    st.tuples(
        st.just("flip"), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 7)), min_size=1, max_size=3)
    ),
    st.tuples(st.just("truncate"), st.floats(0, 1)),
    st.tuples(st.just("blank"), st.tuples(st.floats(0, 1), st.integers(1, 5000))),
    st.tuples(st.just("append"), st.binary(min_size=1, max_size=20)),
    st.tuples(st.just("become"), FILES),
    st.tuples(st.just("delete"), st.none()),
)


def damaged(content, damage, files):
    """The bytes of a file after some damage; None if it is gone."""
    kind, value = damage
    changed = bytearray(content)
    match kind:
        case "flip":
            for place, bit in value:
                changed[int(place * (len(content) - 1))] ^= 1 << bit
        case "truncate":
            del changed[int(value * len(content)) :]
        case "blank":
            start = int(value[0] * len(content))
            changed[start : start + value[1]] = bytes(len(changed[start : start + value[1]]))
        case "append":
            changed += value
        case "become":
            changed = bytearray(files[value])
        case "delete":
            return None
    return bytes(changed)


@pytest.fixture(scope="module")
def results(tmp_path_factory, teacher):
    """A folder of two finished and tested runs of the same settings but their seed."""
    folder, guide = tmp_path_factory.mktemp("results"), tiny_runs.teacher_files(teacher)
    for seed in (0, 1):
        own = folder / RUN.format(seed)
        run = tiny_runs.student_run(seed=seed)
        tiny_runs.train(run, own, guide, seed=str(seed))
        tested = {name: own / f"{name}.safetensors" for name in ("last", "best")}
        output = folder / EVALUATION.format(seed)
        output.parent.mkdir(parents=True, exist_ok=True)
        evaluate(tested, own / "run.json", guide, "best", (16,), tiny_runs.arrays(), output, CPU)
    return folder


@pytest.fixture(scope="module")
def first(results):
    return Tried(results)


class Tried:
    """The files of the first run, and what each reader says of them before anything happens to them."""

    def __init__(self, folder):
        self.folder = folder
        self.contents = {name: self.path(name).read_bytes() for name in READERS}
        self.others = {name: self.path(name, seed=1).read_bytes() for name in READERS}
        self.told = {name: read(self.path(name)) for name, read in READERS.items()}
        for name, read in READERS.items():
            assert not same(self.told[name], read(self.path(name, seed=1))), "the seeds do not differ"

    def path(self, name, seed=0):
        return self.folder / name.format(seed)

    @contextlib.contextmanager
    def damaged(self, changed):
        """Other bytes in some files, or None for no file, for a while."""
        try:
            for name, content in changed.items():
                self.path(name).unlink() if content is None else self.path(name).write_bytes(content)
            yield
        finally:
            for name in changed:
                self.path(name).write_bytes(self.contents[name])

    def assert_refused_or_unchanged(self):
        """Read every file."""
        for name, read in READERS.items():
            try:
                found = read(self.path(name))
            except UserError as error:
                assert str(self.folder) in str(error)
                assert "; " in str(error), "no advice"
            else:
                assert same(found, self.told[name]), name


def same(found, expected):
    """Whether what was read is the same; keys that are not asked for may have come."""
    if isinstance(expected, dict):
        return expected.keys() <= found.keys() and all(same(found[key], expected[key]) for key in expected)
    if isinstance(expected, list | tuple) and isinstance(found, list | tuple):
        return len(found) == len(expected) and all(map(same, found, expected))
    if isinstance(expected, np.ndarray):
        return np.array_equal(found, expected)
    return found == expected


@given(FILES, DAMAGES)
def test_a_damaged_file_is_refused_or_says_what_it_said(first, name, damage):
    with first.damaged({name: damaged(first.contents[name], damage, first.contents)}):
        first.assert_refused_or_unchanged()


@given(st.sets(FILES, min_size=1))
def test_files_that_are_exchanged_with_those_of_another_seed_are_refused(first, names):
    with first.damaged({name: first.others[name] for name in names}):
        first.assert_refused_or_unchanged()


@given(FILES.filter(lambda name: name != EVALUATION), DAMAGES)
def test_damage_to_a_stored_result_is_noticed(first, name, damage):
    stored = {name.rpartition("/")[2].partition(".")[0]: first.path(name) for name in READERS}
    paths = {"record": stored.pop("run")} | {key: path for key, path in stored.items() if "seed" not in key}
    with first.damaged({name: damaged(first.contents[name], damage, first.contents)}):
        noticed = finished_runs.damage(paths)
        assert noticed or same(READERS[name](first.path(name)), first.told[name])
