"""A preview validates the known parts of an object, and takes no offence at the unknown ones."""

from typing import Any

import pytest

from provider_plugins.kubernetes.cluster import ApiServerError
from provider_plugins.kubernetes.unknowns import (
    STAND_IN,
    has_identity,
    is_about_unknowns,
    unknown_paths,
    with_stand_ins,
)
from provider_plugins.wire import UNKNOWN


def stateful_set(**metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "postgresql", "namespace": "data-ingestion", **metadata},
        "spec": {
            "template": {"spec": {"containers": [{"env": [{"name": "A", "value": UNKNOWN}]}]}}
        },
    }


ENV = "spec.template.spec.containers[0].env[0].value"


def test_text_stands_in_for_the_unknown_and_the_original_is_kept() -> None:
    obj = stateful_set()
    filled = with_stand_ins(obj)
    container = filled["spec"]["template"]["spec"]["containers"][0]
    assert container["env"] == [{"name": "A", "value": STAND_IN}]
    assert list(unknown_paths(obj)) == [ENV]
    assert list(unknown_paths(filled)) == []


@pytest.mark.parametrize(
    ("failure", "about_unknowns"),
    [
        (ApiServerError(422, "invalid", (ENV,)), True),
        (ApiServerError(422, "invalid", ("spec.template.spec.containers[0].image",)), False),
        (ApiServerError(422, "invalid", (ENV, "spec.replicas")), False),
        (ApiServerError(400, "json: cannot unmarshal string into Go value of type int32"), True),
        (ApiServerError(400, 'strict decoding error: unknown field "spec.replica"'), False),
        (ApiServerError(403, "forbidden"), False),
        (ApiServerError(500, f"no typed patch: .{ENV}: expected map, got &{{unknown0}}"), True),
        (ApiServerError(500, "no typed patch: .spec.replicas: expected numeric"), False),
    ],
)
def test_a_refusal_counts_unless_it_is_of_a_stand_in(
    failure: ApiServerError, about_unknowns: bool
) -> None:
    assert is_about_unknowns(failure, stateful_set()) is about_unknowns


def test_an_object_whose_name_is_unknown_cannot_be_dry_run() -> None:
    assert has_identity(stateful_set())
    assert not has_identity(stateful_set(name=UNKNOWN))
    assert not has_identity({"apiVersion": "v1", "kind": "Secret", "metadata": UNKNOWN})
