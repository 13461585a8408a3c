"""All families of networks by name: settings of a resolved run, and as a configuration writes them."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import reduce
from operator import or_
from types import ModuleType
from typing import Annotated

from pydantic import Field

from distillation.core import components

FAMILIES: Mapping[str, ModuleType] = components.declarations("networks.families")


def _one_of(forms: Sequence[type]) -> object:
    """The union that the key `family` decides; of one form, that form."""
    return forms[0] if len(forms) == 1 else Annotated[reduce(or_, forms), Field(discriminator="family")]


AnyModel = _one_of([family.Settings for family in FAMILIES.values()])
AnyModelEntry = _one_of([family.Entry for family in FAMILIES.values()])

# What recipes say about networks of one family: the forms, and the names of their keys, by family.
RECIPE_FORMS: Mapping[str, type] = {
    name: family.RecipeKeys for name, family in FAMILIES.items() if hasattr(family, "RecipeKeys")
}
RECIPE_KEYS = {name: frozenset(field.name for field in fields(form)) for name, form in RECIPE_FORMS.items()}
ALL_RECIPE_KEYS = frozenset().union(*RECIPE_KEYS.values())
