"""Modules chosen by a name in the configuration, imported only when a run uses them.

The code digest of a run follows module-level imports. Loading by name at the place of use keeps
the code of unused components out of a run's digest.
"""

import importlib
import pkgutil
from difflib import get_close_matches
from types import ModuleType

from distillation.core.errors import UserError


def load(package: str, name: str) -> ModuleType:
    """Import the module `distillation.<package>.<name>`; hyphens in `name` become underscores.

    Errors inside an existing module pass through unchanged.

    Raises:
        UserError: the package has no such module; the message lists those it has.
    """
    folder = importlib.import_module(f"distillation.{package}")
    known = sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(folder.__path__))
    wanted = name.replace("_", "-")
    if wanted not in known:
        near = get_close_matches(wanted, known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UserError(
            f"There is no {name!r} in distillation.{package}.{hint} Available: {', '.join(known)}."
        )
    return importlib.import_module(f"distillation.{package}.{name.replace('-', '_')}")
