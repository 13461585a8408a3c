"""Compare two folders of results, each of a study or of several.

    python workflow_scripts/compare.py A B [--page OUT.md]

Exit status: 0 if nothing differs, 1 if something does, 2 if a folder or a file cannot be read or written.
Device, torch and times are no difference.
"""

import argparse
import sys
from pathlib import Path

from distillation.core.errors import UserError
from distillation.pages.documents import publish
from distillation.results import comparison


def main() -> int:
    """Print what differs, write the page if one is asked for, and return the exit status."""
    parser = argparse.ArgumentParser(description="Compare two folders of results, run by run.")
    parser.add_argument("a", metavar="A", type=Path, help="results of a study, or of several")
    parser.add_argument("b", metavar="B", type=Path, help="the other ones")
    parser.add_argument("--page", metavar="OUT", type=Path, help="a page of markdown to write, with tables")
    asked = parser.parse_args()
    try:
        rows = comparison.compare(asked.a, asked.b)
        if asked.page:
            publish(comparison.document(rows, asked.a, asked.b), rows, {"md": asked.page})
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{asked.page}: this page cannot be written ({error.strerror}); name another.", file=sys.stderr)
        return 2
    print(comparison.summary(rows))
    return int((comparison.differing(rows)["kind"] != "machine").any())


if __name__ == "__main__":
    sys.exit(main())
