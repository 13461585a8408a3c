"""Figures of results, one module per kind of figure; equal inputs give equal files.

Each module has `draw`, which returns the figure; `style.save` writes it.
"""
