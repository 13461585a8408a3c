"""Run part of the study on a machine that has a GPU and torch, but no network; see docs/offline-node.md.

    python3 workflow_scripts/node.py --wheels FOLDER --data CIFAR-10 --pack OUT.tar.gz -- SNAKEMAKE-ARGUMENTS

Needs only Python with torch, torchvision and timm: everything else is in the folder of wheels.
"""

import sys
from pathlib import Path

from distillation.core.errors import UserError
from offline_node import packages

if __name__ == "__main__":
    try:
        packages.check_python()
    except UserError as error:
        sys.exit(str(error))
    # An older Python cannot parse this module.
    from offline_node import command

    sys.exit(command.main(sys.argv[1:], Path(__file__).resolve().parents[1]))
