"""A lock for tests that run at the same time in the sandbox's one AWS (moto)."""

from filelock import BaseFileLock, FileLock

from sandbox.paths import RUN


def exclusive_aws() -> BaseFileLock:
    """Return the lock of tests that change what AWS allows, and of those that this would fail."""
    return FileLock(RUN / "tests-aws.lock", timeout=600)
