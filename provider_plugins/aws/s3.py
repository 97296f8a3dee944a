"""S3: buckets, and the settings of a bucket that are resources of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from provider_plugins.aws.account import Account, AwsError
from provider_plugins.aws.resource import AutoName, ResourceType
from provider_plugins.wire import Properties

# The one region that must not be named when a bucket is created.
HOME_REGION: Final = "us-east-1"

# Route 53's zone of S3 in us-east-1, as the official plugin reports it.
HOSTED_ZONE: Final = "Z3AQBSTGFYJSTF"

RESERVED_PREFIXES: Final = ("xn--", "sthree-", "amzn-s3-demo-")
RESERVED_SUFFIXES: Final = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def bucket_name_problem(name: str) -> str | None:
    """Return what S3 has against a bucket's name (its rules for general purpose buckets)."""
    refusals = (
        (not 3 <= len(name) <= 63, f"has {len(name)} characters; S3 takes 3 to 63"),
        (not re.fullmatch(r"[a-z0-9.-]*", name), "may have a-z, 0-9, dots and hyphens only"),
        (not re.fullmatch(r"[^.-](.*[^.-])?", name), "must begin and end with a letter or digit"),
        (".." in name, "has two dots in a row"),
        (name.startswith(RESERVED_PREFIXES), f"begins with one of {RESERVED_PREFIXES}"),
        (name.endswith(RESERVED_SUFFIXES), f"ends with one of {RESERVED_SUFFIXES}"),
        (re.fullmatch(r"(\d+\.){3}\d+", name), "looks like an IP address"),
    )
    return next((f"'{name}' {words}" for refused, words in refusals if refused), None)


class Bucket(ResourceType):
    """A bucket; everything that can be set on one is a resource of its own."""

    tokens = ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")
    inputs = frozenset(
        {"bucket", "bucketPrefix", "forceDestroy", "objectLockEnabled", "region", "tags"}
    )
    force_new = ("bucket", "bucketPrefix", "objectLockEnabled", "region")
    auto_name = AutoName("bucket", 63)
    unreadable = frozenset({"bucketPrefix", "forceDestroy", "objectLockEnabled", "region"})

    def problems(self, inputs: Properties) -> list[tuple[str, str]]:
        """Check the name, which the first call would otherwise be the first to do."""
        name = inputs.get("bucket")
        problem = bucket_name_problem(name) if isinstance(name, str) else None
        return [("bucket", problem)] if problem else []

    def create(self, account: Account, inputs: Properties) -> tuple[str, Properties]:
        """Make the bucket and tag it."""
        name = inputs["bucket"]
        where = (
            {}
            if account.region == HOME_REGION
            else {"CreateBucketConfiguration": {"LocationConstraint": account.region}}
        )
        lock = bool(inputs.get("objectLockEnabled"))
        account.call("s3", "create_bucket", Bucket=name, ObjectLockEnabledForBucket=lock, **where)
        self._tag(account, name, inputs)
        return name, {}

    def read(self, account: Account, resource_id: str, state: Properties) -> Properties | None:
        """Return the bucket's addresses and tags."""
        account.call("s3", "head_bucket", Bucket=resource_id)
        region = account.region
        return {
            "bucket": resource_id,
            "arn": f"arn:aws:s3:::{resource_id}",
            "region": region,
            "bucketRegion": region,
            "bucketDomainName": f"{resource_id}.s3.amazonaws.com",
            "bucketRegionalDomainName": f"{resource_id}.s3.{region}.amazonaws.com",
            "hostedZoneId": HOSTED_ZONE,
            **account.tag_outputs(self._tags(account, resource_id)),
        }

    def update(self, account: Account, resource_id: str, inputs: Properties) -> None:
        """Set the tags; the rest is fixed or steers the deletion."""
        self._tag(account, resource_id, inputs)

    def delete(self, account: Account, resource_id: str, state: Properties) -> None:
        """Delete the bucket; with forceDestroy, everything in it first."""
        if state.get("forceDestroy"):
            for page in account.pages("s3", "list_object_versions", Bucket=resource_id):
                self._delete_versions(account, resource_id, page)
        account.call("s3", "delete_bucket", Bucket=resource_id)

    @staticmethod
    def _delete_versions(account: Account, bucket: str, page: Any) -> None:
        listed = page.get("Versions", []) + page.get("DeleteMarkers", [])
        keys = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in listed]
        if keys:
            what = {"Objects": keys, "Quiet": True}
            account.call("s3", "delete_objects", Bucket=bucket, Delete=what)

    @staticmethod
    def _tags(account: Account, bucket: str) -> list[dict[str, str]]:
        try:
            tags: list[dict[str, str]] = account.call("s3", "get_bucket_tagging", Bucket=bucket)[
                "TagSet"
            ]
        except AwsError as error:
            if "NoSuchTagSet" in str(error):
                return []
            raise
        return tags

    @staticmethod
    def _tag(account: Account, bucket: str, inputs: Properties) -> None:
        tags = account.tags(inputs.get("tags"))
        if tags:
            account.call("s3", "put_bucket_tagging", Bucket=bucket, Tagging={"TagSet": tags})
        else:
            account.call("s3", "delete_bucket_tagging", Bucket=bucket)


