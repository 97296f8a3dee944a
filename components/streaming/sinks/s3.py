"""What both sinks share that archive to S3: the connector's name, its access and its way there."""

from collections.abc import Mapping, Sequence

import pulumi

from components.archive.layer import Archive
from components.archive.statements import Statement, write_statements
from components.security.flow import Flow, flow_to_aws
from components.streaming.connectors.counting import CountedTopics
from components.streaming.connectors.errors import SinkErrors
from components.streaming.sinks.protocol import ArchiveSink, SinkArgs

SINK = "s3-sink-connector"
SINK_DEAD_LETTERS = "s3-sink-dlq"


class S3Sink(ArchiveSink):
    """Writes to the archive's bucket as the identity that the archive layer makes."""

    def __init__(self, args: SinkArgs) -> None:
        super().__init__(args)
        self.state = args.archive.state

    @property
    def errors(self) -> SinkErrors:
        """Records that can't be converted go to the dead letter topic."""
        return SinkErrors(
            dead_letter_topic=SINK_DEAD_LETTERS,
            dead_letter_replication=self.args.dead_letter_replication,
        )

    @property
    def counted(self) -> tuple[CountedTopics, ...]:
        """The sources whose events the connector counts."""
        if not self.args.count_events:
            return ()
        return tuple(CountedTopics(one.topic_prefix, one.label) for one in self.args.databases)

    def environment(self, archive: Archive) -> Mapping[str, pulumi.Input[str]]:
        """Return the bucket and its region."""
        return {"S3_BUCKET_NAME": archive.bucket, "AWS_REGION": self.args.aws.region}

    def secrets(self, archive: Archive) -> Mapping[str, pulumi.Input[str]]:
        """Return the access keys, where the identity is a user."""
        if archive.access_key_id is None or archive.secret_access_key is None:
            return {}
        return {
            "AWS_ACCESS_KEY_ID": archive.access_key_id,
            "AWS_SECRET_ACCESS_KEY": archive.secret_access_key,
        }

    def flows(self) -> tuple[Flow, ...]:
        """Return the way to AWS or to its stand-in."""
        return (flow_to_aws(self.args.aws.endpoint),)

    def iam_statements(self, bucket_arn: str, database_arns: Sequence[str]) -> list[Statement]:
        """Return the right to write objects, which both sinks need."""
        return write_statements(bucket_arn, self.args.archive.prefix)
