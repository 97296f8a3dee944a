"""The pack in the real Pulumi engine: its messages, and the updates that it stops."""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import pytest

from policies.pack import POLICIES
from policies.resource import Resource
from tests.policies.cases import CASES, STRICT_CASES, Case
from tests.policies.engine import PACK, Engine, Run, engine_for_samples
from tests.policies.samples import (
    aws,
    compliant_stack,
    container,
    deployment,
    pod_spec,
    sizes,
    topic,
)

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return engine_for_samples(tmp_path_factory.mktemp("engine"))


def configured(engine: Engine, configuration: Mapping[str, object]) -> Run:
    """Run a preview with a configuration of the pack."""
    file = engine.folder / "configuration.json"
    file.write_text(json.dumps(configuration))
    return engine.pulumi("preview", "--policy-pack-config", str(file))


def distinct(resources: list[Resource]) -> list[Resource]:
    """Drop duplicates: Pulumi and the cluster refuse the same type and name twice."""
    return list({(r.type, r.name): r for r in resources}.values())


def test_a_compliant_stack_passes(engine: Engine) -> None:
    engine.register(compliant_stack())

    preview = engine.pulumi("preview")

    assert preview.code == 0, preview.output
    assert "mandatory" not in preview.output


@pytest.fixture(scope="module")
def broken_preview(engine: Engine) -> Run:
    """A preview of all broken resources together."""
    everything = [resource for case in CASES for resource in case.broken]
    engine.register(distinct([*compliant_stack(), *everything]))
    return engine.pulumi("preview")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.policy}: {case.message[:40]}")
def test_the_preview_reports_every_violation(broken_preview: Run, case: Case) -> None:
    assert broken_preview.code != 0
    assert case.message in broken_preview.text, broken_preview.output


def test_a_violation_stops_the_update_with_nothing_created(engine: Engine) -> None:
    too_big = container(resources=sizes("5000Mi", "1"))
    engine.register([*compliant_stack(), deployment("big", pod_spec(too_big))])

    update = engine.pulumi("up", "--yes")

    assert update.code != 0
    assert "memory limits add up to" in update.text
    assert engine.resources_in_state() == []


def test_production_is_stricter(engine: Engine) -> None:
    engine.register([resource for case in STRICT_CASES for resource in case.broken])
    strict = json.loads((PACK / "configuration" / "prod.json").read_text())

    preview = configured(engine, strict)

    assert preview.code != 0
    assert [c.message for c in STRICT_CASES if c.message not in preview.text] == [], preview.output


def test_an_unknown_value_is_reported_and_judged_in_the_update(engine: Engine) -> None:
    unclear = container(image={"idOf": "postgres:latest"})
    source_of_name = aws("Bucket", "postgres:latest", bucket="no-policy-asks-for-this")
    engine.register([source_of_name, deployment("app", pod_spec(unclear))])
    only_images = {"all": "disabled", "images": "mandatory"}

    preview = configured(engine, only_images)
    assert preview.code == 0, preview.output
    assert "not judged yet" in preview.text
    assert "app.spec.template.spec.containers[0].image" in preview.text

    file = str(engine.folder / "configuration.json")
    update = engine.pulumi("up", "--yes", "--skip-preview", "--policy-pack-config", file)
    assert update.code != 0
    assert "can change at any time" in update.text
    assert [r["type"] for r in engine.resources_in_state()] == [source_of_name.type]
    assert engine.pulumi("destroy", "--yes", "--skip-preview", with_pack=False).code == 0


@pytest.mark.parametrize(("days", "passes"), [(30, True), (-1, False)])
def test_an_exception_is_valid_until_its_last_day(engine: Engine, days: int, passes: bool) -> None:
    engine.register([topic("scratch", replicas=1, retention_ms="60000")])
    exception = {
        "resource": "kafka:index/topic:Topic::scratch",
        "reason": "test data only, never read",
        "expires": str(date.today() + timedelta(days=days)),
    }

    preview = configured(engine, {"kafka-topics": {"exceptions": [exception]}})

    assert (preview.code == 0) is passes, preview.output
    assert ("expired on" in preview.text) is not passes


def test_an_exception_without_a_reason_is_refused(engine: Engine) -> None:
    engine.register(compliant_stack())
    exception = {"resource": "kafka:index/topic:Topic::scratch", "expires": "2030-01-01"}

    preview = configured(engine, {"kafka-topics": {"exceptions": [exception]}})

    assert preview.code != 0
    assert "reason is required" in preview.text


def test_a_misspelt_setting_is_refused(engine: Engine) -> None:
    engine.register(compliant_stack())
    policies = ("images", "memory-budget")  # one for each resource, one for the stack

    preview = configured(engine, {policy: {"limitt": "8Gi"} for policy in policies})

    assert preview.code != 0
    for policy in policies:
        refusal = f"the configuration of {policy} has no setting limitt; allowed:"
        assert preview.text.count(refusal) == 1


def test_the_configurations_name_policies_and_settings_that_exist() -> None:
    settings = {policy.name: {*policy.settings, "exceptions"} for policy in POLICIES}
    for file in sorted(Path(PACK, "configuration").glob("*.json")):
        for name, given in json.loads(file.read_text()).items():
            assert set(given) <= settings[name], f"{file.name}: {name}"
