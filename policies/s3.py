"""S3: buckets are encrypted, closed to the public, reached by TLS alone, and cleaned up.

What protects a bucket are resources of their own in Pulumi, so these are rules about the stack.
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
        "description": "whether the bucket policy must refuse requests without TLS; a stand-in for"
        " AWS that speaks plain HTTP can't have it",
    },
    "encryption": {
        "type": "array",
        "items": {"type": "string"},
        "default": ["AES256", "aws:kms", "aws:kms:dsse"],
        "description": "kinds of encryption at rest that are allowed",
    },
}

BUCKETS = ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")
BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def protected_buckets(resources: Sequence[Resource], settings: Settings) -> Iterator[Finding]:
    """Every bucket of the stack has all that protects it."""
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
        yield f"{bucket.title} states no encryption; add a BucketServerSideEncryptionConfiguration"
    for kind in kinds:
        if kind not in settings["encryption"]:
            yield f"{bucket.title}: encryption {kind} is not among {settings['encryption']}"


def _closed(bucket: Resource, resources: Sequence[Resource], _settings: Settings) -> Iterator[str]:
    blocks = list(_companions(bucket, resources, "BucketPublicAccessBlock"))
    if not blocks:
        yield f"{bucket.title} may be made public; add a BucketPublicAccessBlock"
    for block in blocks:
        for flag in BLOCKS:
            if not block.get(flag, False):
                yield f"{bucket.title}: BucketPublicAccessBlock.{flag} is not true; set it"


def _owned(bucket: Resource, resources: Sequence[Resource], _settings: Settings) -> Iterator[str]:
    for controls in _companions(bucket, resources, "BucketOwnershipControls"):
        if controls["rule"].get("objectOwnership") != "BucketOwnerEnforced":
            yield f"{bucket.title}: ACLs are on; set objectOwnership to BucketOwnerEnforced"
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
            yield f"{bucket.title}: {statement.label} lets anybody in; name the principal"
    if settings["requireTls"] and not any(_refuses_plain_http(s) for s in granted):
        yield (
            f"{bucket.title} answers without TLS; add a BucketPolicy that denies s3:* to everybody"
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
            f"{bucket.title}: parts of uploads that nobody finished are kept and paid for; add a"
            " lifecycle rule with abortIncompleteMultipartUpload"
        )


def _companions(bucket: Resource, resources: Sequence[Resource], kind: str) -> Iterator[Properties]:
    """The properties of the resources of a kind that belong to a bucket, V2 types included.

    By the bucket's name, or, while that is not known, by what Pulumi knows of who uses whom.
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
        return False  # an output of some bucket's; of this one's, `depends_on` would have told
