"""Retries, circuit breaker, rebalances and error messages against a server that fails on purpose.

Waits are a fiftieth of the design's, so that its seconds are 20 ms here; the calls' times are
recorded by the server.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import requests

from kafka_connect.client import (
    ConnectClient,
    RetryPolicy,
    breaker_for,
    delay,
)
from kafka_connect.failures import (
    ConnectError,
    ConnectorMissingError,
    ConnectUnavailableError,
    UnsettledError,
    WorkerMissingError,
)
from polling import poll_until
from tests.kafka_connect.failing_connect import (
    Answer,
    FailingConnect,
    connect_error,
    drop,
    hang,
    proxy_error,
    respond,
    serve,
)

SECOND = 1 / 50
QUICK = RetryPolicy(
    first_delay=1 * SECOND,
    longest_delay=30 * SECOND,
    open_seconds=30 * SECOND,
    request_timeout=1,
    settle_timeout=1.5,
)
UNAVAILABLE = respond(503, "unavailable")
RUNNING = respond(200, {"connector": {"state": "RUNNING"}, "tasks": []})


@pytest.fixture
def connect() -> Iterator[FailingConnect]:
    with serve(FailingConnect(otherwise=RUNNING)) as server:
        yield server


def client(connect: FailingConnect, policy: RetryPolicy = QUICK) -> ConnectClient:
    return ConnectClient(requests.Session(), connect.url, policy)


@pytest.mark.parametrize(
    "failure",
    [UNAVAILABLE, respond(502, "bad gateway"), drop, hang(1.5), connect_error(500, "broken")],
    ids=["503", "502", "connection reset", "timeout", "500"],
)
def test_a_passing_failure_is_retried(connect: FailingConnect, failure: Answer) -> None:
    connect.script = [failure]
    assert client(connect).status("c")["connector"]["state"] == "RUNNING"
    assert len(connect.calls) == 2


def test_three_retries_wait_one_two_and_four_seconds_and_jitter(connect: FailingConnect) -> None:
    connect.otherwise = UNAVAILABLE
    with pytest.raises(ConnectUnavailableError):
        client(connect).status("c")
    assert len(connect.calls) == 4
    for waited, seconds in zip(connect.waits(), (1, 2, 4), strict=True):
        assert seconds * SECOND <= waited <= seconds * SECOND * 1.5 + 0.5


def test_no_delay_is_longer_than_thirty_seconds_and_jitter_differs() -> None:
    assert delay(20, first=1, longest=30, jitter=0.5) == 30
    assert len({delay(3, first=1, longest=30, jitter=0.5) for _ in range(20)}) > 1


def test_the_servers_wish_to_be_left_alone_is_respected(connect: FailingConnect) -> None:
    connect.script = [respond(503, "", {"Retry-After": "1"})]
    client(connect).status("c")
    assert connect.waits()[0] >= 1


def test_a_restart_is_not_repeated_because_it_is_not_idempotent(connect: FailingConnect) -> None:
    connect.otherwise = UNAVAILABLE
    with pytest.raises(ConnectUnavailableError):
        client(connect).restart_failed("c")
    assert len(connect.calls) == 1


def test_a_put_that_succeeded_without_an_answer_is_repeated_and_no_error(
    connect: FailingConnect,
) -> None:
    connect.script = [hang(1.5), respond(200, {"name": "c"})]
    client(connect).put("c", {"connector.class": "X"})
    assert [method for _, method, _ in connect.calls] == ["PUT", "PUT"]


def test_what_connect_refuses_is_not_retried(connect: FailingConnect) -> None:
    connect.otherwise = connect_error(400, "Connector configuration is invalid")
    with pytest.raises(ConnectError, match="configuration is invalid"):
        client(connect).put("c", {})
    assert len(connect.calls) == 1


def test_the_breaker_opens_after_five_failures_and_closes_after_three_good_calls(
    connect: FailingConnect,
) -> None:
    policy = replace(QUICK, retries=0)
    caller, breaker = client(connect, policy), breaker_for(connect.url, policy)
    connect.script = [UNAVAILABLE] * 5
    for _ in range(5):
        with pytest.raises(ConnectUnavailableError):
            caller.status("c")
    with pytest.raises(ConnectUnavailableError, match=r"not tried.*failed 5 times"):
        caller.status("c")
    assert len(connect.calls) == 5, "an open breaker lets nothing through"

    wait_for(lambda: breaker_is_past_its_time(caller))
    assert breaker.current_state == "half-open"
    caller.status("c")
    assert breaker.current_state == "half-open"
    caller.status("c")
    assert breaker.current_state == "closed"
    assert connect.waits()[4] >= policy.open_seconds


def breaker_is_past_its_time(caller: ConnectClient) -> bool:
    try:
        caller.status("c")
    except ConnectUnavailableError:
        return False
    return True


def test_a_failure_while_half_open_opens_the_breaker_again(connect: FailingConnect) -> None:
    policy = replace(QUICK, retries=0)
    caller = client(connect, policy)
    connect.script = [*[UNAVAILABLE] * 5, RUNNING, UNAVAILABLE]
    for _ in range(5):
        with pytest.raises(ConnectUnavailableError):
            caller.status("c")
    wait_for(lambda: breaker_is_past_its_time(caller))
    with pytest.raises(ConnectUnavailableError):
        caller.status("c")
    assert breaker_for(connect.url, policy).current_state == "open"


@pytest.mark.parametrize(
    "unsettled",
    [
        connect_error(409, "Cannot complete request because of a conflicting operation"),
        connect_error(409, "stale configuration (typically caused by a concurrent change)"),
        connect_error(500, "IO Error trying to forward REST request: Connection refused"),
        respond(404, "<html>HTTP ERROR 404 Not Found <th>URI:</th></html>"),
    ],
    ids=["rebalance", "stale configuration", "leader away", "worker starting"],
)
def test_an_unsettled_cluster_is_waited_out_and_opens_no_breaker(
    connect: FailingConnect, unsettled: Answer
) -> None:
    policy = replace(QUICK, retries=0, settle_timeout=10)
    connect.script = [unsettled] * 6
    client(connect, policy).put("c", {})
    assert len(connect.calls) == 7
    assert breaker_for(connect.url, policy).fail_counter == 0


def test_a_rebalance_without_end_is_waited_out_within_bounds(connect: FailingConnect) -> None:
    connect.otherwise = connect_error(409, "rebalance in progress")
    with pytest.raises(UnsettledError, match="rebalance in progress"):
        client(connect).put("c", {})
    span = connect.calls[-1][0] - connect.calls[0][0]
    # The last request may begin right at the end of the time.
    assert span <= QUICK.settle_timeout + QUICK.request_timeout
    assert len(connect.calls) > 4


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (connect_error(404, "Connector c not found"), ConnectorMissingError, "c not found"),
        (
            proxy_error(404, 'services "kafka-connect" not found'),
            WorkerMissingError,
            'services "kafka-connect" not found',
        ),
        (
            proxy_error(503, 'no endpoints available for service "kafka-connect"'),
            ConnectUnavailableError,
            "no Kafka Connect worker is ready.*kubectl -n data-ingestion describe pod",
        ),
        (
            proxy_error(403, 'User "bob" cannot get resource "services/proxy"'),
            ConnectError,
            "API server refuses.*needs the verbs.*services/proxy",
        ),
        (
            respond(502, "error trying to reach service: dial tcp 10.0.0.1:8083: i/o timeout"),
            ConnectUnavailableError,
            "API server can't reach the worker.*NetworkPolicy",
        ),
        (respond(418, "I am a teapot"), ConnectError, "not from Kafka Connect: I am a teapot"),
        (respond(200, "<html>"), ConnectError, "the answer is not JSON"),
    ],
)
def test_errors_of_connect_of_the_proxy_and_of_strangers_are_told_apart(
    connect: FailingConnect, answer: Answer, error: type[Exception], message: str
) -> None:
    connect.otherwise = answer
    with pytest.raises(error, match=message) as raised:
        client(connect, replace(QUICK, retries=0)).status("c")
    assert type(raised.value) is error


def test_nobody_there_is_said_with_the_address() -> None:
    nowhere = ConnectClient(
        requests.Session(), "http://127.0.0.1:9", replace(QUICK, retries=0), None
    )
    with pytest.raises(ConnectUnavailableError, match=r"no answer .* http://127\.0\.0\.1:9"):
        nowhere.status("c")
    assert not nowhere.answers(timeout=0.2)


def test_looking_for_a_worker_takes_no_longer_than_told(connect: FailingConnect) -> None:
    connect.otherwise = hang(1.5)
    assert not client(connect).answers(timeout=0.1)
    assert len(connect.calls) == 1, "it is one try"


def wait_for(condition: Callable[[], bool]) -> None:
    """Until the condition holds; the breaker's own clock decides when that is."""
    poll_until(condition, timeout=60, interval=0.001, description="the breaker")
