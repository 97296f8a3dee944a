"""Whoever follows the advice of a refusal is not refused for the same reason again."""

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from components.config import ConfigError, parse
from components.config.fields import allowed_by, walk
from components.config.stack import StackConfig
from components.row_size import RowSize
from components.sizing import BROKER_JVM, DEFAULT_RESOURCES, heap_for
from tests.unit.existing_databases import SHOP
from tests.unit.streaming_stack import SANDBOX, sink_connector

Sections = dict[str, Any]

ARCHIVE = {"bucket": "datapipe-ingestion-test"}
# What a message proposes: a value of its own key, or of the one that it names.
REMEDY = re.compile(
    r"(?:\bset |\bor |\ballowed: |, )(?:(?P<key>[a-z]\w*(?:\.\w+)+) to )?(?:at (?:least|most) )?"
    r"(?P<value>-?\d\w*|shared|job|json|iceberg|qualified)\b"
)
# Of one stack; each round follows one.
MOST_REFUSALS = 40


def refusals(sections: Sections) -> list[tuple[str, str]]:
    """Return the keys that are refused, by the configuration or by what is derived, and why."""
    try:
        config = parse(sections, "Pulumi.test.yaml")
        broker = heap_for(config.sizing.broker.memory_limit, BROKER_JVM)
        RowSize(config.kafka.max_row_size).require_brokers_heap(broker)
        sink_connector(config)
    except ConfigError as error:
        lines = str(error).splitlines()[1:]
        return [split(line.strip().removeprefix("datapipe:")) for line in lines]
    except ValueError as error:
        return [split(str(error))]
    return []


def split(line: str) -> tuple[str, str]:
    key, _, problem = line.partition(": ")
    return key, problem


def remedies(key: str, problem: str) -> list[tuple[str, Any]]:
    """Return the changes that a message proposes, each by its key."""
    advice = problem.rpartition(";")[2] if ";" in problem else problem
    return [
        (found["key"] or key, yaml.safe_load(found["value"])) for found in REMEDY.finditer(advice)
    ]


def changed(sections: Sections, key: str, value: Any) -> Sections:
    """Return the sections with another value of a key."""
    result = copy.deepcopy(sections)
    *path, last = key.split(".")
    section = result
    for name in path:
        section = section.setdefault(name, {})
    section[last] = value
    return result


def quantity(unit: str, most: int) -> st.SearchStrategy[str]:
    return st.integers(min_value=1, max_value=most).map(lambda number: f"{number}{unit}")


CONTAINER = st.fixed_dictionaries(
    {},
    optional={
        "memoryRequest": quantity("Mi", 2000),
        "memoryLimit": quantity("Mi", 2000),
        "cpuRequest": quantity("m", 2000),
        "cpuLimit": quantity("m", 2000),
    },
)
SECTIONS = st.fixed_dictionaries(
    {
        "tables": st.integers(min_value=1, max_value=130).map(
            lambda count: [f"public.t{number}" for number in range(count)]
        ),
        "archive": st.fixed_dictionaries(
            {"bucket": st.just("datapipe-ingestion-test"), "sink": st.just("iceberg")},
            optional={
                "tasks": st.integers(min_value=1, max_value=200),
                "glacierDays": st.integers(min_value=60, max_value=400),
                "infrequentAccessDays": st.integers(min_value=30, max_value=400),
                "maintenance": st.fixed_dictionaries(
                    {"orphanMinAgeHours": st.integers(min_value=72, max_value=500)}
                ),
            },
        ),
        "sizing": st.fixed_dictionaries(
            {},
            optional=dict.fromkeys(DEFAULT_RESOURCES, CONTAINER),
        ),
        "source": st.fixed_dictionaries(
            {},
            optional={
                "isolation": st.sampled_from(["shared", "per-table"]),
                "maxReplicationSlots": st.integers(min_value=1, max_value=101),
                "maxWalSenders": st.integers(min_value=1, max_value=101),
            },
        ),
        "kafka": st.fixed_dictionaries(
            {},
            optional={
                "brokers": st.integers(min_value=1, max_value=99),
                "replicationFactor": st.integers(min_value=1, max_value=120),
                "minInsyncReplicas": st.integers(min_value=1, max_value=120),
                "maxRowSize": quantity("Mi", 60),
                "socketRequestMaxBytes": st.integers(min_value=1048576, max_value=2**26),
            },
        ),
        "topics": st.fixed_dictionaries(
            {}, optional={"retentionMs": st.integers(min_value=60_000, max_value=2**31)}
        ),
        "cluster": st.fixed_dictionaries(
            {},
            optional={
                "nodePorts": st.fixed_dictionaries(
                    {},
                    optional={
                        "firstBroker": st.integers(min_value=30000, max_value=32767),
                        "postgresql": st.integers(min_value=30000, max_value=32767),
                    },
                )
            },
        ),
    }
)


