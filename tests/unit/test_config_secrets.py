"""No message of a refused input shows a value that may be a secret, as users see it."""

import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pulumi
import pytest
from pulumi.runtime import config as runtime_config
from pydantic import ValidationError

from components.config import ConfigError, StackConfig, load, parse
from components.config.tables import SAMPLE_TABLES
from components.streaming.connectors.debezium import DebeziumPostgresConnector
from tests.unit.streaming_stack import source_connector

PASSWORD = "hunter2"
ARCHIVE = {"bucket": "datapipe-ingestion-test"}
# As the engine hands a stack file over: JSON by key.
VALUES = {
    "datapipe:tables": '["public.users"]',
    "datapipe:archive": '{"bucket": "datapipe-ingestion-hunter2"}',
    "datapipe:source": '{"database": "ecommerce"}',
}


def printed(attempt: Callable[[], object], error: type[Exception]) -> str:
    """Return everything that Python prints of a failure, its traceback included."""
    with pytest.raises(error) as raised:
        attempt()
    return "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize(
    "sections",
    [
        {"source": {"password": PASSWORD}},
        {"password": PASSWORD},
        {"source": {"passwordEncryption": PASSWORD}},
        {"source": {"debeziumUser": f"debezium:{PASSWORD}"}},
        {"source": PASSWORD},
        {"source": {"database": {"password": PASSWORD}}},
        {"source": {"database": [PASSWORD]}},
        {"security": [PASSWORD]},
        {"archive": {**ARCHIVE, "kmsKeyArn": {"key": PASSWORD}}},
        {"aws": {"endpoint": f"http://admin:{PASSWORD}@10.0.0.1:5566"}},
        {"aws": {"endpoint": f"http://admin:{PASSWORD}@moto"}},
        {"kafka": {"bootstrapServers": [f"admin:{PASSWORD}@kafka:9092"]}},
        {"kafka": {"bootstrapServers": f"admin:{PASSWORD}@kafka:9092"}},
        {"cluster": {"nodeNetwork": f"{PASSWORD}@10.0.0.0/8"}},
    ],
)
def test_a_refused_stack_file_shows_no_value_that_may_be_secret(sections: dict[str, Any]) -> None:
    values = {"tables": SAMPLE_TABLES, "archive": ARCHIVE, **sections}
    text = printed(lambda: parse(values, "Pulumi.test.yaml"), ConfigError)
    assert "Pulumi.test.yaml is not valid" in text
    assert PASSWORD not in text


def test_a_value_that_is_no_secret_is_shown() -> None:
    values = {"tables": ["users"], "archive": ARCHIVE, "source": {"database": "E-Commerce"}}
    text = printed(lambda: parse(values, "Pulumi.test.yaml"), ConfigError)
    assert "'users' has no schema" in text
    assert "'E-Commerce' is not a valid PostgreSQL name" in text


@pytest.mark.parametrize("key", ["database.password", "producer.override.sasl.jaas.config"])
def test_a_literal_secret_in_a_connectors_extra_is_refused_and_not_shown(
    stack: Callable[..., StackConfig], key: str
) -> None:
    connector = dict(source_connector(stack()))

    def declare() -> object:
        return DebeziumPostgresConnector(**{**connector, "extra": {key: PASSWORD}})

    text = printed(declare, ValidationError)
    assert key in text
    assert PASSWORD not in text


class TestSetAsSecret:
    """`pulumi config set --secret`: the engine hands over the value decrypted, and its key."""

    @pytest.fixture
    def set_config(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
        monkeypatch.setattr(pulumi, "get_project", lambda: "datapipe")
        monkeypatch.setattr(pulumi, "get_stack", lambda: "test")
        tokens = (
            runtime_config.CONFIG.set({}),
            runtime_config._SECRET_KEYS.set(set()),
        )
        yield runtime_config.set_all_config
        runtime_config.CONFIG.reset(tokens[0])
        runtime_config._SECRET_KEYS.reset(tokens[1])

    def test_a_key_that_would_lose_its_secrecy_is_refused(
        self, set_config: Callable[..., None]
    ) -> None:
        set_config(VALUES, ["datapipe:archive", "datapipe:source"])
        text = printed(load, ConfigError)
        for key in ("archive", "source"):
            assert f"  datapipe:{key}: holds a value that was set with --secret" in text
        assert "Set the value without --secret" in text
        assert PASSWORD not in text

    def test_the_same_values_without_it_are_taken(self, set_config: Callable[..., None]) -> None:
        set_config(VALUES, [])
        assert load().archive.bucket == "datapipe-ingestion-hunter2"

    def test_a_secret_of_another_project_is_not_ours_to_judge(
        self, set_config: Callable[..., None]
    ) -> None:
        set_config({**VALUES, "aws:secretKey": PASSWORD}, ["aws:secretKey"])
        assert load().source.database == "ecommerce"
