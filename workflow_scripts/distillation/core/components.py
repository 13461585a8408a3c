"""Parts of the library that a configuration chooses by name, such as families of networks and loss terms.

A component is one module, or a folder of two files that owns everything about it: `__init__.py` with its
settings and what it needs, which planning reads, and `compute.py` with its computation, which may import
torch. The computation is imported only when a run uses it: the code digest of a run follows import
statements, so code that is loaded by name counts only for the runs that name it.
"""

import importlib
import importlib.util
import pkgutil
from collections.abc import Mapping
from difflib import get_close_matches
from types import ModuleType

from distillation.core.errors import UserError

_LIBRARY = "distillation"


def names(package: str) -> list[str]:
    """Names of the components in a package, sorted, with hyphens."""
    folder = importlib.import_module(f"{_LIBRARY}.{package}")
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(folder.__path__))


def declarations(package: str) -> Mapping[str, ModuleType]:
    """The settings of every component of a package, by name; free of torch."""
    return {name: importlib.import_module(module_of(package, name)) for name in names(package)}


def described(package: str) -> str:
    """The components of a package, each with the first sentence about it, for the reference of all keys."""
    told = {
        name: module.__doc__.partition("\n")[0].rstrip(".") for name, module in declarations(package).items()
    }
    listed = "; ".join(f"{name}: {text}" for name, text in told.items())
    return f"Component of {package.replace('.', '/')}. {listed}."


def module_of(package: str, name: str) -> str:
    """Dotted name of a component's module or folder."""
    return f"{_LIBRARY}.{package}.{name.replace('-', '_')}"


def load(package: str, name: str) -> ModuleType:
    """Import the computation of a component.

    Errors inside an existing module pass through unchanged.

    Raises:
        UserError: the package has no such component; the message lists those it has.
    """
    known = names(package)
    wanted = name.replace("_", "-")
    if wanted not in known:
        near = get_close_matches(wanted, known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UserError(
            f"There is no {name!r} in distillation.{package}.{hint} Available: {', '.join(known)}."
        )
    module = module_of(package, name)
    folder = importlib.util.find_spec(module).submodule_search_locations
    return importlib.import_module(f"{module}.compute" if folder else module)
