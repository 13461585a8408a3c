"""All terms of the training loss by name: settings of a resolved run, and as a configuration writes them."""

from collections.abc import Mapping
from types import ModuleType

from pydantic import Field

from distillation.core import components
from distillation.core.settings import settings
from distillation.networks.losses import Term

# Terms are keys of a mapping, which have underscores.
TERMS: Mapping[str, ModuleType] = {
    name.replace("-", "_"): term for name, term in components.declarations("networks.losses").items()
}

# Columns of history.csv, by term.
COLUMNS: Mapping[str, str] = {name: term.Settings.column for name, term in TERMS.items()}


class _Named:
    @property
    def named(self) -> dict[str, Term]:
        """The terms that the run has, by name."""
        return {name: own for name, own in vars(self).items() if isinstance(own, Term)}

    @property
    def compares_untrained(self) -> bool:
        """Whether a term compares with a network like the teacher with random weights."""
        return any(term.untrained_features for term in self.named.values())


def _all_terms(name: str, text: str, forms: Mapping[str, object]) -> type[_Named]:
    fields = {
        term: Field(None, description=TERMS[term].Settings.__doc__.partition("\n")[0]) for term in forms
    }
    content = {"__doc__": text, "__module__": __name__, "__annotations__": dict(forms), **fields}
    return settings(type(name, (_Named,), content))


Losses = _all_terms(
    "Losses",
    "The terms of a training's loss; an absent term is not computed.",
    {name: term.Settings | None for name, term in TERMS.items()},
)
LossEntries = _all_terms(
    "LossEntries",
    "Terms of the loss; a method says which of them are used.",
    {name: getattr(term, "Entry", term.Settings) for name, term in TERMS.items()},
)
