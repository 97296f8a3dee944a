"""Marks tests by what they need, and refuses to run one where that is missing.

`make unit` runs `-m unit`: the tests that need neither root, nor a cluster, nor anything that must
be built first.
"""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import limits
from tests.requirements import FOLDERS, REQUIREMENTS

TESTS = Path(__file__).parent

# Other tests use the cores, too, so that what an example takes says nothing of the code.
settings.register_profile(
    "busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("busy machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--print-requirements",
        action="store_true",
        help="print the markers of what the selected tests need, and run nothing",
    )


def pytest_configure(config: pytest.Config) -> None:
    for name, requirement in REQUIREMENTS.items():
        config.addinivalue_line("markers", f"{name}: needs {requirement.description}")
    config.addinivalue_line("markers", "unit: set on every test that `make unit` runs")
    if config.option.print_requirements:
        config.option.collectonly = True
    config.pluginmanager.register(limits)


@pytest.hookimpl(tryfirst=True)  # before pytest deselects by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        if folder in FOLDERS:
            item.add_marker(FOLDERS[folder])
        if all(REQUIREMENTS[name].unit for name in needs(item)):
            item.add_marker("unit")
        limit = max(
            filter(None, (REQUIREMENTS[name].limit_seconds for name in needs(item))), default=None
        )
        if limit and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(limit))


def pytest_collection_finish(session: pytest.Session) -> None:
    if session.config.option.print_requirements:
        needed = {name for item in session.items for name in needs(item)}
        print("requirements:", *sorted(needed))


@pytest.hookimpl(tryfirst=True)  # before the test's fixtures
def pytest_runtest_setup(item: pytest.Item) -> None:
    for name in needs(item):
        if refusal := REQUIREMENTS[name].refusal():
            pytest.fail(f"{name}: {refusal}", pytrace=False)


def needs(item: pytest.Item) -> list[str]:
    """Return the names of what a test needs."""
    return [marker.name for marker in item.iter_markers() if marker.name in REQUIREMENTS]
