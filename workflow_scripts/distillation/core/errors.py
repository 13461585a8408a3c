"""Errors that a user can mend, apart from those that only a developer can."""


class UserError(Exception):
    """An error a user can mend; its text is a full sentence that says how."""


class InputError(UserError, ValueError):
    """A value or file handed in is not what it has to be."""


class SourceError(UserError):
    """A dataset could not be obtained."""
