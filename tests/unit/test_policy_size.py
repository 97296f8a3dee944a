"""A policy that is longer than IAM takes fails in the preview, not in the middle of an update."""

import json
import re
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from components.archive.layer import Archive, ArchiveArgs
from components.archive.policy_size import LONGEST_POLICY, policy_problem
from components.config import StackConfig
from components.streaming.sinks.declared import declared_sinks
from tests.unit.deployment import Deployment
from tests.unit.existing_databases import CRM
from tests.unit.streaming_stack import OWN_ICEBERG, design

Deploy = Callable[..., Deployment]


def stack(databases: int, *, sink: str = "iceberg", **sections: Any) -> StackConfig:
    """Return a stack on AWS with so many databases, the managed one among them."""
    given = {f"shop{number}": CRM | {"host": f"10.30.0.{number}"} for number in range(1, databases)}
    archive = {"sink": sink, **sections.pop("archive", {})}
    return design(sources=given, archive=archive, images=OWN_ICEBERG, **sections)


def problem(config: StackConfig) -> str | None:
    args = arguments(config)
    return policy_problem(args.settings, args.needs, args.databases, args.aws.region)


def arguments(config: StackConfig) -> ArchiveArgs:
    return ArchiveArgs.from_config(config, declared_sinks(config).needs, "data-ingestion")


def declared(config: StackConfig) -> Callable[[], dict[str, Any]]:
    def program() -> dict[str, Any]:
        Archive("archive", arguments(config))
        return {}

    return program


def test_as_many_databases_as_a_refusal_names_are_accepted_and_their_policies_fit(
    deploy: Deploy,
) -> None:
    refused = problem(stack(60))
    assert refused
    found = re.search(r"enough for (\d+) of them", refused)
    assert found
    fitting = int(found[1])
    assert problem(stack(fitting)) is None
    assert problem(stack(fitting + 1))
    policies = deploy(declared(stack(fitting))).of_type("Policy")
    sizes = [len("".join(policy.inputs["policy"].split())) for policy in policies]
    assert max(sizes) <= LONGEST_POLICY
    added = len(json.dumps(["arn:aws:glue:us-east-1:123456789012:database/cdc_shop99"] * 3))
    assert max(sizes) > LONGEST_POLICY - added


def test_the_preview_fails_before_anything_is_declared(deploy: Deploy) -> None:
    with pytest.raises(pulumi.RunError, match="IAM takes at most 6,144"):
        deploy(declared(stack(60)))


def test_a_stand_in_for_aws_is_not_asked_for_its_limit(deploy: Deploy) -> None:
    deploy(declared(stack(60, aws={"endpoint": "http://10.231.0.1:5566"})))


def test_plain_files_need_no_database_and_any_number_fits() -> None:
    assert problem(stack(60, sink="confluent-s3")) is None


def test_a_long_name_of_a_region_counts() -> None:
    usual = problem(stack(60))
    far = problem(stack(60, aws={"region": "cn-northwest-1"}))
    assert usual
    assert far
    assert far != usual
