"""What of an existing server's certificate will keep the worker from connecting."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from components.source.existing.problem import Problem
from components.source.existing.reach import Way

# Time to renew it before connections fail.
EXPIRES_SOON = timedelta(days=14)


def certificate_problems(way: Way) -> Iterator[Problem]:
    """Yield that the certificate expires soon, where it is verified."""
    if way.certificate is None or not way.source.ssl_mode.startswith("verify"):
        return
    end = way.certificate.not_valid_after_utc
    if end - datetime.now(UTC) < EXPIRES_SOON:
        yield Problem(
            f"the server's certificate expires on {end:%Y-%m-%d %H:%M} UTC, after which the worker"
            " can't connect any more",
            "renew it, and reload the server",
            "warning",
        )
