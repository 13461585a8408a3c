import pytest
from distillation.core import components
from distillation.core.errors import UserError


def test_a_component_is_the_module_of_that_name():
    module = components.load("training.records", "saliency")
    assert module.__name__ == "distillation.training.records.saliency"


def test_the_computation_of_a_component_with_settings_is_the_second_file_of_its_folder():
    module = components.load("networks.losses", "kd")
    assert module.__name__ == "distillation.networks.losses.kd.compute"


def test_settings_are_read_by_name_without_the_computation():
    declared = components.declarations("networks.losses")
    assert list(declared) == components.names("networks.losses") == sorted(declared)
    assert {"ce", "kd", "saliency"} <= set(declared)
    assert all(hasattr(module, "Settings") and not hasattr(module, "term") for module in declared.values())


def test_hyphens_in_a_name_stand_for_underscores():
    assert components.load("data.augmentations", "auto-augment") is components.load(
        "data.augmentations", "auto_augment"
    )


def test_a_misspelt_name_gets_a_suggestion_and_the_list_of_what_there_is():
    with pytest.raises(UserError) as error:
        components.load("data.augmentations", "auto-augmnt")
    text = str(error.value)
    assert text.startswith(
        "There is no 'auto-augmnt' in distillation.data.augmentations. Did you mean 'auto-augment'?"
    )
    assert "auto-augment, " in text.split("Available: ")[1]
    assert text.endswith("mixing, rand-augment, weak-auto-augment.")


def test_a_name_unlike_any_other_gets_no_suggestion():
    with pytest.raises(UserError) as error:
        components.load("data.augmentations", "zzz")
    assert "Did you mean" not in str(error.value)


def test_an_import_error_inside_a_component_passes_through(tmp_path, monkeypatch):
    (tmp_path / "broken.py").write_text("import a_module_that_does_not_exist\n")
    package = components.importlib.import_module("distillation.data.augmentations")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    with pytest.raises(ModuleNotFoundError, match="a_module_that_does_not_exist"):
        components.load("data.augmentations", "broken")
