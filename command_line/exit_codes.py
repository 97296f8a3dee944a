"""The exit codes that every command's help ends with."""


def exit_codes(
    success: str, failure: str = "failed; the message says why", usage: str = "wrong usage"
) -> str:
    """Return the end of a command's help: what its exit codes mean."""
    return f"Exit codes: 0 {success}; 1 {failure}; 2 {usage}; 130 interrupted."
