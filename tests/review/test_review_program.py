"""The pipeline's own stacks reviewed through the real engine, without a cluster or a cloud."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from components.config.existing_source import ENCRYPTED
from review.manifests import changes, manifests
from review.preview import Preview, PreviewError, preview
from review.report import Review
from review.stack_file import PLACEHOLDER, without_secrets
from tests.previews import Previews, changed_program

pytestmark = pytest.mark.engine


@pytest.fixture
def dev(previews: Previews) -> Preview:
    """The dev stack as committed."""
    return previews("dev")


def test_the_program_passes_with_its_budget(dev: Preview) -> None:
    review = Review(dev)
    assert review.passes
    assert "**memory-budget**: 4094Mi of 4096Mi" in review.markdown()


def test_production_is_refused_as_expected(previews: Previews) -> None:
    review = Review(previews("prod"))
    assert review.passes
    assert "✓ refused as expected" in review.markdown()


def test_secrets_are_replaced(dev: Preview) -> None:
    secrets = [r for r in dev.resources if r.is_kind("Secret")]
    assert secrets
    assert {secret.properties["stringData"] for secret in secrets} == {"[secret]"}
    assert "kind: Secret" in manifests(dev.resources)


def test_a_broker_3_mib_larger_is_refused_with_the_table_and_shown(
    dev: Preview, previews: Previews
) -> None:
    larger = previews("dev", {"datapipe:sizing": {"broker": {"memoryLimit": "685Mi"}}})
    review = Review(larger, changes(dev.resources, larger.resources))

    assert not review.passes
    text = review.markdown()
    assert "add up to 4103Mi; `limit` is 4096Mi, exceeded by 7Mi" in text
    assert "smallest change that fits" in text
    assert "| headroom |  |  |  | -7Mi |  |" in text
    assert "+            memory: 685Mi" in text


def test_the_number_of_files_is_said_and_warned_of_where_it_is_large(
    dev: Preview, previews: Previews
) -> None:
    assert "- note, Streaming streaming: the archive gets up to 1,000 files per million rows" in (
        Review(dev).markdown()
    )
    archive = {"bucket": "datapipe-ingestion-dev", "rowsPerSecond": 10_000}
    busy = previews("dev", {"datapipe:archive": archive})
    assert "- warning, Streaming streaming: the archive gets up to 898,560 files a day" in (
        Review(busy).markdown()
    )


def test_a_stack_with_athena_passes(previews: Previews) -> None:
    archive = {
        "bucket": "datapipe-ingestion-dev",
        "athena": {"readers": ["arn:aws:iam::123456789012:role/analyst"]},
    }
    asked = previews("dev", {"datapipe:archive": archive})
    assert Review(asked).passes
    kinds = [resource.type.rpartition(":")[2] for resource in asked.resources]
    assert kinds.count("NamedQuery") == 4 * 3 + 1
    assert kinds.count("CatalogTable") == 4 * 2


def test_an_invalid_stack_file_is_reported_with_the_programs_error(tmp_path: Path) -> None:
    project = changed_program(tmp_path, "dev", {"datapipe:kafka": {"brokers": 2}})
    with pytest.raises(
        PreviewError, match=r"kafka\.replicationFactor: 3 is above kafka\.brokers \(2\)"
    ):
        preview("dev", project)


def test_a_stack_that_does_not_exist_is_reported_with_those_that_do() -> None:
    with pytest.raises(PreviewError, match=r"no Pulumi\.staging\.yaml; stacks: dev, prod, sandbox"):
        preview("staging")


SOURCES = {
    "shop": {
        "host": "10.20.0.7",
        "database": "shop",
        "password": {"secure": "v1:U29tZQ==:bm90aGluZw=="},
        "sslMode": "require",
    }
}


def with_sources(folder: Path, sources: dict[str, Any]) -> Path:
    """Put the program into `folder`, with an existing database that has dev's tables."""
    project = changed_program(folder, "dev", {"datapipe:sources": sources})
    file = project / "Pulumi.dev.yaml"
    document = yaml.safe_load(file.read_text())
    tables = document["config"].pop("datapipe:tables")
    document["config"]["datapipe:sources"]["shop"]["tables"] = {table: {} for table in tables}
    document["encryptionsalt"] = "v1:only=:the-deployed-stack=knows-its-passphrase="
    file.write_text(yaml.safe_dump(document))
    return project


def test_a_stack_file_with_an_encrypted_password_is_judged_without_its_key(tmp_path: Path) -> None:
    reviewed = preview("dev", with_sources(tmp_path, SOURCES))
    review = Review(reviewed)
    assert review.passes
    text = review.markdown()
    assert 'datapipe:sources["shop"]["password"] is encrypted: a placeholder was judged' in text
    policies = [each for each in reviewed.resources if each.is_kind("NetworkPolicy")]
    assert "10.20.0.7/32" in repr([each.properties for each in policies])


def test_an_encrypted_value_elsewhere_is_refused_as_an_update_would(tmp_path: Path) -> None:
    encrypted = {"datapipe:kafka": {"brokers": {"secure": "v1:U29tZQ==:bm90aGluZw=="}}}
    with pytest.raises(PreviewError) as refused:
        preview("dev", changed_program(tmp_path, "dev", encrypted))
    assert "datapipe:kafka: holds a value that was set with --secret" in str(refused.value)
    assert 'replaced by [encrypted]: datapipe:kafka["brokers"]' in str(refused.value)


def test_the_program_knows_the_placeholder() -> None:
    assert PLACEHOLDER == ENCRYPTED


def test_only_encrypted_values_leave_the_stack_file() -> None:
    given = {
        "encryptionsalt": "v1:x",
        "config": {
            "aws:region": "eu-west-1",
            "datapipe:list": [1, {"secure": "v1:a"}, {"deep": {"secure": "v1:b"}}],
            "datapipe:whole": {"secure": "v1:c"},
            "datapipe:not": {"secure": "v1:d", "other": 1},
        },
    }
    text, paths = without_secrets(yaml.safe_dump(given))
    assert yaml.safe_load(text) == {
        "config": {
            "aws:region": "eu-west-1",
            "datapipe:list": [1, PLACEHOLDER, {}],
            "datapipe:not": {"secure": "v1:d", "other": 1},
        }
    }
    assert paths == ["datapipe:list[1]", 'datapipe:list[2]["deep"]', "datapipe:whole"]
