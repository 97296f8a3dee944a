"""Existing databases for the tests: servers that the program does not manage."""

from components.source.certificate import issue

AUTHORITY = issue(["localhost", "127.0.0.1"], days=1)["ca_certificate"]
