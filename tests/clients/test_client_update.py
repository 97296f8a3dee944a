"""A temporary copy of a stack's file has other settings."""

from pathlib import Path

import pytest
import yaml

from clients import update
from clients.update import changed_stack_file


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one stack file."""
    monkeypatch.setattr(update, "PROJECT", tmp_path)
    config = {"datapipe:tables": ["public.a"], "datapipe:connect": {"workers": 2}}
    (tmp_path / "Pulumi.test.yaml").write_text(
        yaml.safe_dump({"config": config, "encryptionsalt": "v1:salt"})
    )
    return tmp_path


def test_sections_are_merged_and_other_values_replaced(project: Path) -> None:
    before = (project / "Pulumi.test.yaml").read_text()
    settings = {
        "datapipe:tables": ["public.b"],
        "datapipe:connect": {"port": 9},
        "datapipe:topics": {"partitions": 1},
    }
    with changed_stack_file("test", settings) as file:
        document = yaml.safe_load(file.read_text())
    assert document["config"] == {
        "datapipe:tables": ["public.b"],
        "datapipe:connect": {"workers": 2, "port": 9},
        "datapipe:topics": {"partitions": 1},
    }
    assert document["encryptionsalt"] == "v1:salt"
    assert not file.exists()
    assert (project / "Pulumi.test.yaml").read_text() == before
