"""Glue: the catalog's databases, in which Iceberg keeps its tables."""

from __future__ import annotations

from typing import Any, Final

from provider_plugins.aws.account import Account
from provider_plugins.aws.resource import AutoName, ResourceType
from provider_plugins.wire import Properties


class CatalogDatabase(ResourceType):
    """A database of the catalog; its id is ``<account>:<name>``, as in the official plugin."""

    tokens = ("aws:glue/catalogDatabase:CatalogDatabase",)
    inputs = frozenset(
        {"catalogId", "description", "locationUri", "name", "parameters", "region", "tags"}
    )
    force_new = ("catalogId", "name", "region")
    auto_name = AutoName("name", 255)
    unreadable = frozenset({"catalogId", "region"})

    def problems(self, inputs: Properties) -> list[tuple[str, str]]:
        """Glue folds names to lower case, so that another spelling would never be found again."""
        name = inputs.get("name")
        if isinstance(name, str) and name != name.lower():
            return [("name", f"'{name}': Glue keeps names in lower case")]
        return []

    def create(self, account: Account, inputs: Properties) -> tuple[str, Properties]:
        """Make the database."""
        catalog = inputs.get("catalogId") or _own_catalog(account)
        tags = {tag["Key"]: tag["Value"] for tag in account.tags(inputs.get("tags"))}
        account.call(
            "glue",
            "create_database",
            CatalogId=catalog,
            DatabaseInput=_database_input(inputs["name"], inputs),
            **({"Tags": tags} if tags else {}),
        )
        return f"{catalog}:{inputs['name']}", {}

    def read(self, account: Account, resource_id: str, state: Properties) -> Properties | None:
        """Return the database and its tags."""
        catalog, _, name = resource_id.partition(":")
        found = account.call("glue", "get_database", CatalogId=catalog, Name=name)["Database"]
        arn = _arn(account, catalog, name)
        tags = account.call("glue", "get_tags", ResourceArn=arn).get("Tags") or {}
        optional = {
            "description": found.get("Description"),
            "locationUri": found.get("LocationUri"),
            "parameters": found.get("Parameters"),
        }
        return {
            "name": name,
            "catalogId": catalog,
            "arn": arn,
            **{key: value for key, value in optional.items() if value},
            **account.tag_outputs([{"Key": k, "Value": v} for k, v in tags.items()]),
        }

    def update(self, account: Account, resource_id: str, inputs: Properties) -> None:
        """Set the description, location, parameters and tags."""
        catalog, _, name = resource_id.partition(":")
        payload = _database_input(name, inputs)
        account.call("glue", "update_database", CatalogId=catalog, Name=name, DatabaseInput=payload)
        self._retag(account, _arn(account, catalog, name), inputs)

    def delete(self, account: Account, resource_id: str, state: Properties) -> None:
        """Delete the database, and as Glue does, its tables with it."""
        catalog, _, name = resource_id.partition(":")
        account.call("glue", "delete_database", CatalogId=catalog, Name=name)

    @staticmethod
    def _retag(account: Account, arn: str, inputs: Properties) -> None:
        wanted = {tag["Key"]: tag["Value"] for tag in account.tags(inputs.get("tags"))}
        present = account.call("glue", "get_tags", ResourceArn=arn).get("Tags") or {}
        extra = sorted(present.keys() - wanted.keys())
        if extra:
            account.call("glue", "untag_resource", ResourceArn=arn, TagsToRemove=extra)
        if wanted:
            account.call("glue", "tag_resource", ResourceArn=arn, TagsToAdd=wanted)


def _database_input(name: str, inputs: Properties) -> dict[str, Any]:
    optional = {
        "Description": inputs.get("description"),
        "LocationUri": inputs.get("locationUri"),
        "Parameters": inputs.get("parameters"),
    }
    return {"Name": name, **{key: value for key, value in optional.items() if value}}


def _own_catalog(account: Account) -> str:
    identity: str = account.call("sts", "get_caller_identity")["Account"]
    return identity


def _arn(account: Account, catalog: str, name: str) -> str:
    return f"arn:aws:glue:{account.region}:{catalog}:database/{name}"


RESOURCES: Final[tuple[ResourceType, ...]] = (CatalogDatabase(),)
