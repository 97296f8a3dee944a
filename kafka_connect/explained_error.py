"""The base of errors that a user can act on."""


class ExplainedError(Exception):
    """An error whose message says what is wrong and what to do; it is shown without a traceback."""
