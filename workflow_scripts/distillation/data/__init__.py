"""Data sets, and what networks are shown of their images."""
