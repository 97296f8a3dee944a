"""The package's functions: who am I, where am I, and a policy document from its parts."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import Any, Final

from provider_plugins.aws.account import Account
from provider_plugins.wire import Properties


def _caller_identity(account: Account, arguments: Properties) -> Properties:
    identity = account.call("sts", "get_caller_identity")
    return {
        "id": identity["Account"],
        "accountId": identity["Account"],
        "arn": identity["Arn"],
        "userId": identity["UserId"],
    }


def _region(account: Account, arguments: Properties) -> Properties:
    region = arguments.get("region") or arguments.get("name") or account.region
    endpoint = f"ec2.{region}.amazonaws.com"
    return {
        "id": region,
        "name": region,
        "region": region,
        "description": region,
        "endpoint": endpoint,
    }


def _partition(account: Account, arguments: Properties) -> Properties:
    return {
        "id": "aws",
        "partition": "aws",
        "dnsSuffix": "amazonaws.com",
        "reverseDnsPrefix": "com.amazonaws",
    }


ELEMENTS: Final = {
    "actions": "Action",
    "notActions": "NotAction",
    "resources": "Resource",
    "notResources": "NotResource",
}
PRINCIPALS: Final = {"principals": "Principal", "notPrincipals": "NotPrincipal"}


def policy_document(account: Account, arguments: Properties) -> Properties:
    """Return a policy as text, in the form that the official plugin writes it."""
    document = {
        "Version": arguments.get("version", "2012-10-17"),
        **({"Id": arguments["policyId"]} if arguments.get("policyId") else {}),
        "Statement": [_statement(one) for one in arguments.get("statements") or []],
    }
    text = json.dumps(document, indent=2)
    return {
        **arguments,
        "id": str(zlib.crc32(text.encode())),
        "json": text,
        "minifiedJson": json.dumps(document, separators=(",", ":")),
    }


def _statement(parts: Properties) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": parts["sid"]} if parts.get("sid") else {}
    statement["Effect"] = parts.get("effect", "Allow")
    for key, element in ELEMENTS.items():
        if parts.get(key):
            statement[element] = _one_or_all(sorted(parts[key]))
    for key, element in PRINCIPALS.items():
        if parts.get(key):
            statement[element] = _principals(parts[key])
    for condition in parts.get("conditions") or []:
        tests = statement.setdefault("Condition", {}).setdefault(condition["test"], {})
        tests[condition["variable"]] = _one_or_all(condition["values"])
    return statement


def _principals(principals: list[Properties]) -> Any:
    if any(one["type"] == "*" for one in principals):
        return "*"
    return {one["type"]: _one_or_all(one["identifiers"]) for one in principals}


def _one_or_all(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values


FUNCTIONS: Final[dict[str, Callable[[Account, Properties], Properties]]] = {
    "aws:iam/getPolicyDocument:getPolicyDocument": policy_document,
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:index/getPartition:getPartition": _partition,
    "aws:index/getRegion:getRegion": _region,
}
