"""The typed outputs of a deployed stack: everything that a client needs to reach the pipeline."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic.alias_generators import to_camel

# The folder of Pulumi.yaml.
PROJECT = Path(__file__).resolve().parent.parent


class StackError(RuntimeError):
    """The stack can't be used; the message says what to do."""


class NotDeployedError(StackError):
    """The stack, or one of its databases, is not deployed yet."""


class _Output(BaseModel):
    """A part of the outputs; outputs that no client uses are ignored."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class DatabaseOutput(_Output):
    """The address of the source database from outside the cluster."""

    host: str
    # None if the stack has no node ports.
    port: int | None
    name: str
    user: str
    # In PEM format; it signs the server's certificate. Empty where that is not checked.
    ca_certificate: str
    # libpq's sslmode.
    ssl_mode: str = "verify-full"


class ConnectOutput(_Output):
    """Kafka Connect's service inside the cluster."""

    service: str
    port: int


class DeadLetterTopics(_Output):
    """The topics of records that a sink could not convert."""

    # Of the archive's sink connector.
    sink: str
    # Of the stack's further sink connectors.
    others: tuple[str, ...] = ()
    # Of sink connectors that have no topic of their own.
    connect: str

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, the archive's first."""
        return (self.sink, *self.others, self.connect)


class BudgetOutput(_Output):
    """The limits for all pods and volumes of the stack together."""

    memory_mebibytes: int
    cpu_millicores: int
    storage_mebibytes: int


class MaintenanceOutput(_Output):
    """What maintains the archive's tables."""

    # The CronJob `cron_job` of the stack, AWS's table optimizers, or nobody.
    kind: Literal["job", "glue", "none"] = "none"
    # Its name in the namespace; None if the kind is another.
    cron_job: str | None = None
    # In the syntax of cron.
    schedule: str = ""
    # From one maintenance of a table to the next, at most; None: it does not say when it was.
    late_after_seconds: int | None = None
    # Snapshots of a table, at most; None: nothing limits them.
    most_snapshots: int | None = None


def catalog_name(table: str) -> str:
    """Return the name of schema.table in the archive's catalog; `public` is left out of it."""
    schema, _, name = table.partition(".")
    return name if schema == "public" else f"{schema}_{name}"


class ArchiveOutput(_Output):
    """Where and in which form the changes are archived."""

    bucket: str
    prefix: str
    sink: Literal["confluent-s3", "iceberg"]
    # Where each captured table (schema.table) is archived: a table of the catalog (database.table)
    # for Iceberg, a folder of the bucket for files.
    tables: Mapping[str, str]
    catalog_database: str
    region: str
    # Of an AWS stand-in; None for AWS itself.
    endpoint: str | None
    maintenance: MaintenanceOutput = MaintenanceOutput()

    def iceberg_table(self, table: str) -> tuple[str, str]:
        """Return the database and the name of the Iceberg table of schema.table.

        While an update adds a table, or after one has removed it, the outputs do not contain it;
        then its name follows the rule of the program.
        """
        if table in self.tables:
            database, _, archived = self.tables[table].partition(".")
            return database, archived
        return self.catalog_database, catalog_name(table)

    def folder(self, table: str) -> str:
        """Return the folder of the bucket with the files of schema.table.

        Raises StackError if the stack does not capture the table.
        """
        if table not in self.tables:
            raise StackError(f"the stack does not capture {table}, so it has no archive of it")
        return self.tables[table]


class _CapturedOutput(_Output):
    """What clients need of one captured database."""

    # Whether the program runs its server.
    managed: bool
    # Whether the names of its objects, and of its views, say whose they are.
    object_names: Literal["short", "qualified"] = "qualified"
    # Captured, as schema.table.
    tables: tuple[str, ...]
    # Columns that are not captured, by schema.table.
    excluded_columns: Mapping[str, tuple[str, ...]] = {}
    # Columns of each table's primary key, as of the last update; none for a table without.
    keys: Mapping[str, tuple[str, ...]] = {}
    # Each table's captured columns in its order: names and PostgreSQL's types.
    columns: Mapping[str, tuple[tuple[str, str], ...]] = {}
    # What the archive has of each table of an existing database, as JSON (drift.sql).
    captured_entries: str = "{}"
    # The server of which the archive has them: system identifier, a slash and timeline.
    captured_server: str | None = None
    topic_prefix: str
    # Its name in the metrics' label `source` and in the worker's files; None: they do without.
    label: str | None = None
    # The replication slots of its connectors, and the publication of a shared connector.
    slots: tuple[str, ...]
    publication: str
    database: DatabaseOutput
    database_password: SecretStr


class SourceOutput(_CapturedOutput):
    """An entry of the output `sources`."""

    catalog_database: str
    # Where each table is archived; ArchiveOutput.tables.
    archived: Mapping[str, str]
    # Names of its source connectors.
    connectors: tuple[str, ...]

    def flat(self) -> dict[str, Any]:
        """Return the fields that StackOutputs has, too."""
        return {name: getattr(self, name) for name in _CapturedOutput.model_fields}


class _Sources(_Output):
    sources: Mapping[str, SourceOutput] = Field(min_length=1)


