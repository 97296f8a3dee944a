"""More and fewer partitions of the program's topics, in the real engine."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.policies.engine import Engine, engine_for_program

pytestmark = pytest.mark.engine

TOPICS_ALONE = """
import pulumi
import pulumi_kafka

from components.config import load
from components.streaming.sinks.declared import declared_sinks
from components.streaming.topics import TopicsArgs, declare_topics, topics_for

config = load()
provider = pulumi_kafka.Provider("kafka", bootstrap_servers=["127.0.0.1:9092"])
topics = topics_for(TopicsArgs.from_config(config, declared_sinks(config)))
declare_topics(topics, provider, pulumi.ResourceOptions())
"""


def configure(engine: Engine, **topics: Any) -> None:
    """Set `datapipe:topics` in the stack file."""
    file = engine.folder / f"Pulumi.{engine.stack}.yaml"
    document = yaml.safe_load(file.read_text())
    document["config"]["datapipe:topics"] = topics
    file.write_text(yaml.safe_dump(document))


def deployed(folder: Path, protect: bool) -> Engine:
    """Deploy a stack of topics with six partitions for each table."""
    engine = engine_for_program(folder, "dev")
    (folder / "__main__.py").unlink()
    (folder / "__main__.py").write_text(TOPICS_ALONE)
    configure(engine, protect=protect)
    up = engine.pulumi("up", "--yes", "--skip-preview", with_pack=False)
    assert up.code == 0, up.output
    return engine


@pytest.fixture(scope="module")
def protected(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return deployed(tmp_path_factory.mktemp("topics"), protect=True)


def test_partitions_grow_in_place(protected: Engine) -> None:
    configure(protected, overrides={"public.orders": {"partitions": 12}})

    preview = protected.pulumi("preview", "--diff", with_pack=False)

    assert preview.code == 0, preview.output
    assert re.search(r"~ partitions *: 6 => 12", preview.text), preview.output
    assert "replace" not in preview.text


def test_fewer_partitions_are_refused_in_the_preview(protected: Engine) -> None:
    configure(protected, overrides={"public.orders": {"partitions": 3}})

    preview = protected.pulumi("preview", "--diff", with_pack=False)

    assert preview.code != 0
    assert "postgres.public.orders" in preview.text
    assert "unable to replace resource" in preview.text, preview.output
    assert "currently marked for protection" in preview.text
    assert re.search(r"~ partitions *: 6 => 3", preview.text)


def test_without_protection_the_preview_shows_that_the_topic_is_replaced(tmp_path: Path) -> None:
    engine = deployed(tmp_path, protect=False)
    configure(engine, protect=False, overrides={"public.orders": {"partitions": 3}})

    preview = engine.pulumi("preview", with_pack=False)

    assert preview.code == 0, preview.output
    assert "postgres.public.orders replace [diff: ~config,partitions]" in preview.text
