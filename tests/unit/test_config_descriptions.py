"""Every key of a stack file is described, for docs/CONFIGURATION.md and for who leaves it out."""

import pytest
from pydantic import BeforeValidator
from pydantic.fields import FieldInfo

from components.config.fields import allowed_by, fields_of, walk
from components.config.stack import StackConfig
from components.settings import NUMBERS
from components.sizing import Resources

KEYS = {**dict(walk(StackConfig)), **fields_of(Resources)}


@pytest.mark.parametrize("key", KEYS)
def test_every_key_has_a_sentence_that_describes_it(key: str) -> None:
    description = KEYS[key].description or ""
    assert len(description.split()) >= 3, f"{key} needs a description, a full sentence"
    assert description.endswith("."), description


def test_the_keys_of_every_section_are_found() -> None:
    assert len(KEYS) > 100
    for key in ("tables", "topics.overrides.<schema.table>.partitions", "archive.bucket"):
        assert key in KEYS


@pytest.mark.parametrize(
    ("key", "allowed"),
    [
        ("kafka.brokers", "1 to 99"),
        ("topics.overrides.<schema.table>.partitions", "1 to 1000"),
        ("topics.overrides.<schema.table>.compression", "lz4, zstd, snappy, gzip, producer"),
        ("connect.pluginDigests.s3Sink", "64 hexadecimal digits"),
        ("source.checkpointCompletionTarget", "above 0, at most 1"),
        ("archive.flushSize", "1 to 2147483647"),
    ],
)
def test_what_a_key_allows_is_said_in_words(key: str, allowed: str) -> None:
    field: FieldInfo = KEYS[key]
    assert str(allowed_by(field)).startswith(allowed)


NUMBERS_OF_A_STACK = [key for key, field in KEYS.items() if field.annotation in NUMBERS]


@pytest.mark.parametrize("key", NUMBERS_OF_A_STACK)
def test_every_number_has_a_highest_value(key: str) -> None:
    """Kafka, Connect and PostgreSQL refuse a larger one only when they start."""
    field = KEYS[key]
    has_unit = any(isinstance(item, BeforeValidator) for item in field.metadata)
    assert has_unit or allowed_by(field).most is not None
