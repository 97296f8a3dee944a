"""Which of its services moto finds a request's in."""

from moto import backends


def remember() -> None:
    """List moto's services once: it lists its folder again for each request."""
    services = tuple(backends.list_of_moto_modules())
    # In the module, because moto's application calls it there.
    vars(backends)["list_of_moto_modules"] = lambda: services
