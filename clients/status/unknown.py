"""A part of the pipeline that does not answer; it hides no other."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import psycopg
from botocore.exceptions import BotoCoreError, ClientError
from confluent_kafka import KafkaException
from kubernetes.client import ApiException
from urllib3.exceptions import HTTPError

from clients.stack import StackError

T = TypeVar("T")

# What the clients raise if their server is unreachable or refuses.
UNREACHABLE = (
    ApiException,
    BotoCoreError,
    ClientError,
    HTTPError,
    KafkaException,
    psycopg.Error,
    StackError,
)


@dataclass(frozen=True)
class Unknown:
    """A part that did not answer, and why."""

    part: str
    reason: str


def ask(part: str, question: Callable[[], T]) -> T | Unknown:
    """Return the answer, or the reason why a part does not answer."""
    try:
        return question()
    except UNREACHABLE as error:
        return Unknown(part, on_one_line(error))


def on_one_line(error: Exception) -> str:
    """Return an error's message without line breaks."""
    if isinstance(error, ApiException):
        return f"{error.status} {error.reason}: {str(error.body or '').strip()[:300]}"
    return " ".join(str(error).split())
