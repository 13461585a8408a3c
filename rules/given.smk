# Helper functions: the files that people give, such as published numbers: faults and content; no rules.
import functools
import hashlib

from snakemake.io import is_flagged

from distillation.core.checksums import sha256
from distillation.study.problems import named_files


@functools.cache
def faults(study):
    """What is wrong with the files that a study names, by name of the file."""
    return named_files.faults(STUDIES[study].config, folder_of(study))


def named(study, names):
    """Files that a study names; a fault in one of them stops the plan, with those of all others."""
    if faults(study).keys() & set(names):
        raise WorkflowError("\n".join(faults(study).values()))
    return [ancient(os.path.normpath(folder_of(study) / name)) for name in names]


def together(paths):
    """SHA-256 of the names and contents of files."""
    lines = [f"{sha256(Path(path))}  {path}\n" for path in paths]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def content(inputs):
    """A function: SHA-256 of those of some inputs that no rule makes, which are `ancient`.

    Their content decides, not their dates: a file can be replaced with an older one.
    """

    def digest(wildcards):
        paths = [path for function in inputs.values() for path in function(wildcards)]
        return together(path for path in paths if is_flagged(path, "ancient"))

    return digest
