"""The pack on the pipeline's own program, stack by stack, through the real engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.policies.engine import PACK, Engine, engine_for_program

STACKS = ("dev", "sandbox")
DIGEST = f"sha256:{'0' * 64}"
"""of no image; the real ones are whoever deploys production's to fill in"""


@pytest.fixture(scope="module", params=STACKS)
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return engine_for_program(tmp_path_factory.mktemp("program"), request.param)


def preview(engine: Engine) -> tuple[int, str]:
    configuration = PACK / "configuration" / f"{engine.stack}.json"
    run = engine.pulumi("preview", "--policy-pack-config", str(configuration))
    return run.code, run.output


@pytest.fixture
def sizes(program: Engine) -> Iterator[dict[str, dict[str, str]]]:
    """`datapipe:sizing` of the stack file, to be changed before `write`; put back afterwards."""
    file = program.folder / f"Pulumi.{program.stack}.yaml"
    before = file.read_text()
    yield {}
    file.write_text(before)


def write_sizes(program: Engine, sizing: dict[str, dict[str, str]]) -> None:
    file = program.folder / f"Pulumi.{program.stack}.yaml"
    document = yaml.safe_load(file.read_text())
    document["config"]["datapipe:sizing"] = sizing
    file.write_text(yaml.safe_dump(document))


def test_the_program_passes(program: Engine) -> None:
    code, output = preview(program)

    assert code == 0, output
    assert "[mandatory]" not in output


def test_a_broker_too_large_is_stopped_with_the_table(
    program: Engine, sizes: dict[str, dict[str, str]]
) -> None:
    # 3 brokers: 4096Mi are passed by far, with or without a registry
    sizes["broker"] = {"memoryLimit": "900Mi"}
    write_sizes(program, sizes)

    code, output = preview(program)

    assert code != 0
    assert "the pods' memory limits add up to" in output
    assert "StatefulSet kafka" in output
    assert "smallest change that fits: lower the limit" in output


@pytest.mark.parametrize(
    ("stack", "added_up", "allowed"), [("dev", 4103, 4096), ("sandbox", 3591, 3584)]
)
def test_3_mib_more_per_broker_fit_only_if_another_gives_way(
    tmp_path: Path, stack: str, added_up: int, allowed: int
) -> None:
    engine = engine_for_program(tmp_path, stack)
    write_sizes(engine, {"broker": {"memoryLimit": "685Mi"}})

    code, output = preview(engine)
    assert code != 0
    assert f"add up to {added_up}Mi, allowed are {allowed}Mi: 7Mi too much" in output
    assert "StatefulSet kafka" in output
    assert "smallest change that fits: lower the limit" in output

    lower = {"memoryRequest": "1015Mi", "memoryLimit": "1015Mi"}
    write_sizes(engine, {"broker": {"memoryLimit": "685Mi"}, "connect": lower})
    code, output = preview(engine)
    assert code == 0, output


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """The prod stack with every image pinned."""
    engine = engine_for_program(tmp_path_factory.mktemp("production"), "prod")
    file = engine.folder / "Pulumi.prod.yaml"
    document = yaml.safe_load(file.read_text())
    images = document["config"]["datapipe:images"]
    document["config"]["datapipe:images"] = {
        name: f"{image}@{DIGEST}" for name, image in images.items()
    }
    file.write_text(yaml.safe_dump(document))
    return engine


def test_production_passes_with_its_images_pinned(production: Engine) -> None:
    code, output = preview(production)

    assert code == 0, output
    assert "[mandatory]" not in output


def test_production_has_a_connector_for_each_table(production: Engine) -> None:
    _, output = preview(production)

    for table in ("users", "products", "orders", "order_items"):
        assert f"postgres-cdc-connector-public.{table}" in output


def test_production_as_committed_is_refused_for_its_images_alone(tmp_path: Path) -> None:
    """The stack file can't know the digests: nobody deploys it without filling them in."""
    code, output = preview(engine_for_program(tmp_path, "prod"))

    assert code != 0
    refusals = [line for line in output.splitlines() if "[mandatory]" in line]
    assert refusals
    assert all(" images " in line for line in refusals), output
    assert "cp-kafka:7.9.2 has no digest" in output
