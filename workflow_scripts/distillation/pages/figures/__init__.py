"""Pictures of results, one module a kind of figure; equal inputs give equal files.

Each module has `draw`, which returns the figure; `style.save` writes it.
"""
