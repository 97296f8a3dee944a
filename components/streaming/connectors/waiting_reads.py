"""Making a source's reading of existing rows wait for the sinks, by our own class in values.jar.

Topics are bounded, and Kafka deletes their oldest records whether a sink has read them or not. A
first snapshot would otherwise write faster than a sink archives, and rows would be missing.
"""

from collections.abc import Collection, Mapping

# Debezium's property for the class that makes the `source` of each record.
STRUCT_MAKER = "sourceinfo.struct.maker"
WAITING_READS = "datapipe.postgres.WaitingReads"
CLIENT = "reads.wait.client."


def waiting_reads(sinks: Collection[str], brokers: Mapping[str, str]) -> dict[str, str]:
    """Return the properties with which rows are read while the sinks are not far behind.

    `sinks` are the names of the sink connectors; `brokers` are the properties of a Kafka client.
    """
    return {
        STRUCT_MAKER: WAITING_READS,
        "reads.wait.for": ",".join(f"connect-{sink}" for sink in sinks),
        **{f"{CLIENT}{name}": value for name, value in brokers.items()},
    }
