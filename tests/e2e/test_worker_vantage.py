"""A database looked at from the deployed worker: the managed one, taken for another's."""

from typing import Any

import pytest

from clients.stack import StackOutputs
from components.config.existing_source import ExistingSource
from components.source.existing.problem import UnreachableError
from components.source.existing.reach import Way, connected
from components.source.existing.vantage_choice import Where, open_way
from components.source.existing.worker_place import WorkerPlace
from components.workloads import Workload, service_host

# In the pods' network and the services'.
CLUSTER = ["10.0.0.0/8"]


def source(outputs: StackOutputs, **changed: Any) -> ExistingSource:
    """Describe the managed database by a name that only the cluster's DNS knows."""
    given = {
        "host": service_host(Workload.POSTGRESQL, outputs.namespace),
        "networks": CLUSTER,
        "database": outputs.database.name,
        "user": outputs.database.user,
        "password": outputs.database_password.get_secret_value(),
        "sslMode": "verify-ca",
        "caCertificate": outputs.database.ca_certificate,
        "tables": {"public.users": {}},
    }
    return ExistingSource.model_validate({**given, **changed})


def opened(outputs: StackOutputs, where: Where | None = None, **changed: Any) -> Way:
    place = WorkerPlace(outputs.namespace, outputs.context)
    return open_way("shop", source(outputs, **changed), place, where)


def refusal(outputs: StackOutputs, where: Where | None = None, **changed: Any) -> str:
    with pytest.raises(UnreachableError) as failed, connected(opened(outputs, where, **changed)):
        pass
    return failed.value.problem.reason


def test_it_is_reached_as_the_worker_reaches_it(outputs: StackOutputs) -> None:
    way = opened(outputs)
    assert way.why_here is None
    assert way.vantage.name.startswith("the worker's pod kafka-connect")
    query = (
        b"SELECT string_agg(md5(n::text), ''), inet_client_addr() FROM generate_series(1, 9999) n"
    )
    with connected(way) as connection:
        text, address = connection.execute(query).fetchone() or ("", None)
    assert len(text) == 32 * 9999
    assert str(address).startswith("10."), "the pod's"


def test_the_hop_that_fails_is_named(outputs: StackOutputs) -> None:
    assert refusal(outputs, "here").startswith("DNS: ")
    unknown = service_host("no-such-service", outputs.namespace)
    assert refusal(outputs, host=unknown).startswith(f"DNS: {unknown} has no IPv4 address for the")
    assert refusal(outputs, networks=["192.0.2.0/24"]).startswith("NetworkPolicy: ")
    assert refusal(outputs, password="wrong").startswith("password: ")
    assert 'user "postgres", database "none"' in refusal(outputs, database="none")
    assert refusal(outputs, sslMode="disable", caCertificate=None).startswith("pg_hba.conf: ")


def test_what_the_deployed_policies_do_not_allow_is_looked_at_from_here(
    outputs: StackOutputs,
) -> None:
    # An address of the documentation's network, which nothing answers from here either.
    elsewhere: dict[str, Any] = {"host": "192.0.2.1", "networks": ["192.0.2.0/24"]}
    assert "this machine" in refusal(outputs, **elsewhere)
    assert "NetworkPolicies do not let the worker connect to 192.0.2.1:5432 yet" in refusal(
        outputs, "cluster", **elsewhere
    )
