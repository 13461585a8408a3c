"""Families of networks that a run can train, loaded by name."""
