"""The one error that a user of the sandbox may see."""


class SandboxError(RuntimeError):
    """Something the user can act on. The text says what happened and what to do about it."""
