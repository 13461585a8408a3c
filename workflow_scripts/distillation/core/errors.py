"""Errors that a user can fix, as opposed to those that only a developer can fix."""


class UserError(Exception):
    """An error that a user can fix; its text is a full sentence that says how."""


class InputError(UserError, ValueError):
    """A given value or file is invalid."""


class SourceError(UserError):
    """A dataset could not be obtained."""
