"""All kinds of published weights by name: settings of a resolved run, and as a configuration writes them."""

from collections.abc import Mapping
from functools import reduce
from operator import or_
from types import ModuleType
from typing import Annotated

from pydantic import Field, TypeAdapter

from distillation.core import components
from distillation.networks.pretrained import Pretrained, PublishedFile

PRETRAINED: Mapping[str, ModuleType] = components.declarations("networks.pretrained")

AnyPretrained = Annotated[
    reduce(or_, (kind.Settings for kind in PRETRAINED.values())), Field(discriminator="kind")
]
AnyPublishedFile = Annotated[
    reduce(or_, (kind.Entry for kind in PRETRAINED.values())), Field(discriminator="kind")
]
_PUBLISHED_FILE, _PRETRAINED = TypeAdapter(AnyPublishedFile), TypeAdapter(AnyPretrained)


def published_file(entry: Mapping) -> PublishedFile:
    """An entry of `weights` from its plain values."""
    return _PUBLISHED_FILE.validate_python(entry)


def pretrained(start: Mapping) -> Pretrained:
    """What a run keeps of published weights, from plain values."""
    return _PRETRAINED.validate_python(start)
