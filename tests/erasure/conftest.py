"""The stand-in for AWS of the clients' tests."""

from tests.clients.conftest import endpoint

__all__ = ["endpoint"]
