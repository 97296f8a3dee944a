"""Connectors: no secret is in a configuration, and no record is dropped silently.

A connector is recognised by its configuration: a dynamic resource whose `config` has a
`connector.class`. No message shows a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from policies.finding import Finding, judge
from policies.resource import Properties, Resource
from policies.settings import Schemas, Settings

SETTINGS: Schemas = {
    "tolerantSources": {
        "type": "array",
        "items": {"type": "string"},
        "default": [],
        "description": "names of source connectors that may drop rows they can't convert",
    },
    "strictSinks": {
        "type": "array",
        "items": {"type": "string"},
        "default": [],
        "description": "names of sink connectors that stop at a record they can't convert",
    },
}

DYNAMIC = "pulumi-python:dynamic"
SECRET_KEY = re.compile(
    r"password|passwd|secret|user\.info|token|api[._-]?key|access[._-]?key|private[._-]?key|jaas",
    re.I,
)
# A value that Connect reads from a configuration provider, such as ${env:NAME}.
REFERENCE = re.compile(r"\$\{[a-z][a-z0-9-]*:[^}]+\}", re.I)
CREDENTIALS_IN_ADDRESS = re.compile(r"://[^/\s:@$]+:[^/\s@$]+@")
AWS_KEY_ID = re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b")
NOT_SECRET = ("", "true", "false", ":", "USER_INFO")


def safe_connectors(resource: Resource, settings: Settings) -> Iterator[Finding]:
    """Refuse literal secrets, sources that drop rows and sinks without a dead letter queue."""
    yield from judge(_connector, resource, settings)


def configuration(resource: Resource) -> Properties | None:
    """Return a connector's configuration; None for another resource."""
    is_dynamic = resource.type.startswith((DYNAMIC, "kafka-connect:"))
    config: Properties = resource.properties.get("config", {}) if is_dynamic else {}
    return config if "connector.class" in config else None


def _connector(resource: Resource, settings: Settings) -> Iterator[str | Finding]:
    config = configuration(resource)
    if config is None:
        return
    for key in config:
        yield from judge(_no_secret, key, config)
    name = resource.properties.get("name", resource.name)
    if is_sink(config):
        if name not in settings["strictSinks"]:
            yield from judge(_dead_letters, config)
    elif name not in settings["tolerantSources"]:
        yield from judge(_no_tolerance, config)


def is_sink(config: Properties) -> bool:
    """Return whether a connector reads topics; only a sink's configuration names them."""
    return "topics" in config or "topics.regex" in config


def _no_secret(key: str, config: Properties) -> Iterator[str]:
    value = str(config[key])
    rest = REFERENCE.sub("", value)
    is_secret = SECRET_KEY.search(key) and rest not in NOT_SECRET and not _is_name(key)
    if is_secret or CREDENTIALS_IN_ADDRESS.search(value) or AWS_KEY_ID.search(value):
        yield (
            f"{key} must not be a literal secret: anyone who can read the connector can read it;"
            " put it into the worker's environment and use ${env:NAME}"
        )


def _is_name(key: str) -> bool:
    """Return whether a key that mentions a secret holds only a kind, a class or a number."""
    return key.endswith((".source", ".class", ".type", ".name", ".provider", ".ms", ".enable"))


def _no_tolerance(config: Properties) -> Iterator[str]:
    if config.get("errors.tolerance", "none") == "all":
        yield (
            "errors.tolerance is all on a source, which has no dead letter queue: a row that can't"
            " be converted is lost; set it to none"
        )
    if any(key.startswith("errors.deadletterqueue.") for key in config):
        yield "Connect ignores errors.deadletterqueue.* on a source; remove it"


def _dead_letters(config: Properties) -> Iterator[str]:
    if not config.get("errors.deadletterqueue.topic.name"):
        yield (
            "the sink has no dead letter queue: one bad record stops it or is lost; set"
            " errors.deadletterqueue.topic.name and errors.tolerance=all"
        )
    elif config.get("errors.tolerance", "none") != "all":
        yield "the dead letter queue is unused unless errors.tolerance is all; set it to all"
