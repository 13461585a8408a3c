"""Figures of results, one module per kind of figure; equal inputs give equal files.

Each kind has `draw`, which returns the figure and which `style.save` writes; kinds that one rule draws have
`CONTENTS`, the type of what they show.
"""
