"""The session's previews of the pipeline's stacks, for the tests in this folder."""

from tests.previews import previews

__all__ = ["previews"]
