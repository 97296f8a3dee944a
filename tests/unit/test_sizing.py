"""Derived sizes fit under the limits that they are derived from, whatever the limit."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import postgres_memory as postgresql
from components import sizing
from components.postgres_memory import postgres_memory
from components.sizing import (
    DEFAULT_RESOURCES,
    JVM_PROFILES,
    JvmProfile,
    Sizing,
    heap_for,
)

BUDGET_MEMORY = 4096
BUDGET_CPU = 4000


def refused_by(derive: Callable[..., object], *arguments: int) -> bool:
    """Return whether sizes can't be derived from these arguments."""
    try:
        derive(*arguments)
    except ValueError:
        return True
    return False


def test_the_designs_pods_fit_into_its_budget() -> None:
    pods = {"postgresql": 1, "broker": 3, "connect": 1, "registry": 1}
    memory = sum(DEFAULT_RESOURCES[name].memory_limit * count for name, count in pods.items())
    cpu = sum(DEFAULT_RESOURCES[name].cpu_limit * count for name, count in pods.items())
    assert memory == 4094 <= BUDGET_MEMORY
    assert cpu == BUDGET_CPU


@pytest.mark.parametrize("profile", JVM_PROFILES.values(), ids=list(JVM_PROFILES))
@given(limit=st.integers(min_value=1, max_value=64 * 1024))
def test_a_jvm_fits_under_its_limit_or_is_refused(profile: JvmProfile, limit: int) -> None:
    try:
        heap = heap_for(limit, profile)
    except ValueError as error:
        assert "leaves no memory for the heap; allowed: " in str(error)
        return
    stacks = profile.threads * sizing.THREAD_KIB / 1024
    beside = profile.metaspace + profile.code_cache + profile.direct + profile.page_cache + stacks
    assert heap >= sizing.MINIMUM_HEAP
    assert heap * (1 + sizing.COLLECTOR_SHARE) + beside + sizing.NATIVE_OVERHEAD <= limit


SERVERS = given(
    limit=st.integers(min_value=1, max_value=64 * 1024),
    senders=st.integers(min_value=1, max_value=100),
    connectors=st.integers(min_value=1, max_value=100),
)


@SERVERS
def test_postgresql_fits_under_its_limit_or_is_refused(
    limit: int, senders: int, connectors: int
) -> None:
    try:
        memory = postgres_memory(limit, senders, connectors)
    except ValueError as error:
        assert "is too low for" in str(error)
        return
    assert memory.worst_case(senders) <= limit
    others = memory.max_connections - (postgresql.SESSIONS_PER_CONNECTOR - 1) * (connectors - 1)
    assert others >= postgresql.MINIMUM_CONNECTIONS
    assert memory.logical_decoding_work_mem >= postgresql.MINIMUM_DECODING


@SERVERS
def test_more_memory_than_is_enough_is_enough_for_postgresql(
    limit: int, senders: int, connectors: int
) -> None:
    with pytest.raises(ValueError, match="set at least") as refused:
        postgres_memory(1, senders, connectors)
    (enough,) = re.findall(r"set at least (\d+)Mi", str(refused.value))
    assert postgres_memory(int(enough) + limit, senders, connectors)
    with pytest.raises(ValueError, match="is too low"):
        postgres_memory(int(enough) - postgresql.STEP, senders, connectors)


@given(limit=st.integers(min_value=512, max_value=64 * 1024))
def test_a_few_wal_senders_have_the_decoding_buffers_that_the_limit_allows(limit: int) -> None:
    for senders, connectors in ((4, 1), (4, 4), (10, 1)):
        memory = postgres_memory(limit, senders, connectors)
        assert memory.logical_decoding_work_mem == limit // 64


def test_each_limit_has_room_for_more_tables_than_a_lower_one() -> None:
    def most(limit: int) -> int:
        counts = range(1, 101)
        return max(n for n in counts if not refused_by(postgres_memory, limit, n, n))

    tables = [most(gibibytes * 1024) for gibibytes in (1, 2, 3, 4, 5, 8)]
    assert tables == sorted(set(tables))
    assert tables[-1] == 100


def test_postgresql_gets_the_designs_buffers() -> None:
    memory = postgres_memory(DEFAULT_RESOURCES["postgresql"].memory_limit)
    assert (memory.shared_buffers, memory.wal_buffers) == (256, 16)


def test_brokers_share_the_clusters_storage_unless_given_their_own() -> None:
    assert Sizing().storage_per_broker(3) == 10 * 1024 // 3
    assert Sizing.model_validate({"brokerStorage": "2Gi"}).storage_per_broker(3) == 2048


def test_what_a_stack_does_not_give_keeps_the_designs_value() -> None:
    broker = Sizing.model_validate({"broker": {"memoryLimit": "1Gi"}}).broker
    assert (broker.memory_limit, broker.memory_request) == (1024, 512)
    assert (broker.cpu_limit, broker.cpu_request) == (500, 250)


def test_a_manifest_has_both_requests_and_limits() -> None:
    assert DEFAULT_RESOURCES["broker"].manifest() == {
        "requests": {"memory": "512Mi", "cpu": "250m"},
        "limits": {"memory": "682Mi", "cpu": "500m"},
    }
