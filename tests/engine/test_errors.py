"""What the engine prints of an error in a dynamic resource."""

import inspect
import pkgutil
import shutil
from importlib import import_module
from pathlib import Path

import pytest
from pulumi import dynamic

import components
from components.dynamic_provider import Provider
from tests.engine.pulumi_project import PROJECT, Project, Run


def run(folder: Path, command: tuple[str, ...], **variables: str) -> Run:
    """Run a command on the project that fails as the variables say."""
    for file in (PROJECT / "tests/engine/failing").iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    project = Project.with_own_state(folder, "test", **variables)
    return project.pulumi(*command, check=False)


@pytest.mark.parametrize(
    ("method", "command"),
    [("check", ("preview",)), ("create", ("up", "--yes", "--skip-preview"))],
)
def test_an_error_that_explains_itself_has_no_traceback(
    tmp_path: Path, method: str, command: tuple[str, ...]
) -> None:
    failed = run(tmp_path, command, FAULT="explained", METHOD=method)
    assert failed.code != 0
    assert f"the pod is away; {method} again later" in failed.output
    assert "Traceback" not in failed.output
    assert ".py" not in failed.output


def test_an_unexpected_error_keeps_its_traceback(tmp_path: Path) -> None:
    failed = run(tmp_path, ("preview",), FAULT="unexpected", METHOD="check")
    assert "Traceback" in failed.output
    assert "ValueError: the pod is away" in failed.output


def test_every_provider_of_the_program_has_the_base_that_explains() -> None:
    providers = {
        each
        for module in pkgutil.walk_packages(components.__path__, "components.")
        if not module.name.endswith("__main__")
        for _, each in inspect.getmembers(import_module(module.name), inspect.isclass)
        if issubclass(each, dynamic.ResourceProvider) and each is not dynamic.ResourceProvider
    }
    assert {each.__name__ for each in providers} > {"KafkaConnectorProvider", "PasswordProvider"}
    assert all(issubclass(each, Provider) for each in providers)
