"""IAM: users with access keys, roles, policies, and what attaches one to the other."""

from __future__ import annotations

import json
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from provider_plugins.aws.account import Account
from provider_plugins.aws.resource import AutoName, ResourceType
from provider_plugins.wire import Properties, Secret

# How many versions of a managed policy IAM keeps; the oldest must go before a sixth.
POLICY_VERSIONS: Final = 5


def _timestamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _retag(account: Account, kind: str, subject: dict[str, str], inputs: Properties) -> None:
    """Make a user's, role's or policy's tags those of the inputs."""
    wanted = account.tags(inputs.get("tags"))
    present = account.call("iam", f"list_{kind}_tags", **subject)["Tags"]
    extra = {tag["Key"] for tag in present} - {tag["Key"] for tag in wanted}
    if extra:
        account.call("iam", f"untag_{kind}", **subject, TagKeys=sorted(extra))
    if wanted:
        account.call("iam", f"tag_{kind}", **subject, Tags=wanted)


class User(ResourceType):
    tokens = ("aws:iam/user:User",)
    inputs = frozenset({"forceDestroy", "name", "path", "permissionsBoundary", "tags"})
    force_new = ("name", "permissionsBoundary")
    auto_name = AutoName("name", 64)
    defaults = MappingProxyType({"path": "/"})
    unreadable = frozenset({"forceDestroy"})

    def create(self, account: Account, inputs: Properties) -> tuple[str, Properties]:
        """Make the user."""
        boundary = inputs.get("permissionsBoundary")
        account.call(
            "iam",
            "create_user",
            UserName=inputs["name"],
            Path=inputs.get("path", "/"),
            Tags=account.tags(inputs.get("tags")),
            **({"PermissionsBoundary": boundary} if boundary else {}),
        )
        return inputs["name"], {}

    def read(self, account: Account, resource_id: str, state: Properties) -> Properties | None:
        """Return the user and its tags."""
        user = account.call("iam", "get_user", UserName=resource_id)["User"]
        tags = account.call("iam", "list_user_tags", UserName=resource_id)["Tags"]
        boundary = (user.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn")
        return {
            "name": resource_id,
            "path": user["Path"],
            "arn": user["Arn"],
            "uniqueId": user["UserId"],
            **({"permissionsBoundary": boundary} if boundary else {}),
            **account.tag_outputs(tags),
        }

    def update(self, account: Account, resource_id: str, inputs: Properties) -> None:
        """Move the user to another path, and set its tags."""
        path = inputs.get("path", "/")
        account.call("iam", "update_user", UserName=resource_id, NewPath=path)
        _retag(account, "user", {"UserName": resource_id}, inputs)

    def delete(self, account: Account, resource_id: str, state: Properties) -> None:
        """Delete the user; with forceDestroy, its keys that are not in the program first."""
        if state.get("forceDestroy"):
            keys = account.call("iam", "list_access_keys", UserName=resource_id)
            for key in keys["AccessKeyMetadata"]:
                which = {"UserName": resource_id, "AccessKeyId": key["AccessKeyId"]}
                account.call("iam", "delete_access_key", **which)
        account.call("iam", "delete_user", UserName=resource_id)


class AccessKey(ResourceType):
    """A user's access key, whose secret part is returned once, when it is created."""

    tokens = ("aws:iam/accessKey:AccessKey",)
    inputs = frozenset({"status", "user"})
    required = frozenset({"user"})
    force_new = ("user",)
    defaults = MappingProxyType({"status": "Active"})

    def create(self, account: Account, inputs: Properties) -> tuple[str, Properties]:
        """Make the key."""
        key = account.call("iam", "create_access_key", UserName=inputs["user"])["AccessKey"]
        key_id: str = key["AccessKeyId"]
        if inputs.get("status") == "Inactive":
            self.update(account, key_id, inputs)
        return key_id, {"secret": Secret(key["SecretAccessKey"])}

    def read(self, account: Account, resource_id: str, state: Properties) -> Properties | None:
        """Return the key's status."""
        listed = account.call("iam", "list_access_keys", UserName=state["user"])
        for key in listed["AccessKeyMetadata"]:
            if key["AccessKeyId"] == resource_id:
                created = _timestamp(key["CreateDate"])
                return {"user": state["user"], "status": key["Status"], "createDate": created}
        return None

    def update(self, account: Account, resource_id: str, inputs: Properties) -> None:
        """Switch the key on or off."""
        status = inputs.get("status", "Active")
        which = {"UserName": inputs["user"], "AccessKeyId": resource_id}
        account.call("iam", "update_access_key", Status=status, **which)

    def delete(self, account: Account, resource_id: str, state: Properties) -> None:
        which = {"UserName": state["user"], "AccessKeyId": resource_id}
        account.call("iam", "delete_access_key", **which)


class Policy(ResourceType):
    """A managed policy; an update makes a new version and makes that the default."""

    tokens = ("aws:iam/policy:Policy",)
    inputs = frozenset({"description", "name", "namePrefix", "path", "policy", "tags"})
    required = frozenset({"policy"})
    force_new = ("description", "name", "namePrefix", "path")
    auto_name = AutoName("name", 128)
    policies = ("policy",)
    defaults = MappingProxyType({"path": "/"})
    unreadable = frozenset({"namePrefix"})

    def create(self, account: Account, inputs: Properties) -> tuple[str, Properties]:
        """Make the policy; its id is its ARN."""
        made = account.call(
            "iam",
            "create_policy",
            PolicyName=inputs["name"],
            Path=inputs.get("path", "/"),
            PolicyDocument=inputs["policy"],
            Description=inputs.get("description", ""),
            Tags=account.tags(inputs.get("tags")),
        )
        return made["Policy"]["Arn"], {}

    def read(self, account: Account, resource_id: str, state: Properties) -> Properties | None:
        """Return the policy in its default version."""
        policy = account.call("iam", "get_policy", PolicyArn=resource_id)["Policy"]
        which = {"PolicyArn": resource_id, "VersionId": policy["DefaultVersionId"]}
        version = account.call("iam", "get_policy_version", **which)["PolicyVersion"]
        description = policy.get("Description")
        return {
            "name": policy["PolicyName"],
            "path": policy["Path"],
            "arn": resource_id,
            "policyId": policy["PolicyId"],
            "policy": _document_text(version["Document"]),
            "attachmentCount": policy.get("AttachmentCount", 0),
            **({"description": description} if description else {}),
            **account.tag_outputs(policy.get("Tags") or []),
        }

    def update(self, account: Account, resource_id: str, inputs: Properties) -> None:
        """Make the document the default version, and set the tags."""
        versions = self._other_versions(account, resource_id)
        if len(versions) >= POLICY_VERSIONS - 1:
            oldest = min(versions, key=lambda version: version["CreateDate"])
            self._delete_version(account, resource_id, oldest)
        account.call(
            "iam",
            "create_policy_version",
            PolicyArn=resource_id,
            PolicyDocument=inputs["policy"],
            SetAsDefault=True,
        )
        _retag(account, "policy", {"PolicyArn": resource_id}, inputs)

    def delete(self, account: Account, resource_id: str, state: Properties) -> None:
        """Delete the policy with all its versions."""
        for version in self._other_versions(account, resource_id):
            self._delete_version(account, resource_id, version)
        account.call("iam", "delete_policy", PolicyArn=resource_id)

    @staticmethod
    def _other_versions(account: Account, arn: str) -> list[Any]:
        listed = account.call("iam", "list_policy_versions", PolicyArn=arn)["Versions"]
        return [version for version in listed if not version["IsDefaultVersion"]]

    @staticmethod
    def _delete_version(account: Account, arn: str, version: Any) -> None:
        which = {"PolicyArn": arn, "VersionId": version["VersionId"]}
        account.call("iam", "delete_policy_version", **which)


class Role(ResourceType):
    """A role and who may assume it."""

    tokens = ("aws:iam/role:Role",)
    inputs = frozenset(
        {
            "assumeRolePolicy",
            "description",
            "forceDetachPolicies",
            "maxSessionDuration",
            "name",
            "namePrefix",
            "path",
            "permissionsBoundary",
            "tags",
        }
    )
    required = frozenset({"assumeRolePolicy"})
    force_new = ("name", "namePrefix", "path", "permissionsBoundary")
    auto_name = AutoName("name", 64)
    policies = ("assumeRolePolicy",)
    defaults = MappingProxyType({"maxSessionDuration": 3600, "path": "/"})
    unreadable = frozenset({"forceDetachPolicies", "namePrefix"})

    def create(self, account: Account, inputs: Properties) -> tuple[str, Properties]:
        """Make the role."""
        optional = {
            "Description": inputs.get("description"),
            "MaxSessionDuration": inputs.get("maxSessionDuration"),
            "PermissionsBoundary": inputs.get("permissionsBoundary"),
        }
        account.call(
            "iam",
            "create_role",
            RoleName=inputs["name"],
            Path=inputs.get("path", "/"),
            AssumeRolePolicyDocument=inputs["assumeRolePolicy"],
            Tags=account.tags(inputs.get("tags")),
            **{key: value for key, value in optional.items() if value is not None},
        )
        return inputs["name"], {}

    def read(self, account: Account, resource_id: str, state: Properties) -> Properties | None:
        """Return the role and its tags."""
        role = account.call("iam", "get_role", RoleName=resource_id)["Role"]
        tags = account.call("iam", "list_role_tags", RoleName=resource_id)["Tags"]
        optional = {
            "description": role.get("Description"),
            "permissionsBoundary": (role.get("PermissionsBoundary") or {}).get(
                "PermissionsBoundaryArn"
            ),
        }
        return {
            "name": resource_id,
            "path": role["Path"],
            "arn": role["Arn"],
            "uniqueId": role["RoleId"],
            "createDate": _timestamp(role["CreateDate"]),
            "maxSessionDuration": role.get("MaxSessionDuration", 3600),
            "assumeRolePolicy": _document_text(role["AssumeRolePolicyDocument"]),
            **{key: value for key, value in optional.items() if value},
            **account.tag_outputs(tags),
        }

    def update(self, account: Account, resource_id: str, inputs: Properties) -> None:
        """Set who may assume the role, for how long, its description and tags."""
        account.call(
            "iam",
            "update_role",
            RoleName=resource_id,
            Description=inputs.get("description", ""),
            MaxSessionDuration=inputs.get("maxSessionDuration", 3600),
        )
        trust = inputs["assumeRolePolicy"]
        account.call("iam", "update_assume_role_policy", RoleName=resource_id, PolicyDocument=trust)
        _retag(account, "role", {"RoleName": resource_id}, inputs)

    def delete(self, account: Account, resource_id: str, state: Properties) -> None:
        """Delete the role; with forceDetachPolicies, detach what others attached first."""
        if state.get("forceDetachPolicies"):
            attached = account.call("iam", "list_attached_role_policies", RoleName=resource_id)
            for policy in attached["AttachedPolicies"]:
                which = {"RoleName": resource_id, "PolicyArn": policy["PolicyArn"]}
                account.call("iam", "detach_role_policy", **which)
        account.call("iam", "delete_role", RoleName=resource_id)


class PolicyAttachment(ResourceType):
    """A managed policy attached to a user or a role."""

    def __init__(self, kind: str) -> None:
        name = f"{kind.capitalize()}PolicyAttachment"
        self.tokens = (f"aws:iam/{kind}PolicyAttachment:{name}",)
        self.inputs = frozenset({kind, "policyArn"})
        self.required = self.inputs
        self.force_new = (kind, "policyArn")
        self._kind = kind
        self._name_parameter = f"{kind.capitalize()}Name"

    def create(self, account: Account, inputs: Properties) -> tuple[str, Properties]:
        """Attach the policy; the id is the holder and the policy's ARN."""
        holder, arn = inputs[self._kind], inputs["policyArn"]
        self._call(account, "attach", holder, arn)
        return f"{holder}/{arn}", {}

    def read(self, account: Account, resource_id: str, state: Properties) -> Properties | None:
        """Return both ends, if they are still attached."""
        holder, _, arn = resource_id.partition("/")
        listed = account.call(
            "iam", f"list_attached_{self._kind}_policies", **{self._name_parameter: holder}
        )
        attached = any(policy["PolicyArn"] == arn for policy in listed["AttachedPolicies"])
        return {self._kind: holder, "policyArn": arn} if attached else None

    def delete(self, account: Account, resource_id: str, state: Properties) -> None:
        """Detach the policy."""
        holder, _, arn = resource_id.partition("/")
        self._call(account, "detach", holder, arn)

    def _call(self, account: Account, verb: str, holder: str, arn: str) -> None:
        names = {self._name_parameter: holder, "PolicyArn": arn}
        account.call("iam", f"{verb}_{self._kind}_policy", **names)


def _document_text(document: Any) -> str:
    """Return a policy document, which boto3 parses already, as text."""
    return document if isinstance(document, str) else json.dumps(document)


RESOURCES: Final[tuple[ResourceType, ...]] = (
    User(),
    AccessKey(),
    Policy(),
    Role(),
    PolicyAttachment("user"),
    PolicyAttachment("role"),
)
