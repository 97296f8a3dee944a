"""Whether IAM takes the archive's policies, which name each captured database.

An update would learn it from AWS only, and in its middle. The ARNs of resources that do not exist
yet are not known in a preview, but how long they are is: an account has twelve digits.
"""

import json
from collections.abc import Iterator, Sequence

from components.archive.access import SinkNeeds, maintenance_policy, sink_policy
from components.config.archive import ArchiveSettings
from components.config.captured_database import CapturedDatabase

# Characters of a managed policy without white space, by IAM's quotas.
LONGEST_POLICY = 6_144
_ANY_ACCOUNT = "0" * 12
# By the first part of a region's code; all others are `aws`.
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


def policy_problem(
    settings: ArchiveSettings, needs: SinkNeeds, databases: Sequence[CapturedDatabase], region: str
) -> str | None:
    """Return that a policy is longer than IAM takes, with what would fit; None if none is."""
    for sizes in _sizes(settings, needs, databases, region):
        if sizes[-1] > LONGEST_POLICY:
            fitting = sum(size <= LONGEST_POLICY for size in sizes)
            return (
                f"datapipe:sources: the archive's policy for {len(databases)} databases has"
                f" {sizes[-1]:,} characters, and IAM takes at most {LONGEST_POLICY:,}, which is"
                f" enough for {fitting} of them. Capture the others in another stack, or give"
                " shorter names to the sources, archive.catalogDatabase and archive.bucket"
            )
    return None


def _sizes(
    settings: ArchiveSettings, needs: SinkNeeds, databases: Sequence[CapturedDatabase], region: str
) -> Iterator[list[int]]:
    """Yield the sizes of each policy with the first database, the first two, and so on."""
    partition = next(
        (name for first, name in _PARTITIONS.items() if region.startswith(first)), "aws"
    )
    bucket = f"arn:{partition}:s3:::{settings.bucket}"
    glue = f"arn:{partition}:glue:{region}:{_ANY_ACCOUNT}:database/"
    arns = [f"{glue}{database.catalog_database}" for database in databases if needs.catalog]
    counts = range(1, len(arns) + 1) if arns else [0]
    yield [_length(sink_policy(settings, needs, bucket, arns[:count])) for count in counts]
    if arns and settings.maintenance_kind != "none":
        yield [_length(maintenance_policy(settings, bucket, arns[:count])) for count in counts]


def _length(document: object) -> int:
    return len(json.dumps(document, separators=(",", ":")))
