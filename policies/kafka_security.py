"""Kafka's security: what is encrypted is so everywhere, and only known clients do what they may."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from policies.finding import Finding, judge
from policies.kafka import BROKER_MARKS, WORKER_MARK, parse_properties
from policies.resource import Properties, Resource
from policies.settings import Schemas, Settings

SETTINGS: Schemas = {
    "required": {
        "type": "boolean",
        "default": False,
        "description": "whether connections to brokers and Schema Registry must be encrypted; if"
        " not, a file with TLS for some of them is refused all the same",
    },
}

ENCRYPTED = ("SSL", "SASL_SSL")
# A setting that only Schema Registry's file has.
REGISTRY_MARK = "kafkastore.topic"
# Whose clients' settings begin so: the worker's own, and those of its connectors.
WORKER_CLIENTS = ("", "producer.", "consumer.", "admin.")
SET_TLS = "set datapipe:kafka.security to tls"


def secure_connections(resource: Resource, settings: Settings) -> Iterator[Finding]:
    """Refuse listeners and clients in plaintext where TLS is required or used elsewhere."""
    required = bool(settings["required"])
    if resource.is_kind("ConfigMap"):
        for name in resource.properties.get("data", {}):
            yield from judge(_file, name, resource.properties["data"], required)
    elif required:
        yield from judge(_registry_of_connector, resource)


def _file(name: str, files: Properties, required: bool) -> Iterator[str]:
    if not name.endswith(".properties"):
        return
    given = parse_properties(files[name])
    found: Iterator[str] = iter(())
    if any(mark in given for mark in BROKER_MARKS) and "listeners" in given:
        found = _broker(given, required)
    elif WORKER_MARK in given:
        found = _clients(given, WORKER_CLIENTS, required)
    elif REGISTRY_MARK in given:
        found = _registry(given, required)
    yield from (f"{name}: {wrong}" for wrong in found)


def _broker(given: Mapping[str, str], required: bool) -> Iterator[str]:
    stated = given.get("listener.security.protocol.map", "")
    protocols = dict(pair.split(":") for pair in stated.split(",") if pair)
    names = [listener.partition("://")[0] for listener in given["listeners"].split(",")]
    used = {name: protocols.get(name, name) for name in names}
    if not required and not any(protocol in ENCRYPTED for protocol in used.values()):
        return
    for name, protocol in used.items():
        if protocol not in ENCRYPTED:
            yield f"listener {name} is {protocol}; {SET_TLS}"
    if "SSL" in used.values() and given.get("ssl.client.auth") != "required":
        yield (
            "ssl.client.auth is not required: a client without a certificate is let in; set it to"
            " required"
        )
    if not given.get("authorizer.class.name"):
        yield "authorizer.class.name is not set: every client may do everything; set an authorizer"
    if given.get("allow.everyone.if.no.acl.found", "false") != "false":
        yield (
            "allow.everyone.if.no.acl.found is not false: a topic without ACLs is open to every"
            " client; set it to false"
        )


def _clients(given: Mapping[str, str], prefixes: tuple[str, ...], required: bool) -> Iterator[str]:
    used = {
        f"{prefix}security.protocol": given.get(f"{prefix}security.protocol", "PLAINTEXT")
        for prefix in prefixes
    }
    if not required and not any(protocol in ENCRYPTED for protocol in used.values()):
        return
    for key, protocol in used.items():
        if protocol not in ENCRYPTED:
            yield f"{key} is {protocol}; {SET_TLS}"
    for prefix in prefixes:
        key = f"{prefix}ssl.endpoint.identification.algorithm"
        if key in given and not given[key]:
            yield f"{key} is empty: the broker's name is not verified; remove the line"


def _registry(given: Mapping[str, str], required: bool) -> Iterator[str]:
    yield from _clients(given, ("kafkastore.",), required)
    listeners = given.get("listeners", "http://0.0.0.0:8081").split(",")
    if not required and not any(listener.startswith("https://") for listener in listeners):
        return
    for listener in listeners:
        if not listener.startswith("https://"):
            yield f"listener {listener} is not HTTPS; {SET_TLS}"


def _registry_of_connector(resource: Resource) -> Iterator[str]:
    config: Properties = resource.properties.get("config", {})
    if "connector.class" not in config:
        return
    for key in config:
        if key.endswith(".schema.registry.url") and not config[key].startswith("https://"):
            yield f"{key} is not HTTPS; {SET_TLS}"
