"""Errors of a configuration that its typed form does not show."""
