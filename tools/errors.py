"""The one error that is shown to a user without a traceback."""


class UserError(RuntimeError):
    """Something the user can act on. The text says what happened and what to do about it."""