# Property names that are spelt otherwise than with a capital first letter in S3's API.
AWS_SPELLING: Final = {
    "id": "ID",
    "kmsMasterKeyId": "KMSMasterKeyID",
    "mfaDelete": "MFADelete",
    "sseAlgorithm": "SSEAlgorithm",
}

PULUMI_SPELLING: Final = {aws: pulumi for pulumi, aws in AWS_SPELLING.items()}


def to_aws(value: Any) -> Any:
    """Properties in S3's spelling (camelCase to CamelCase)."""
    if isinstance(value, dict):
        return {
            AWS_SPELLING.get(key, key[:1].upper() + key[1:]): to_aws(item)
            for key, item in value.items()
        }
    return [to_aws(item) for item in value] if isinstance(value, list) else value


def from_aws(value: Any) -> Any:
    """S3's answer in the properties' spelling."""
    if isinstance(value, dict):
        return {
            PULUMI_SPELLING.get(key, key[:1].lower() + key[1:]): from_aws(item)
            for key, item in value.items()
        }
    return [from_aws(item) for item in value] if isinstance(value, list) else value


class BucketSetting(ResourceType):
    """One setting of a bucket: put, read and removed as a whole, with the bucket's name as id."""

    required = frozenset({"bucket"})
    force_new = ("bucket", "expectedBucketOwner", "region")
    unreadable = frozenset({"expectedBucketOwner", "region"})

    def __init__(  # noqa: PLR0917 (a row of the table below)
        self,
        tokens: tuple[str, ...],
        operation: str,
        parameter: str,
        properties: frozenset[str],
        compose: Callable[[Properties], Any],
        parse: Callable[[Any], Properties],
        removal: str | None = None,
        answer: str | None = None,
        defaults: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.tokens = tokens
        self.inputs = frozenset({"bucket", "expectedBucketOwner", "region"}) | properties
        self._operation = operation
        self._parameter = parameter
        self._properties = properties
        self._compose = compose
        self._parse = parse
        self._removal = removal or f"delete_{operation}"
        self._answer = answer or parameter
        self.defaults = defaults
        self.policies = ("policy",) if "policy" in properties else ()

    def problems(self, inputs: Properties) -> list[tuple[str, str]]:
        """Ask for the setting itself, where it is one property."""
        missing = self._properties - inputs.keys() if len(self._properties) == 1 else ()
        return [(name, "is required") for name in missing]

    def create(self, account: Account, inputs: Properties) -> tuple[str, Properties]:
        """Put the setting."""
        self.update(account, inputs["bucket"], inputs)
        return inputs["bucket"], {}

    def read(self, account: Account, resource_id: str, state: Properties) -> Properties | None:
        """Return the setting in the program's shape."""
        answer = account.call("s3", f"get_{self._operation}", Bucket=resource_id)
        value = answer.get(self._answer)
        return None if value is None else {"bucket": resource_id, **self._parse(value)}

    def update(self, account: Account, resource_id: str, inputs: Properties) -> None:
        """Put the setting again."""
        payload = {self._parameter: self._compose(inputs)}
        account.call("s3", f"put_{self._operation}", Bucket=resource_id, **payload)

    def delete(self, account: Account, resource_id: str, state: Properties) -> None:
        """Remove the setting."""
        account.call("s3", self._removal, Bucket=resource_id)


class BucketVersioning(BucketSetting):
    """Versioning, which S3 can suspend but never remove, and reports as empty when never set."""

    def read(self, account: Account, resource_id: str, state: Properties) -> Properties | None:
        """Return the versioning's status; None if it was never enabled."""
        answer = account.call("s3", "get_bucket_versioning", Bucket=resource_id)
        if "Status" not in answer:
            return None
        status = {"status": answer["Status"]}
        mfa = {"mfaDelete": answer["MFADelete"]} if "MFADelete" in answer else {}
        return {"bucket": resource_id, "versioningConfiguration": {**status, **mfa}}

    def delete(self, account: Account, resource_id: str, state: Properties) -> None:
        """Suspend the versioning."""
        suspended = {"Status": "Suspended"}
        account.call(
            "s3", "put_bucket_versioning", Bucket=resource_id, VersioningConfiguration=suspended
        )


def _lifecycle_rule(rule: Properties) -> Any:
    """Return a rule as S3 takes it: tags as a list, and a filter even if it is empty."""
    composed = to_aws({"filter": {"prefix": rule.get("prefix", "")}, **rule})
    composed.pop("Prefix", None)
    both = (rule.get("filter") or {}).get("and")
    if both and "tags" in both:
        tags = [{"Key": key, "Value": value} for key, value in both["tags"].items()]
        composed["Filter"]["And"]["Tags"] = tags
    return composed


def _read_lifecycle_rule(rule: Any) -> Properties:
    parsed: Properties = from_aws(rule)
    both = (parsed.get("filter") or {}).get("and")
    if both and "tags" in both:
        both["tags"] = {tag["key"]: tag["value"] for tag in both["tags"]}
    return parsed


def _setting_tokens(name: str, *, second: bool = False) -> tuple[str, ...]:
    """Return the type tokens of a setting; `second` if there is a V2 spelling of it, too."""
    names = (name, f"{name}V2") if second else (name,)
    return tuple(f"aws:s3/{one[0].lower()}{one[1:]}:{one}" for one in names)


PUBLIC_ACCESS: Final = frozenset(
    {"blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"}
)

RESOURCES: Final[tuple[ResourceType, ...]] = (
    Bucket(),
    BucketSetting(
        _setting_tokens("BucketServerSideEncryptionConfiguration", second=True),
        "bucket_encryption",
        "ServerSideEncryptionConfiguration",
        frozenset({"rules"}),
        compose=lambda inputs: {"Rules": to_aws(inputs["rules"])},
        parse=lambda value: {"rules": from_aws(value["Rules"])},
    ),
    BucketSetting(
        _setting_tokens("BucketPublicAccessBlock"),
        "public_access_block",
        "PublicAccessBlockConfiguration",
        PUBLIC_ACCESS,
        compose=lambda inputs: to_aws({key: bool(inputs.get(key)) for key in PUBLIC_ACCESS}),
        parse=lambda value: {key: bool(from_aws(value).get(key)) for key in PUBLIC_ACCESS},
        defaults=dict.fromkeys(PUBLIC_ACCESS, False),
    ),
    BucketSetting(
        _setting_tokens("BucketPolicy"),
        "bucket_policy",
        "Policy",
        frozenset({"policy"}),
        compose=lambda inputs: inputs["policy"],
        parse=lambda value: {"policy": json.dumps(json.loads(value))},
    ),
    BucketSetting(
        _setting_tokens("BucketOwnershipControls"),
        "bucket_ownership_controls",
        "OwnershipControls",
        frozenset({"rule"}),
        compose=lambda inputs: {"Rules": [to_aws(inputs["rule"])]},
        parse=lambda value: {"rule": from_aws(value["Rules"][0])},
    ),
    BucketSetting(
        _setting_tokens("BucketLifecycleConfiguration", second=True),
        "bucket_lifecycle_configuration",
        "LifecycleConfiguration",
        frozenset({"rules"}),
        compose=lambda inputs: {"Rules": [_lifecycle_rule(rule) for rule in inputs["rules"]]},
        parse=lambda value: {"rules": [_read_lifecycle_rule(rule) for rule in value]},
        removal="delete_bucket_lifecycle",
        answer="Rules",
    ),
    BucketVersioning(
        _setting_tokens("BucketVersioning", second=True),
        "bucket_versioning",
        "VersioningConfiguration",
        frozenset({"versioningConfiguration"}),
        compose=lambda inputs: to_aws(inputs["versioningConfiguration"]),
        parse=from_aws,
    ),
)
