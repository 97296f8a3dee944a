"""S3: buckets are encrypted, not public, reached only by TLS, and abort incomplete uploads.

Pulumi has separate resources for each of these settings, so the rules judge the whole stack.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from policies.documents import Statement, statements
from policies.finding import Finding, NotJudged, Violation
from policies.resource import NotKnownYetError, Properties, Resource, as_list
from policies.settings import Schemas, Settings

SETTINGS: Schemas = {
    "requireTls": {
        "type": "boolean",
        "default": True,
        "description": "whether the bucket policy must refuse requests without TLS; set to false"
        " for a stand-in for AWS that uses plain HTTP",
    },
    "encryption": {
        "type": "array",
        "items": {"type": "string"},
        "default": ["AES256", "aws:kms", "aws:kms:dsse"],
        "description": "allowed kinds of encryption at rest",
    },
}

BUCKETS = ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")
BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def protected_buckets(resources: Sequence[Resource], settings: Settings) -> Iterator[Finding]:
    """Refuse buckets without the resources that protect them."""
    for bucket in resources:
        if bucket.type in BUCKETS:
            for check in (_encrypted, _closed, _owned, _by_tls, _cleaned_up):
                try:
                    found = [Violation(m, bucket.urn) for m in check(bucket, resources, settings)]
                except NotKnownYetError as unknown:
                    yield NotJudged(str(unknown))
                except ValueError as wrong:
                    yield Violation(f"{bucket.title}: {wrong}", bucket.urn)
                else:
                    yield from found


def _encrypted(
    bucket: Resource, resources: Sequence[Resource], settings: Settings
) -> Iterator[str]:
    kinds = [
        rule.get("applyServerSideEncryptionByDefault", {}).get("sseAlgorithm")
        for companion in _companions(bucket, resources, "BucketServerSideEncryptionConfiguration")
        for rule in companion.get("rules", ())
    ]
    if not kinds:
        yield f"{bucket.title} has no encryption; add a BucketServerSideEncryptionConfiguration"
    for kind in kinds:
        if kind not in settings["encryption"]:
            message = f"{bucket.title}: encryption {kind} is not allowed; allowed:"
            yield f"{message} {', '.join(settings['encryption'])}"


def _closed(bucket: Resource, resources: Sequence[Resource], _settings: Settings) -> Iterator[str]:
    blocks = list(_companions(bucket, resources, "BucketPublicAccessBlock"))
    if not blocks:
        yield f"{bucket.title} can be made public; add a BucketPublicAccessBlock"
    for block in blocks:
        for flag in BLOCKS:
            if not block.get(flag, False):
                yield f"{bucket.title}: BucketPublicAccessBlock.{flag} is not true; set it to true"


def _owned(bucket: Resource, resources: Sequence[Resource], _settings: Settings) -> Iterator[str]:
    for controls in _companions(bucket, resources, "BucketOwnershipControls"):
        if controls["rule"].get("objectOwnership") != "BucketOwnerEnforced":
            yield f"{bucket.title}: ACLs are enabled; set objectOwnership to BucketOwnerEnforced"
    if any(_companions(bucket, resources, "BucketAcl")):
        yield f"{bucket.title} has an ACL; remove the BucketAcl and grant by policy"


def _by_tls(bucket: Resource, resources: Sequence[Resource], settings: Settings) -> Iterator[str]:
    granted = [
        statement
        for companion in _companions(bucket, resources, "BucketPolicy")
        for statement in statements(companion["policy"])
    ]
    for statement in granted:
        if statement.allows and "*" in statement.principals and "Condition" not in statement.spec:
            yield f"{bucket.title}: {statement.label} allows any principal; name the principal"
    if settings["requireTls"] and not any(_refuses_plain_http(s) for s in granted):
        yield (
            f"{bucket.title} accepts requests without TLS; add a BucketPolicy that denies s3:* to *"
            ' where "aws:SecureTransport" is "false"'
        )


def _refuses_plain_http(statement: Statement) -> bool:
    condition = statement.spec.get("Condition", {}).get("Bool", {})
    return (
        not statement.allows
        and "s3:*" in statement.actions
        and "*" in statement.principals
        and str(condition.get("aws:SecureTransport", "")).lower() == "false"
    )


def _cleaned_up(
    bucket: Resource, resources: Sequence[Resource], _settings: Settings
) -> Iterator[str]:
    aborts = [
        rule
        for companion in _companions(bucket, resources, "BucketLifecycleConfiguration")
        for rule in companion.get("rules", ())
        if rule.get("status") == "Enabled" and "abortIncompleteMultipartUpload" in rule
    ]
    if not aborts:
        yield (
            f"{bucket.title}: parts of incomplete uploads are kept and billed; add a"
            " lifecycle rule with abortIncompleteMultipartUpload"
        )


def _companions(bucket: Resource, resources: Sequence[Resource], kind: str) -> Iterator[Properties]:
    """Yield the properties of a bucket's resources of one kind, V2 types included.

    They refer to the bucket's name, or, while that is unknown, depend on the bucket.
    """
    for resource in resources:
        is_kind = resource.type.startswith("aws:s3/") and resource.kind.removesuffix("V2") == kind
        if is_kind and (bucket.urn in resource.depends_on or _is_about(resource, bucket)):
            yield resource.properties


def _is_about(resource: Resource, bucket: Resource) -> bool:
    names = as_list(bucket.properties.get("bucket", bucket.name))
    try:
        return resource.properties.get("bucket") in names
    except NotKnownYetError:
        return False  # the output of another bucket: `depends_on` would contain this one
