"""A stack file as a review previews it: without the key that decrypts its secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import yaml

# Keys of a stack file that encrypt the deployed stack's secrets; not needed here.
STATE_OF_ENCRYPTION = ("encryptionsalt", "encryptedkey", "secretsprovider")
# What every encrypted value is in a review. The program does not ask a database with this password
# (components/config/existing_source.py).
PLACEHOLDER = "[encrypted]"


def without_secrets(text: str) -> tuple[str, list[str]]:
    """Return a stack file without its encrypted values, and the paths of these."""
    document = yaml.safe_load(text)
    kept = {key: value for key, value in document.items() if key not in STATE_OF_ENCRYPTION}
    config = kept.get("config") or {}
    paths = [path for key, value in config.items() for path in _encrypted(key, value)]
    kept["config"] = _without_encrypted(config)
    return yaml.safe_dump(kept, sort_keys=False), paths


def _is_encrypted(value: Any) -> bool:
    return isinstance(value, dict) and list(value) == ["secure"]


def _encrypted(path: str, value: Any) -> Iterator[str]:
    """Yield the paths of encrypted values in a value."""
    if _is_encrypted(value):
        yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _encrypted(f"{path}[{json.dumps(str(key))}]", inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _encrypted(f"{path}[{index}]", inner)


def _without_encrypted(value: Any) -> Any:
    """Return a value with PLACEHOLDER as the items of lists, whose places the paths name."""
    if isinstance(value, dict):
        return {
            key: _without_encrypted(inner)
            for key, inner in value.items()
            if not _is_encrypted(inner)
        }
    if isinstance(value, list):
        return [PLACEHOLDER if _is_encrypted(each) else _without_encrypted(each) for each in value]
    return value
