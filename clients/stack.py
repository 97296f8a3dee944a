"""The outputs of a deployed stack, typed: all that a client needs to reach the pipeline."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError
from pydantic.alias_generators import to_camel

PROJECT = Path(__file__).resolve().parent.parent
"""The folder of Pulumi.yaml."""


class StackError(RuntimeError):
    """The stack can't be used; the message says what to do."""


class _Output(BaseModel):
    """A part of the outputs; outputs that no client uses may come and go."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class DatabaseOutput(_Output):
    """Where the source database answers from outside the cluster."""

    host: str
    port: int | None
    """None where the stack has no node ports"""
    name: str
    user: str
    ca_certificate: str
    """PEM, signs the server's certificate"""


class ConnectOutput(_Output):
    """Kafka Connect's service inside the cluster."""

    service: str
    port: int


class DeadLetterTopics(_Output):
    """The topics of records that a sink could not convert."""

    sink: str
    """of the archive's sink connector"""
    others: tuple[str, ...] = ()
    """of the stack's further sink connectors"""
    connect: str
    """of sink connectors that have none of their own"""

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, the archive's first."""
        return (self.sink, *self.others, self.connect)


class BudgetOutput(_Output):
    """The limits for all pods and volumes of the stack together."""

    memory_mebibytes: int
    cpu_millicores: int
    storage_mebibytes: int


class ArchiveOutput(_Output):
    """Where and in what form the changes are archived."""

    bucket: str
    prefix: str
    sink: Literal["confluent-s3", "iceberg"]
    tables: Mapping[str, str]
    """where each captured table (schema.table) is archived: a table of the catalog
    (database.table) for Iceberg, a folder below the bucket for files"""
    catalog_database: str
    region: str
    endpoint: str | None
    """of an AWS stand-in; None is AWS"""


class StackOutputs(_Output):
    """What `pulumi stack output` says of a deployed stack."""

    namespace: str
    context: str | None = None
    """of the kubeconfig; None is the current one"""
    tables: tuple[str, ...]
    """captured, as schema.table"""
    topic_prefix: str
    """of the captured tables' topics: PREFIX.schema.table"""
    dead_letter_topics: DeadLetterTopics
    budget: BudgetOutput
    database: DatabaseOutput
    database_password: SecretStr
    bootstrap_servers: str
    connect: ConnectOutput
    connectors: tuple[str, ...]
    """the names of those that the stack declares"""
    archive: ArchiveOutput


def read_outputs(stack: str) -> StackOutputs:
    """The outputs of a deployed stack.

    Raises StackError where pulumi can't be run, or the stack does not exist or is not deployed.
    """
    command = ["pulumi", "stack", "output", "--json", "--show-secrets", "--stack", stack]
    try:
        result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise StackError('pulumi is not on PATH; run eval "$(make env)" first') from None
    if result.returncode != 0:
        raise StackError(
            f"stack {stack} can't be read, run make up STACK={stack} first: {result.stderr.strip()}"
        )
    return parse_outputs(stack, json.loads(result.stdout))


def parse_outputs(stack: str, outputs: Mapping[str, Any]) -> StackOutputs:
    """The typed outputs. Raises StackError where some are missing: a deployment did not finish."""
    if not outputs:
        raise StackError(f"stack {stack} is not deployed; run make up STACK={stack} first")
    try:
        return StackOutputs.model_validate(outputs)
    except ValidationError as error:
        wrong = ", ".join(".".join(map(str, problem["loc"])) for problem in error.errors())
        raise StackError(
            f"stack {stack} has no usable output {wrong}: its deployment did not finish, or is of"
            f" another version. Run make up STACK={stack}"
        ) from None