class StackOutputs(_CapturedOutput):
    """The outputs of the Pulumi program: of the whole stack, and of one captured database."""

    # The name of that database.
    source: str
    # Every captured database, by name.
    sources: Mapping[str, SourceOutput]
    namespace: str
    # Of the kubeconfig; None is the current context.
    context: str | None = None
    dead_letter_topics: DeadLetterTopics
    budget: BudgetOutput
    bootstrap_servers: str
    # Settings of librdkafka by which a client proves who it is; none where connections are
    # plaintext.
    kafka_login: Mapping[str, SecretStr] = {}
    # When the first of Kafka's certificates ends.
    kafka_certificates_end: datetime | None = None
    connect: ConnectOutput
    # Names of all connectors that the stack declares, of every database and the sinks.
    connectors: tuple[str, ...]
    # Its tables and its catalog database are those of the one captured database.
    archive: ArchiveOutput

    def of(self, source: str) -> "StackOutputs":
        """Return the same stack with another captured database.

        Raises StackError if the stack captures no database of this name.
        """
        if source not in self.sources:
            allowed = ", ".join(self.source_names)
            raise NotDeployedError(f"the stack captures no database {source!r}; allowed: {allowed}")
        own = self.sources[source]
        archive = {"tables": own.archived, "catalog_database": own.catalog_database}
        return self.model_copy(
            update={
                **own.flat(),
                "source": source,
                "archive": self.archive.model_copy(update=archive),
            }
        )

    @property
    def source_names(self) -> tuple[str, ...]:
        """The names of the captured databases, the managed one first."""
        return _in_order(self.sources)

    def each(self) -> Iterator["StackOutputs"]:
        """Yield the stack with each captured database, the managed one first."""
        return map(self.of, self.source_names)

    @property
    def source_connectors(self) -> tuple[str, ...]:
        """The names of the connectors that capture the one database."""
        return self.sources[self.source].connectors

    @property
    def sink_connectors(self) -> tuple[str, ...]:
        """The names of the declared connectors that capture no database."""
        capturing = {name for source in self.sources.values() for name in source.connectors}
        return tuple(name for name in self.connectors if name not in capturing)

    @property
    def kafka(self) -> dict[str, str]:
        """The settings of librdkafka by which a client reaches the brokers."""
        login = {name: value.get_secret_value() for name, value in self.kafka_login.items()}
        return {"bootstrap.servers": self.bootstrap_servers, **login}

    def topic_of(self, table: str) -> str:
        """Return the topic with the changes of schema.table."""
        return f"{self.topic_prefix}.{table}"

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics of the captured tables, in the order of `tables`."""
        return tuple(self.topic_of(table) for table in self.tables)


def _in_order(sources: Mapping[str, SourceOutput]) -> tuple[str, ...]:
    """Return their names, the managed one first. Pulumi does not keep the stack file's order."""
    return tuple(sorted(sources, key=lambda name: (not sources[name].managed, name)))


def run_pulumi(stack: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of pulumi for a stack, whether it succeeds or not.

    Raises StackError where pulumi is not installed.
    """
    command = ["pulumi", *arguments, "--stack", stack]
    try:
        return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise StackError('pulumi is not on PATH; run eval "$(make env)" first') from None


def read_outputs(stack: str) -> StackOutputs:
    """Return the outputs of a deployed stack, with the managed database or else the first one.

    Raises StackError if pulumi can't be run, or the stack does not exist or is not deployed.
    """
    result = run_pulumi(stack, "stack", "output", "--json", "--show-secrets")
    if result.returncode != 0:
        raise NotDeployedError(
            f"can't read stack {stack}; run make up STACK={stack} first: {result.stderr.strip()}"
        )
    return parse_outputs(stack, json.loads(result.stdout))


def read_managed(stack: str) -> StackOutputs:
    """Return the outputs of a deployed stack with its managed database, whose rows may be changed.

    Raises StackError if it has none, too.
    """
    outputs = read_outputs(stack)
    if not outputs.managed:
        raise StackError(
            "this command changes rows of the sample tables in the managed database, but stack"
            f" {stack} has none: it captures {', '.join(outputs.source_names)}. List"
            " public.users and the other sample tables as datapipe:tables, or use another stack"
        )
    return outputs


def parse_outputs(stack: str, outputs: Mapping[str, Any]) -> StackOutputs:
    """Return the typed outputs. Raises StackError if some are missing or not valid."""
    if not outputs:
        raise NotDeployedError(f"stack {stack} is not deployed; run make up STACK={stack} first")
    try:
        sources = _Sources.model_validate(outputs).sources
        first = _in_order(sources)[0]
        own = sources[first]
        archive = outputs.get("archive", {})
        return StackOutputs.model_validate(
            {
                **outputs,
                **own.flat(),
                "source": first,
                "sources": sources,
                "archive": {
                    **archive,
                    "tables": own.archived,
                    "catalogDatabase": own.catalog_database,
                },
            }
        )
    except ValidationError as error:
        names = ", ".join(".".join(map(str, problem["loc"])) for problem in error.errors())
        raise StackError(
            f"stack {stack} lacks valid outputs {names}: its last deployment did not finish, or"
            f" another version made it. Run make up STACK={stack}"
        ) from None
