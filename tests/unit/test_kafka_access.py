"""What kafka.security: tls changes in a stack, and that plaintext changes nothing."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12

from components.certificates import issue_authority, issue_certificate
from components.streaming.access.accounts import Account, super_users
from components.streaming.access.certificates import (
    AcceptedVersionProvider,
    AccountCertificateProvider,
    AuthorityProvider,
    needs_renewal,
)
from components.streaming.access.transport import TLS_DIR
from tests.unit.deployment import Deployment, every_container
from tests.unit.streaming_stack import deploy_stack, design, sandbox

TLS = {"security": "tls"}
# Without node ports, as on EKS.
INSIDE = {"bootstrapServers": ["kafka-0.example.org:9092"]}


@pytest.fixture(scope="module", params=[sandbox, design], ids=["sandbox", "design"])
def plaintext(request: pytest.FixtureRequest) -> Deployment:
    return deploy_stack(request.param())


@pytest.fixture(scope="module")
def tls() -> Deployment:
    return deploy_stack(design(kafka=TLS))


@pytest.fixture(scope="module")
def tls_sandbox() -> Deployment:
    return deploy_stack(sandbox(kafka=TLS))


def properties(deployment: Deployment, config_map: str, file: str) -> dict[str, str]:
    text = deployment.one("ConfigMap", config_map).inputs["data"][file]
    return dict(line.split("=", 1) for line in text.splitlines())


def test_plaintext_has_no_certificate_acl_or_setting_of_tls(plaintext: Deployment) -> None:
    kinds = {resource.type.rpartition(":")[2] for resource in plaintext.resources}
    assert not kinds & {"Acl", "KafkaAuthority", "AccountCertificate", "AcceptedVersion"}
    files = [
        text
        for resource in plaintext.of_type("ConfigMap")
        for name, text in resource.inputs["data"].items()
        if name.endswith(".properties")
    ]
    assert not [line for text in files for line in text.splitlines() if "ssl." in line]
    assert not [one for one in plaintext.resources if TLS_DIR in json.dumps(one.inputs)], (
        "a pod mounts a certificate"
    )
    (provider,) = plaintext.of_type("kafka")
    assert provider.inputs["tlsEnabled"] == "false"
    assert not provider.inputs.keys() & {"caCert", "clientCert", "clientKey"}


def test_every_listener_is_tls_and_asks_for_a_certificate(tls: Deployment) -> None:
    broker = properties(tls, "kafka", "server.properties")
    names = [listener.partition("://")[0] for listener in broker["listeners"].split(",")]
    assert names == ["INTERNAL", "CONTROLLER", "EXTERNAL"]
    expected = ",".join(f"{name}:SSL" for name in names)
    assert broker["listener.security.protocol.map"] == expected
    assert broker["ssl.client.auth"] == "required"
    assert broker["allow.everyone.if.no.acl.found"] == "false"
    assert broker["authorizer.class.name"].endswith("StandardAuthorizer")
    assert broker["super.users"] == ";".join(
        ["User:kafka", "User:pulumi-acls", "User:kafka-2", "User:pulumi-acls-2"]
    )


@pytest.mark.parametrize("prefix", ["", "producer.", "consumer.", "admin."])
def test_every_client_of_a_worker_has_its_certificate(tls: Deployment, prefix: str) -> None:
    worker = properties(tls, "kafka-connect", "connect-distributed.properties")
    assert worker[f"{prefix}security.protocol"] == "SSL"
    assert worker[f"{prefix}ssl.keystore.type"] == worker[f"{prefix}ssl.truststore.type"] == "PEM"
    # The Iceberg sink reads this file itself and knows no ${env:NAME}.
    for store in ("keystore", "truststore"):
        assert worker[f"{prefix}ssl.{store}.location"].startswith(f"{TLS_DIR}/")


def test_the_reading_of_rows_asks_the_brokers_as_the_worker(
    tls: Deployment, plaintext: Deployment
) -> None:
    asking, prefix = "postgres-cdc-connector", "reads.wait.client."
    secured = tls.one("Connector", asking).inputs["config"]
    assert secured["sourceinfo.struct.maker"] == "datapipe.postgres.WaitingReads"
    assert secured["reads.wait.for"] == "connect-s3-sink-connector"
    worker = properties(tls, "kafka-connect", "connect-distributed.properties")
    asked = {name: value for name, value in secured.items() if name.startswith(prefix)}
    assert {name: worker[name.removeprefix(prefix)] for name in asked} == asked
    assert f"{prefix}ssl.keystore.location" in asked
    config = plaintext.one("Connector", asking).inputs["config"]
    assert [name for name in config if name.startswith(prefix)] == [f"{prefix}bootstrap.servers"]


def test_no_reading_waits_for_a_sink_that_waits_for_a_later_record() -> None:
    deployment = deploy_stack(design(archive={"rotation": "record-time"}))
    config = deployment.one("Connector", "postgres-cdc-connector").inputs["config"]
    assert not [name for name in config if name.startswith("reads.wait.")]


def test_the_registry_serves_https_and_reaches_the_brokers_by_tls(tls: Deployment) -> None:
    registry = properties(tls, "schema-registry", "schema-registry.properties")
    assert registry["listeners"] == "https://0.0.0.0:8081"
    assert registry["inter.instance.protocol"] == "https"
    brokers = registry["kafkastore.bootstrap.servers"].split(",")
    assert all(broker.startswith("SSL://kafka-") for broker in brokers)
    assert registry["kafkastore.security.protocol"] == "SSL"
    (container,) = every_container(tls.one("Deployment", "schema-registry"))
    probe = container["readinessProbe"]["exec"]["command"]
    assert probe[-3:] == ["--cacert", f"{TLS_DIR}/authority.pem", "https://localhost:8081/subjects"]


@pytest.mark.parametrize("connector", ["postgres-cdc-connector", "s3-sink-connector"])
def test_converters_trust_the_registry_alone(tls: Deployment, connector: str) -> None:
    config = tls.one("Connector", connector).inputs["config"]
    for part in ("key", "value"):
        prefix = f"{part}.converter.schema.registry"
        assert config[f"{prefix}.url"].startswith("https://schema-registry.")
        assert config[f"{prefix}.ssl.truststore.location"] == f"{TLS_DIR}/authority.p12"
        assert config[f"{prefix}.ssl.truststore.type"] == "PKCS12"


@pytest.mark.parametrize("workload", ["kafka", "kafka-connect", "schema-registry"])
def test_each_workload_mounts_its_own_certificate(tls: Deployment, workload: str) -> None:
    kind = "StatefulSet" if workload == "kafka" else "Deployment"
    pods = tls.one(kind, workload)
    mounts = [
        (mount["name"], mount["mountPath"])
        for container in every_container(pods)
        if container["name"] != "install-plugins"
        for mount in container["volumeMounts"]
    ]
    assert ("tls", TLS_DIR) in mounts
    (volume,) = [
        one for one in pods.inputs["spec"]["template"]["spec"]["volumes"] if one["name"] == "tls"
    ]
    assert volume["secret"] == {"secretName": f"{workload}-certificate", "defaultMode": 0o440}
    secret = tls.one("Secret", f"{workload}-certificate")
    assert common_name(secret.inputs["stringData"]["identity.pem"]) == workload
    assert "stringData" in secret.secret_paths


def test_a_new_certificate_rolls_every_pod(tls: Deployment) -> None:
    other = deploy_stack(design(kafka=TLS))
    for kind, name in (
        ("StatefulSet", "kafka"),
        ("Deployment", "kafka-connect"),
        ("Deployment", "schema-registry"),
    ):
        digests = [
            one.one(kind, name).inputs["spec"]["template"]["metadata"]["annotations"][
                "datapipe/credentials"
            ]
            for one in (tls, other)
        ]
        assert digests[0] != digests[1]


@pytest.mark.parametrize("security", ["plaintext", "tls"])
def test_a_switch_deletes_the_brokers_before_it_creates_them(security: str) -> None:
    """Either way: the API server has one StatefulSet of a name, and refuses a second."""
    brokers = deploy_stack(sandbox(kafka={"security": security})).one("StatefulSet", "kafka")
    (path,) = brokers.replaced_on
    annotation = path.partition('"')[2].rstrip('"]')
    annotations = brokers.inputs["spec"]["template"]["metadata"]["annotations"]
    assert (annotation in annotations) == (security == "tls")
    assert brokers.deleted_first


def test_no_private_key_is_seen_but_in_secrets(tls: Deployment) -> None:
    shown = json.dumps(
        [
            {key: value for key, value in one.inputs.items() if key not in one.secret_paths}
            for one in tls.resources
            if not one.type.endswith(":Secret")
        ]
    )
    assert "PRIVATE KEY" not in shown


def test_the_brokers_certificate_has_every_name_by_which_they_are_found() -> None:
    config = sandbox(kafka=TLS, cluster={"externalHost": "10.231.0.1"})
    hosts = certificate_of(deploy_stack(config), "kafka").inputs["hosts"]
    assert hosts == [
        *(f"kafka-{n}.kafka-headless.data-ingestion.svc.cluster.local" for n in range(3)),
        "kafka.data-ingestion.svc.cluster.local",
        "10.231.0.1",
    ]
    inside = design(kafka={**TLS, **INSIDE}, cluster={"nodePorts": None})
    assert "kafka-0.example.org" in certificate_of(deploy_stack(inside), "kafka").inputs["hosts"]


def test_clients_have_no_name_at_which_they_could_pose_as_a_broker(tls: Deployment) -> None:
    for account in (Account.CONNECT, Account.TOPICS, Account.ACLS, Account.CLIENTS):
        assert certificate_of(tls, account.value).inputs["hosts"] == []


def test_rights_are_there_before_topics_worker_and_registry(tls: Deployment) -> None:
    acls = {one.name for one in tls.of_type("Acl")}
    assert acls
    assert acls <= tls.prerequisites(tls.one("Topic", "postgres.public.users"))
    assert all("kafka" in acl.dependencies for acl in tls.of_type("Acl"))


def test_acls_do_not_multiply_with_tables() -> None:
    many = tuple(f"public.table_{number}" for number in range(12))
    source = {"isolation": "per-table", "maxReplicationSlots": 12, "maxWalSenders": 12}
    sizing = {"postgresql": {"memoryLimit": "4Gi"}, "connect": {"memoryLimit": "8Gi"}}
    stack = deploy_stack(design(kafka=TLS, tables=many, source=source, sizing=sizing))
    assert len(stack.of_type("Acl")) == len(deploy_stack(design(kafka=TLS)).of_type("Acl"))


def test_a_rotation_makes_new_accounts_with_the_same_rights() -> None:
    first = rights(deploy_stack(sandbox(kafka=TLS)))
    second = rights(deploy_stack(sandbox(kafka=TLS, security={"credentialsVersion": 2})))
    assert {(f"{principal}-2", *rest) for principal, *rest in first} == second
    # The running brokers accept the next version, and those that are replaced the previous one.
    assert set(super_users(1)) & set(super_users(2)) >= {"User:kafka", "User:kafka-2"}


def test_a_version_that_the_running_brokers_refuse_is_refused_in_preview() -> None:
    provider = AcceptedVersionProvider()
    for accepted, wanted in ((1, 1), (1, 2), (2, 1)):
        assert not provider.check({"version": accepted}, {"version": wanted}).failures
    assert not provider.check({}, {"version": 7}).failures
    (failure,) = provider.check({"version": 1}, {"version": 3}).failures
    assert "credentialsVersion 3 can't follow 1" in failure.reason
    assert "Set it to 2" in failure.reason


def test_the_authority_stays_and_its_trust_store_is_what_java_reads() -> None:
    provider = AuthorityProvider()
    outputs = provider.create({}).outs
    assert outputs is not None
    assert not provider.diff("authority", outputs, {}).changes
    store = base64.b64decode(outputs["trust_store"])
    _, _, [trusted] = pkcs12.load_key_and_certificates(store, None)
    assert trusted == x509.load_pem_x509_certificate(outputs["certificate"].encode())


def test_a_certificate_is_renewed_before_it_ends() -> None:
    provider = AccountCertificateProvider()
    inputs = certificate_inputs(days=90)
    outputs = provider.create(inputs).outs
    assert outputs is not None
    assert not provider.diff("clients", outputs, inputs).changes
    soon = (datetime.now(UTC) + timedelta(days=29)).isoformat(timespec="seconds")
    assert provider.diff("clients", {**outputs, "ends": soon}, inputs).changes
    renewed = provider.update("clients", outputs, inputs).outs
    assert renewed is not None
    assert renewed["certificate"] != outputs["certificate"]
    assert common_name(renewed["certificate"]) == "clients"


def test_a_certificate_of_few_days_is_not_renewed_at_once() -> None:
    ends = (datetime.now(UTC) + timedelta(days=7)).isoformat(timespec="seconds")
    assert not needs_renewal(ends, 8)
    assert needs_renewal(ends, 825)


def test_a_certificate_does_not_outlive_its_authority() -> None:
    authority = issue_authority("short", days=5)
    issued = issue_certificate(authority, "clients", (), days=825)
    ends = x509.load_pem_x509_certificate(issued.certificate.encode()).not_valid_after_utc
    assert ends < datetime.now(UTC) + timedelta(days=6)


def certificate_inputs(days: int) -> dict[str, Any]:
    authority = issue_authority("of a test", days=400)
    return {
        "common_name": "clients",
        "hosts": [],
        "days": days,
        "authority_certificate": authority.certificate,
        "authority_key": authority.private_key,
    }


def certificate_of(deployment: Deployment, account: str) -> Any:
    return deployment.one("AccountCertificate", f"{account}-certificate")


def common_name(pem: str) -> str:
    certificate = x509.load_pem_x509_certificate(pem[pem.index("-----BEGIN CERT") :].encode())
    (name,) = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(name.value)


def rights(deployment: Deployment) -> set[tuple[str, ...]]:
    return {
        (
            acl.inputs["aclPrincipal"],
            acl.inputs["aclOperation"],
            acl.inputs["aclResourceType"],
            acl.inputs["aclResourceName"],
            acl.inputs["resourcePatternTypeFilter"],
        )
        for acl in deployment.of_type("Acl")
    }
