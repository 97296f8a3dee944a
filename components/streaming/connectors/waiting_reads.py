"""Making a source's reading of existing rows wait for the archive, by our own class in values.jar.

Topics are bounded, and Kafka deletes their oldest records whether a sink has read them or not. A
first snapshot would otherwise write faster than the sink archives, and rows would be missing.
"""

from collections.abc import Mapping

# Debezium's property for the class that makes the `source` of each record.
STRUCT_MAKER = "sourceinfo.struct.maker"
WAITING_READS = "datapipe.postgres.WaitingReads"
CLIENT = "reads.wait.client."


def waiting_reads(sink: str, brokers: Mapping[str, str]) -> dict[str, str]:
    """Return the properties with which rows are read while the sink is not far behind.

    `sink` is the name of the archive's connector; `brokers` are the properties of a Kafka client.
    """
    return {
        STRUCT_MAKER: WAITING_READS,
        "reads.wait.for": f"connect-{sink}",
        **{f"{CLIENT}{name}": value for name, value in brokers.items()},
    }
