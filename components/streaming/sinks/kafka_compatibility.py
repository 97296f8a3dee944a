"""Which versions of Confluent's S3 sink the Kafka in a Connect image can load.

Up to 10.5.20 the sink calls `org.apache.kafka.common.utils.Utils.join`, which Apache Kafka removed
in 3.8 and Confluent brought back in later patches of its own releases. Without it, the worker
answers the connector's validation with a NoSuchMethodError. All measured, release by release.
"""

import re

Version = tuple[int, ...]

# The first release of the sink that does not call Utils.join.
FIRST_WITHOUT_JOIN: Version = (10, 5, 21)
# By Confluent's release, its first patch whose Kafka has Utils.join.
FIRST_PATCH_WITH_JOIN: dict[Version, int] = {
    (7, 3): 0,
    (7, 4): 0,
    (7, 5): 0,
    (7, 6): 0,
    (7, 7): 0,
    (7, 8): 3,
    (7, 9): 2,
}
ADVICE = (
    "set connect.s3SinkVersion to 10.5.21 or later, or use an image of Confluent 7.3 to 7.7, from"
    " 7.8.3 on, or from 7.9.2 on"
)


def incompatibility(image: str, sink: str) -> str | None:
    """Return why a Connect image can't load a version of the sink; None where it can."""
    if parse_version(sink) >= FIRST_WITHOUT_JOIN:
        return None
    release = confluent_version(image)
    if release is None:
        return (
            f"{image} does not say by its tag which Confluent release it is, and the S3 sink {sink}"
            f" (connect.s3SinkVersion) does not load with all of them; {ADVICE}"
        )
    first = FIRST_PATCH_WITH_JOIN.get(release[:2])
    if first is not None and release[2] >= first:
        return None
    return (
        f"{image} has a Kafka without Utils.join, which the S3 sink {sink} (connect.s3SinkVersion)"
        f" calls; {ADVICE}"
    )


def confluent_version(image: str) -> Version | None:
    """Return the release in an image's tag, such as 7.9.2 or 7.9.2-1-ubi8; None without one."""
    name, _, _ = image.partition("@")
    found = re.search(r":(\d+\.\d+\.\d+)[^/:]*$", name)
    return parse_version(found[1]) if found else None


def parse_version(text: str) -> Version:
    return tuple(int(part) for part in text.split("."))
