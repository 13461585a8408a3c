"""Data sets, and the augmented or scaled views of their images."""
