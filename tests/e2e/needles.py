"""Looks for secrets in what others may read, in every form that would give them away."""

import base64
import gzip
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

# Marks a secret in an exported state.
SIGNATURE = "4dabf18193072939515e22adb298388d"
GZIP_MAGIC = b"\x1f\x8b"
# The resources that create a secret, and the output with its value.
SECRET_OUTPUTS = {
    "pulumi-python:dynamic/datapipe:GeneratedPassword": ("value",),
    "pulumi-python:dynamic/datapipe:ServerCertificate": ("private_key",),
    "aws:iam/accessKey:AccessKey": ("secret",),
}


def secrets_of(state: Mapping[str, Any]) -> dict[str, str]:
    """Return the secrets of a state exported with --show-secrets, by resource and output."""
    found = {}
    for resource in state["deployment"]["resources"]:
        for output in SECRET_OUTPUTS.get(resource["type"], ()):
            name = resource["urn"].rpartition("::")[2]
            found[f"{name}.{output}"] = str(_plain(resource["outputs"][output]))
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping) and SIGNATURE in value:
        return json.loads(value["plaintext"])
    return value


class Needles:
    """Secrets, and all the forms in which they are looked for."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._forms = {name: frozenset(_forms(secret)) for name, secret in secrets.items()}

    def found_in(self, text: bytes) -> set[str]:
        """Return the names of the secrets that are in a text, which may be compressed."""
        if text.startswith(GZIP_MAGIC):
            text = gzip.decompress(text)
        return {name for name, forms in self._forms.items() if any(form in text for form in forms)}


def _forms(secret: str) -> Iterator[bytes]:
    for line in secret.splitlines():
        if len(line) >= 16 and not line.startswith("-----"):
            yield line.encode()
            yield quote(line, safe="").encode()
    yield from _base64(secret.encode())


def _base64(secret: bytes) -> Iterator[bytes]:
    """Yield the parts of a secret's base64 that are the same at any offset in a text."""
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + secret)
        first, end = -(-offset * 8 // 6), (offset + len(secret)) * 8 // 6
        yield encoded[first:end]
