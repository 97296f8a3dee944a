"""A difference names every changed path once, and nothing else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider_plugins.diff import changes_between, join_path, paths_touching, shape_like, touches
from provider_plugins.wire import UNKNOWN, Secret

json_values = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.text(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(json_values)
def test_a_value_does_not_differ_from_itself(value: Any) -> None:
    assert changes_between(value, value) == {}


@given(json_values, json_values)
def test_different_values_differ(one: Any, other: Any) -> None:
    assert bool(changes_between(one, other)) == (one != other)


@given(json_values)
def test_inputs_that_nothing_changed_come_back_from_their_own_shape(value: Any) -> None:
    assert shape_like(value, value) == value


def test_each_kind_of_change_is_named_at_its_path() -> None:
    old = {"spec": {"replicas": 1, "gone": True, "containers": [{"image": "a"}]}}
    new = {"spec": {"replicas": 1, "new": 0, "containers": [{"image": "b"}, {"image": "c"}]}}
    assert changes_between(old, new) == {
        "spec.containers[0].image": "update",
        "spec.containers[1]": "add",
        "spec.gone": "delete",
        "spec.new": "add",
    }


def test_an_unknown_value_counts_as_changed() -> None:
    assert changes_between({"a": 1}, {"a": UNKNOWN}) == {"a": "update"}


def test_the_sdks_own_marks_are_no_change() -> None:
    assert changes_between({"a": 1}, {"a": 1, "__defaults": []}) == {}


@pytest.mark.parametrize(
    ("parent", "key", "path"),
    [
        ("", "spec", "spec"),
        ("spec", "replicas", "spec.replicas"),
        ("spec.ports", 0, "spec.ports[0]"),
        ("metadata.labels", "app.kubernetes.io/name", 'metadata.labels["app.kubernetes.io/name"]'),
    ],
)
def test_paths_are_written_as_the_engine_reads_them(parent: str, key: Any, path: str) -> None:
    assert join_path(parent, key) == path


@pytest.mark.parametrize(
    ("path", "rule", "expected"),
    [
        ("spec.selector.matchLabels.app", "spec.selector", True),
        ("spec.volumeClaimTemplates[0].spec", "spec.volumeClaimTemplates", True),
        ("spec", "spec.selector", True),
        ("spec.selectors", "spec.selector", False),
        ("spec.serviceName", "spec.service", False),
    ],
)
def test_a_rule_covers_what_lies_at_in_and_around_it(path: str, rule: str, expected: bool) -> None:
    assert touches(path, rule) is expected
    assert paths_touching([path], [rule]) == ({path} if expected else set())


def test_what_the_service_adds_by_itself_is_no_input() -> None:
    inputs = {"spec": {"replicas": 3, "password": Secret("x")}}
    live = {"spec": {"replicas": 2, "password": "y", "added": True}, "status": {}}
    assert shape_like(inputs, live) == {"spec": {"replicas": 2, "password": Secret("y")}}
