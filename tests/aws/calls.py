"""Real calls of boto3, each with the least that it asks for."""

from collections.abc import Iterator
from typing import Any

from tests.aws.enforcing import denied

ON_OBJECTS = {
    "PutObject": ("put_object", "create_multipart_upload"),
    "AbortMultipartUpload": ("abort_multipart_upload",),
    "ListMultipartUploadParts": ("list_parts",),
    "GetObject": ("get_object", "head_object"),
    "GetObjectAcl": ("get_object_acl",),
    "GetObjectTagging": ("get_object_tagging",),
    "PutObjectAcl": ("put_object_acl",),
    "PutObjectTagging": ("put_object_tagging",),
    "DeleteObject": ("delete_object",),
    "RestoreObject": ("restore_object",),
}
# The calls of boto3 that moto judges under their own action; others it takes for ListBucket,
# PutObject or CreateBucket, as the query in their address is unknown to it.
ON_BUCKETS = {
    "GetBucketLocation": ("get_bucket_location",),
    "ListBucketMultipartUploads": ("list_multipart_uploads",),
    "ListBucket": ("list_objects", "list_objects_v2"),
    "ListBucketVersions": ("list_object_versions",),
    "GetLifecycleConfiguration": ("get_bucket_lifecycle_configuration",),
    "PutLifecycleConfiguration": (
        "put_bucket_lifecycle_configuration",
        "delete_bucket_lifecycle",
    ),
    "GetBucketVersioning": ("get_bucket_versioning",),
    "PutBucketVersioning": ("put_bucket_versioning",),
    "GetBucketPolicy": ("get_bucket_policy", "get_bucket_policy_status"),
    "PutBucketPolicy": ("put_bucket_policy",),
    "DeleteBucketPolicy": ("delete_bucket_policy",),
    "GetBucketAcl": ("get_bucket_acl",),
    "PutBucketAcl": ("put_bucket_acl",),
    "GetBucketTagging": ("get_bucket_tagging",),
    "PutBucketTagging": ("put_bucket_tagging", "delete_bucket_tagging"),
    "GetBucketLogging": ("get_bucket_logging",),
    "PutBucketLogging": ("put_bucket_logging",),
    "GetBucketCORS": ("get_bucket_cors",),
    "PutBucketCORS": ("put_bucket_cors", "delete_bucket_cors"),
    "GetBucketNotification": ("get_bucket_notification_configuration",),
    "PutBucketNotification": ("put_bucket_notification_configuration",),
    "GetBucketWebsite": ("get_bucket_website",),
    "PutBucketWebsite": ("put_bucket_website",),
    "DeleteBucketWebsite": ("delete_bucket_website",),
    "GetAccelerateConfiguration": ("get_bucket_accelerate_configuration",),
    "PutAccelerateConfiguration": ("put_bucket_accelerate_configuration",),
    "CreateBucket": ("create_bucket",),
    "DeleteBucket": ("delete_bucket",),
}


def refused(client: Any, method: str, **given: str) -> bool:
    """Return whether a call is denied; what else is said of it means that it was let through."""
    operation = client.meta.method_to_api_mapping[method]
    shape = client.meta.service_model.operation_model(operation).input_shape
    arguments = {**dict(_least(shape)), **given} if shape else given
    try:
        return denied(getattr(client, method), **arguments)
    except client.exceptions.ClientError:
        return False


def _least(shape: Any) -> Iterator[tuple[str, Any]]:
    """Yield the required members of a structure, each with as little in it as will do."""
    for name in shape.required_members:
        yield name, _value(shape.members[name])


SCALARS = {"integer": 1, "long": 1, "boolean": True, "blob": b"", "map": {}}


def _value(shape: Any) -> Any:
    match shape.type_name:
        case "structure":
            return dict(_least(shape))
        case "list":
            return [_value(shape.member)]
        case "string":
            return shape.enum[0] if shape.enum else "x" * max(1, shape.metadata.get("min", 1))
        case other:
            return SCALARS[other]