def stack(sections: Sections) -> Sections:
    """Return a stack that can be rendered, with these sections."""
    return {"images": SANDBOX["images"], "connect": SANDBOX["connect"]} | sections


# A stack takes a while to render: an example that fails is not shrunk.
@settings(max_examples=300, phases=[Phase.generate])
@given(sections=SECTIONS, data=st.data())
def test_advice_that_is_followed_leads_to_a_stack_that_is_accepted(
    sections: Sections, data: st.DataObject
) -> None:
    given_sections = stack(sections)
    for _ in range(MOST_REFUSALS):
        found = refusals(given_sections)
        if not found:
            return
        key, problem = data.draw(st.sampled_from(found))
        proposed = remedies(key, problem)
        assert proposed, f"{key}: {problem}"
        for other, value in proposed:
            after = refusals(changed(given_sections, other, value))
            assert (key, problem) not in after, f"{other} = {value} after {key}: {problem}"
        given_sections = changed(given_sections, *data.draw(st.sampled_from(proposed)))
    assert not refusals(given_sections)


@pytest.mark.parametrize(
    "sections",
    [
        {"images": {"family": "apache"}, "connect": {"converter": "avro"}},
        {
            "archive": {**ARCHIVE, "sink": "iceberg", "maintenance": {"kind": "glue"}},
            **{"aws": {"endpoint": "http://10.0.0.1:1"}},
        },
        {"archive": {**ARCHIVE, "maintenance": {"kind": "job"}}},
        {"source": {"objectNames": "short"}, "sources": {"shop": {**SHOP, "objectNames": "short"}}},
        {"cluster": {"nodePorts": {"firstBroker": 30000, "postgresql": 30001}}},
        {"cluster": {"nodePorts": {"firstBroker": 32765, "postgresql": 32767}}},
        {"kafka": {"socketRequestMaxBytes": 1048576}},
    ],
    ids=["converter", "glue", "job", "short", "first port", "last port", "smallest requests"],
)
def test_advice_on_what_does_not_go_together_is_accepted(sections: Sections) -> None:
    given_sections = {"tables": ["public.users"], "archive": ARCHIVE, **sections}
    [(key, problem), *_] = refusals(given_sections)
    for other, value in remedies(key, problem):
        after = [refused for refused, _ in refusals(changed(given_sections, other, value))]
        assert key not in after
    assert remedies(key, problem)


def leaves() -> Iterator[tuple[str, Any]]:
    """Yield each key of the sections that need no entries, with its field."""
    for key, field in walk(StackConfig):
        if "<" not in key:
            yield key, field


BOUNDED = [
    (key, value)
    for key, field in leaves()
    for allowed in [allowed_by(field)]
    for bound, beyond in ((allowed.least, -1), (allowed.most, 1))
    if bound is not None
    for value in [f"{int(str(bound)) + beyond}{allowed.unit}"]
]


@pytest.mark.parametrize(("key", "value"), BOUNDED)
def test_the_bound_that_a_number_is_refused_with_is_allowed(key: str, value: str) -> None:
    sections = {"tables": ["public.users"], "archive": ARCHIVE}
    # A section that is off unless it is given, with what it requires.
    if key.startswith("archive.athena."):
        sections = changed(sections, "archive.athena.readers", ["arn:aws:iam::123456789012:root"])
    for section in ("source.recovered", "metrics.scraper"):
        if key.startswith(f"{section}."):
            sections = changed(sections, f"{section}.server", "1/1")
    value_given = yaml.safe_load(value)
    found = dict(refusals(changed(sections, key, value_given)))
    assert key in found, found
    advice = remedies(key, found[key])
    assert advice, found[key]
    for other, proposed in advice:
        assert other == key
        problem = dict(refusals(changed(sections, key, proposed))).get(key, "")
        assert "is too low" not in problem
        assert "is too high" not in problem


PATTERNED = [key for key, field in leaves() if allowed_by(field).pattern]


@pytest.mark.parametrize("key", PATTERNED)
def test_text_of_another_form_is_refused_with_what_is_allowed(key: str) -> None:
    sections = {"tables": ["public.users"], "archive": ARCHIVE}
    found = dict(refusals(changed(sections, key, "§")))
    assert "allowed: " in found[key]


CHOICES = [(key, allowed_by(field).choices) for key, field in leaves() if allowed_by(field).choices]


@pytest.mark.parametrize(("key", "choices"), CHOICES, ids=[key for key, _ in CHOICES])
def test_each_choice_that_is_named_as_allowed_is_one(key: str, choices: tuple[str, ...]) -> None:
    sections = {"tables": ["public.users"], "archive": ARCHIVE}
    problem = dict(refusals(changed(sections, key, "§")))[key]
    assert problem.endswith(f"allowed: {', '.join(choices)}")
    for choice in choices:
        assert "is not allowed" not in dict(refusals(changed(sections, key, choice))).get(key, "")
