"""The archive layer's configuration (`datapipe:archive`)."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from components.config.athena import READER_SUFFIX, VIEWS_SUFFIX, AthenaSettings, FolderName
from components.config.maintenance import MaintenanceKind, MaintenanceSettings
from components.settings import LARGEST_INT, Pattern, Settings
from kafka_connect.connector_state import State

# S3's naming rules for general purpose buckets, without dots (they break TLS to the bucket).
BucketName = Annotated[
    str,
    AfterValidator(
        Pattern(
            r"(?!xn--|sthree-|amzn-s3-demo-)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]"
            r"(?<!-s3alias)(?<!--ol-s3)(?<!--x-s3)(?<!--table-s3)",
            name="S3 bucket name",
            allowed="3 to 63 of a-z, 0-9 and -, with a letter or digit first and last, but not"
            " xn--, sthree- or amzn-s3-demo- first, nor -s3alias, --ol-s3, --x-s3 or --table-s3"
            " last",
        )
    ),
]
OidcProviderArn = Annotated[
    str,
    AfterValidator(
        Pattern(
            r"arn:aws[a-z-]*:iam::\d{12}:oidc-provider/\S+",
            name="ARN of an OIDC provider",
            allowed="arn:aws:iam::<account>:oidc-provider/<issuer>",
        )
    ),
]
KmsKeyArn = Annotated[
    str,
    AfterValidator(
        Pattern(
            r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+",
            name="ARN of a KMS key",
            allowed="arn:aws:kms:<region>:<account>:key/<id>",
        )
    ),
]
GlueDatabase = Annotated[
    str,
    AfterValidator(
        Pattern(
            r"[a-z0-9_]{1,255}",
            name="Glue database name",
            allowed="1 to 255 lower case letters, digits and underscores",
        )
    ),
]


# Of the maintenance's identity, which is named after the bucket; IAM allows 64 characters.
MAINTENANCE_SUFFIX = "-maintenance"
LONGEST_IDENTITY = 64
# Of Glue.
LONGEST_DATABASE = 255


class ArchiveSettings(Settings):
    """The bucket, who may write to it, and how the sink writes."""

    bucket: BucketName = Field(
        description="Name of the S3 bucket, which must be globally unique; by convention"
        ' datapipe-ingestion-<suffix> (design: "data_access_controls").'
    )
    prefix: FolderName = Field(
        default="topics",
        description="Folder of the bucket that holds the archive; the sink's identity may write"
        ' nowhere else (design: "data_access_controls").',
    )
    retain: bool = Field(
        default=True,
        description="Whether the bucket and its objects outlive the stack; false makes"
        " `pulumi destroy` empty and delete the bucket.",
    )
    protect: bool = Field(
        default=False,
        description="Whether Pulumi refuses to delete or replace the bucket.",
    )
    sink: str = Field(
        default="confluent-s3",
        description="The archive's kind of sink: confluent-s3 writes Parquet files (design:"
        ' "Kafka Connect S3 Sink"), iceberg writes tables of the Glue catalog.',
    )
    access: Literal["user", "role"] = Field(
        default="user",
        description="The sink's identity: an IAM user with access keys (design: access_keys), or"
        " an IAM role for the pods' service account (IRSA), which has no keys.",
    )
    oidc_provider_arn: OidcProviderArn | None = Field(
        default=None,
        description="ARN of the EKS cluster's OIDC provider; required where access is role.",
    )
    encryption: Literal["AES256", "aws:kms"] = Field(
        default="AES256",
        description="Server-side encryption of the objects: S3's own keys (design: SSE-S3) or a"
        " KMS key.",
    )
    kms_key_arn: KmsKeyArn | None = Field(
        default=None,
        description="ARN of the KMS key; required where encryption is aws:kms.",
    )
    catalog_database: GlueDatabase = Field(
        default="cdc",
        description="Glue database that holds the Iceberg tables; the S3 sink does not use it.",
    )
    tasks: int | None = Field(
        default=None,
        ge=1,
        le=LARGEST_INT,
        description="Tasks of the sink connector. The default is 24 for confluent-s3 (design:"
        ' "Kafka Connect S3 Sink") and 2 for iceberg, as more than 5 tasks do not fit a worker'
        " of 1 GiB.",
    )
    flush_size: int = Field(
        default=1000,
        ge=1,
        le=LARGEST_INT,
        description="Records after which the S3 sink closes a file (design: flush.size); Iceberg's"
        " sink does not use it.",
    )
    rows_per_second: int | None = Field(
        default=None,
        ge=1,
        le=LARGEST_INT,
        description="Rows that all tables together are expected to get each second, on average; the"
        " preview computes from it how many files a day confluent-s3 writes, and warns above"
        " 100,000. Without it the preview says how many files a million rows become.",
    )
    rotate_interval_ms: int = Field(
        default=60_000,
        ge=1000,
        le=LARGEST_INT,
        description="Milliseconds after which the S3 sink closes a file (design:"
        " rotate.interval.ms) or Iceberg's sink commits.",
    )
    rotation: Literal["schedule", "record-time"] = Field(
        default="schedule",
        description="The S3 sink's measure of rotateIntervalMs. schedule is the clock: every row is"
        " archived within the interval, but a sink that fails after an upload may archive some rows"
        " twice. record-time is the records' time only (design): each row is archived once, but the"
        " last rows of a partition wait for a later record of it, for however long. Iceberg's sink"
        " does not use it.",
    )
    state: State = Field(
        default="RUNNING",
        description="State of the sink connector; while it does not run, the topics keep the"
        " changes for topics.retentionMs.",
    )
    infrequent_access_days: int = Field(
        default=30,
        ge=30,
        le=LARGEST_INT,
        description="Days after which objects move to the storage class STANDARD_IA; S3 allows no"
        " fewer than 30.",
    )
    glacier_days: int = Field(
        default=180,
        ge=60,
        le=LARGEST_INT,
        description="Days after which objects move to the storage class GLACIER; must be above"
        " infrequentAccessDays.",
    )

    maintenance: MaintenanceSettings = MaintenanceSettings()
    athena: AthenaSettings | None = None

    @property
    def maintenance_kind(self) -> MaintenanceKind:
        """What maintains the archive in this stack."""
        if self.maintenance.kind is not None:
            return self.maintenance.kind
        return "job" if self.sink == "iceberg" else "none"

    def contradictions(self) -> Iterator[tuple[str, str]]:
        yield from self._maintenance_contradictions()
        yield from self._athena_contradictions()
        if self.access == "role" and not self.oidc_provider_arn:
            yield (
                "oidcProviderArn",
                "is required where access is role: the ARN of the EKS cluster's OIDC provider",
            )
        if self.access == "user" and self.oidc_provider_arn:
            yield (
                "oidcProviderArn",
                "is not used where access is user; set access to role, or remove the key",
            )
        if self.encryption == "aws:kms" and not self.kms_key_arn:
            yield "kmsKeyArn", "is required where encryption is aws:kms"
        if self.encryption != "aws:kms" and self.kms_key_arn:
            yield (
                "kmsKeyArn",
                f"is not used where encryption is {self.encryption}; set encryption to aws:kms, or"
                " remove the key",
            )
        if self.glacier_days <= self.infrequent_access_days:
            yield (
                "glacierDays",
                f"{self.glacier_days} must be above infrequentAccessDays"
                f" ({self.infrequent_access_days}); set at least {self.infrequent_access_days + 1}",
            )

    def _athena_contradictions(self) -> Iterator[tuple[str, str]]:
        if self.athena is None:
            return
        if self.athena.results_prefix == self.prefix:
            yield (
                "athena.resultsPrefix",
                f"{self.prefix} is the archive's folder (archive.prefix); results need another one",
            )
        for key, text, suffix, most, what in (
            ("bucket", self.bucket, READER_SUFFIX, LONGEST_IDENTITY, "the reader's role"),
            ("catalogDatabase", self.catalog_database, VIEWS_SUFFIX, LONGEST_DATABASE, "the views"),
        ):
            if len(text) + len(suffix) > most:
                yield (
                    key,
                    f"has {len(text)} characters; with archive.athena at most {most - len(suffix)}"
                    f" are allowed, as {what} are named <{key}>{suffix}",
                )

    def _maintenance_contradictions(self) -> Iterator[tuple[str, str]]:
        kind, maintenance = self.maintenance_kind, self.maintenance
        if kind == "none":
            return
        if self.sink != "iceberg":
            yield (
                "maintenance.kind",
                f"{kind} needs archive.sink iceberg, but this stack has {self.sink}; set"
                " archive.sink to iceberg, or remove the key",
            )
        longest = LONGEST_IDENTITY - len(MAINTENANCE_SUFFIX)
        if len(self.bucket) > longest:
            yield (
                "bucket",
                f"has {len(self.bucket)} characters; where the archive is maintained at most"
                f" {longest} are allowed, as the maintenance's identity in AWS is named"
                f" <bucket>{MAINTENANCE_SUFFIX}",
            )
        if kind == "job" and maintenance.glue_tables:
            yield (
                "maintenance.glueTables",
                "needs AWS's table optimizers; set archive.maintenance.kind to glue, or remove the"
                " key",
            )
