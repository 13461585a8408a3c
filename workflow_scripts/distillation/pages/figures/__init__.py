"""Figures of results, one module per kind of figure; equal inputs give equal files.

Each kind has `draw`, which returns the figure and which `style.save` writes; kinds that one rule draws have
`CONTENTS`, the type of what they show.
"""

import os

# A notebook's backend, which its processes inherit, may not be installed here, and no backend is used.
os.environ.pop("MPLBACKEND", None)
