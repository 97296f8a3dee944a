"""The sentence on least privilege in docs/SECURITY.md, made from the tests' own lists."""

from tests.aws.enforcing import MAINTENANCE
from tests.aws.permissions import ACTIONS, matrix
from tests.aws.test_permission_matrix import NEEDED, WIDENED


def summary() -> str:
    """Return how many calls are judged, and how many each identity needs."""
    calls = len(list(matrix()))
    actions = sum(len(names) for kinds in ACTIONS.values() for names in kinds.values())
    confluent, iceberg, maintenance = (
        len(NEEDED[identity]) for identity in ("confluent-s3", "iceberg", MAINTENANCE)
    )
    return (
        f"Least privilege: {calls} calls ({actions} actions × places) on S3, IAM, STS, Glue and KMS"
        " are judged on the attached\ndocument, conditions included. Exactly the"
        f" {confluent} (Confluent) or {iceberg} (Iceberg) calls that the sink needs are allowed,"
        f"\nthe {maintenance} of the archive's maintenance likewise, and each of {len(WIDENED)}"
        " ways to widen a policy is noticed."
    )
