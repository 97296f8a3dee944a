"""PostgreSQL's pod, files, certificate and schema keep what the source layer promises."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import IPv4Address
from typing import Any

import pulumi
import pytest
from cryptography import x509
from pulumi import dynamic
from pulumi.dynamic.dynamic import serialize_provider

from components.config import StackConfig
from components.security.credentials import generate_credentials
from components.source import database_account, psql
from components.source.certificate import CertificateProvider, issue
from components.source.database_account import DatabaseAccountProvider
from components.source.database_schema import INPUTS, DatabaseSchemaProvider
from components.source.layer import Source, SourceArgs
from components.source.pod_exec import PodCommand, PodExecError
from components.workloads import Workload
from kafka_connect.cluster_access import ClusterAccess
from tests.unit.deployment import Deployment, every_container, visible_text

Stack = Callable[..., StackConfig]
Sourced = Callable[..., Deployment]


@pytest.fixture
def sourced(stack: Stack, deploy: Callable[..., Deployment]) -> Sourced:
    """The source layer of a stack with these sections."""

    def run(**sections: Any) -> Deployment:
        config = stack(**sections)
        ports = config.cluster.node_ports

        def program() -> dict[str, Any]:
            credentials = generate_credentials()
            source = Source(
                "source",
                SourceArgs(
                    settings=config.source,
                    tables=config.tables,
                    avro_names=config.needs_avro_names,
                    resources=config.sizing.postgresql,
                    storage=config.sizing.postgresql_storage,
                    storage_class=config.cluster.storage_class,
                    image="postgres:15",
                    postgres_bin="/usr/local/bin",
                    namespace="data-ingestion",
                    credentials=credentials,
                    credentials_version=config.security.credentials_version,
                    node_port=ports.postgresql if ports else None,
                    external_host=config.cluster.external_host,
                    certificate_days=config.security.certificate_days,
                    cluster=ClusterAccess(config.cluster.context),
                    captured=pulumi.ComponentResource("test:index:Captured", "captured"),
                ),
            )
            passwords = {"postgres": credentials.postgres, "debezium": credentials.debezium}
            return {"host": source.host, "ca": source.ca_certificate, **passwords}

        return deploy(program)

    return run


class TestPod:
    def test_it_has_the_designs_resources_in_every_container(self, sourced: Sourced) -> None:
        for container in every_container(sourced().one("StatefulSet")):
            assert container["resources"] == {
                "requests": {"memory": "512Mi", "cpu": "500m"},
                "limits": {"memory": "512Mi", "cpu": "1000m"},
            }

    def test_it_meets_the_restricted_profile(self, sourced: Sourced) -> None:
        pod = sourced().one("StatefulSet").inputs["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == pod["securityContext"]["fsGroup"] == 70
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        for container in (*pod["initContainers"], *pod["containers"]):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True,
            }

    def test_its_volume_has_the_designs_size_and_is_retained(self, sourced: Sourced) -> None:
        spec = sourced().one("StatefulSet").inputs["spec"]
        [claim] = spec["volumeClaimTemplates"]
        assert claim["spec"]["resources"]["requests"]["storage"] == "5120Mi"
        assert claim["spec"]["storageClassName"] == "local-path"
        assert set(spec["persistentVolumeClaimRetentionPolicy"].values()) == {"Retain"}

    def test_it_is_probed_and_shut_down_without_waiting_for_clients(self, sourced: Sourced) -> None:
        [server] = sourced().one("StatefulSet").inputs["spec"]["template"]["spec"]["containers"]
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert server[probe]["exec"]["command"][0].endswith("/pg_isready")
        assert server["lifecycle"]["preStop"]["exec"]["command"][-1] == "kill -INT 1"

    def test_few_probes_end_a_hung_server_in_two_minutes(self, sourced: Sourced) -> None:
        [server] = sourced().one("StatefulSet").inputs["spec"]["template"]["spec"]["containers"]
        running = [server["readinessProbe"], server["livenessProbe"]]
        assert sum(60 / probe["periodSeconds"] for probe in running) <= 4  # a minute
        liveness = server["livenessProbe"]
        assert liveness["periodSeconds"] * liveness["failureThreshold"] <= 120

    def test_a_changed_setting_restarts_it(self, sourced: Sourced) -> None:
        def annotations(**source: Any) -> dict[str, Any]:
            template = sourced(source=source).one("StatefulSet").inputs["spec"]["template"]
            return dict(template["metadata"]["annotations"])

        key = "datapipe/configuration"
        assert annotations()[key] == annotations()[key] != annotations(maxWalSize="1GB")[key]

    def test_a_volume_that_its_wal_can_fill_is_a_warning(
        self, sourced: Sourced, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        warnings: list[str] = []
        monkeypatch.setattr(pulumi.log, "warn", lambda text, *_: warnings.append(text))
        sourced()
        assert not warnings
        sourced(sizing={"postgresqlStorage": "4Gi"})
        [warning] = warnings
        assert "no room for tables on its volume of 4096 MiB (sizing.postgresqlStorage)" in warning

    def test_it_waits_for_what_it_mounts(self, sourced: Sourced) -> None:
        waits = sourced().one("StatefulSet").dependencies
        assert {"postgresql", "postgresql-credentials", "postgresql-tls"} <= waits


class TestServices:
    def test_clients_outside_use_the_node_port(self, sourced: Sourced) -> None:
        spec = sourced().one("Service", "postgresql-external").inputs["spec"]
        assert spec["type"] == "NodePort"
        assert [(port["port"], port["nodePort"]) for port in spec["ports"]] == [(5432, 30432)]

    def test_without_node_ports_it_is_reachable_in_the_cluster_only(self, sourced: Sourced) -> None:
        services = sourced(
            cluster={"nodePorts": None}, kafka={"bootstrapServers": ["kafka:9092"]}
        ).of_type("Service")
        assert {one.object_name for one in services} == {"postgresql", "postgresql-headless"}

    def test_every_service_selects_the_server(self, sourced: Sourced) -> None:
        deployment = sourced()
        assert deployment.outputs["host"] == "postgresql.data-ingestion.svc.cluster.local"
        for service in deployment.of_type("Service"):
            assert service.inputs["spec"]["selector"] == Workload.POSTGRESQL.selector


class TestSecrets:
    def test_no_password_or_key_is_in_clear_text(self, sourced: Sourced) -> None:
        deployment = sourced()
        key = deployment.one("Secret", "postgresql-tls").inputs["stringData"]["tls.key"]
        text = visible_text(deployment)
        assert key.startswith("-----BEGIN PRIVATE KEY-----")
        assert "PRIVATE KEY" not in text
        for account in ("postgres", "debezium"):
            assert deployment.outputs[account].value not in text

    def test_files_are_readable_to_the_server_only(self, sourced: Sourced) -> None:
        volumes = sourced().one("StatefulSet").inputs["spec"]["template"]["spec"]["volumes"]
        modes = {volume["secret"]["defaultMode"] for volume in volumes if "secret" in volume}
        assert modes == {0o440}


class TestCertificate:
    def test_it_has_every_name_of_the_server(self, sourced: Sourced) -> None:
        deployment = sourced(cluster={"externalHost": "10.231.0.1"})
        text = deployment.one("Secret", "postgresql-tls").inputs["stringData"]["tls.crt"]
        certificate = x509.load_pem_x509_certificate(text.encode())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert {
            "postgresql.data-ingestion.svc.cluster.local",
            "postgresql-0.postgresql-headless.data-ingestion.svc.cluster.local",
            "localhost",
        } <= set(names.get_values_for_type(x509.DNSName))
        assert names.get_values_for_type(x509.IPAddress) == [IPv4Address("10.231.0.1")]

    def test_it_is_signed_by_the_authority_that_clients_get(self) -> None:
        pem = issue(["localhost"], days=10)
        authority = x509.load_pem_x509_certificate(pem["ca_certificate"].encode())
        server = x509.load_pem_x509_certificate(pem["certificate"].encode())
        server.verify_directly_issued_by(authority)
        assert 8 < (server.not_valid_after_utc - datetime.now(UTC)).days < 11

    def test_it_is_issued_again_only_for_other_names_or_days(self) -> None:
        provider = CertificateProvider()
        inputs = {"hosts": ["localhost"], "days": 10}
        made = provider.create(inputs).outs or {}
        assert provider.diff("certificate", made, inputs).changes is False
        assert provider.diff("certificate", made, {**inputs, "days": 11}).changes is True
        assert provider.diff("certificate", made, {**inputs, "hosts": ["db"]}).changes is True


class TestDatabaseSchema:
    INPUTS = dict.fromkeys(INPUTS, "same") | {"command": ["psql"]}

    def test_it_waits_for_the_server(self, sourced: Sourced) -> None:
        assert "postgresql" in sourced().one("DatabaseSchema").dependencies

    def test_it_is_applied_again_only_when_something_changed(self) -> None:
        provider = DatabaseSchemaProvider()
        assert provider.diff("id", self.INPUTS, dict(self.INPUTS)).changes is False
        for name in INPUTS:
            assert provider.diff("id", self.INPUTS, {**self.INPUTS, name: "other"}).changes is True

    def test_another_table_changes_the_schema_and_not_the_server(self, sourced: Sourced) -> None:
        before, after = sourced(), sourced(tables=["public.users"])
        scripts = [one.one("DatabaseSchema").inputs["script"] for one in (before, after)]
        assert "public.users,public.products" in scripts[0]
        assert scripts[0] != scripts[1]
        configurations = [one.one("ConfigMap").inputs["data"] for one in (before, after)]
        assert configurations[0] == configurations[1]

    def test_a_failed_script_fails_the_resource_with_its_message(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> str:
            raise PodExecError("psql failed (3):\nERROR: database ecommerce has no table public.x")

        monkeypatch.setattr(PodCommand, "run", refuse)
        monkeypatch.setattr(ClusterAccess, "api_client", lambda _: None)
        with pytest.raises(PodExecError, match=r"no table public\.x"):
            DatabaseSchemaProvider().create({**self.INPUTS, "lock_holders_script": "holders"})

    def check(self, monkeypatch: pytest.MonkeyPatch, printed: str) -> dynamic.CheckResult:
        """Return what a preview finds where psql prints this."""
        monkeypatch.setattr(PodCommand, "run", lambda *_: printed)
        monkeypatch.setattr(PodCommand, "pod_exists", lambda *_: True)
        monkeypatch.setattr(ClusterAccess, "api_client", lambda _: None)
        return DatabaseSchemaProvider().check(self.INPUTS, {**self.INPUTS, "check_script": "check"})

    def test_a_table_that_was_replaced_is_named_and_changes_the_schema(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A preview that expects no changes, as make drift does, fails then."""
        checked = self.check(monkeypatch, "missed: public.t: it was dropped\nchanged: public.u: x")
        assert checked.failures == []
        assert DatabaseSchemaProvider().diff("id", self.INPUTS, checked.inputs).changes is True
        printed = capsys.readouterr().err.splitlines()
        assert printed == [
            "public.t: it was dropped. up repairs it and reads the table again.",
            "public.u: x. up repairs it.",
        ]

    def test_a_repaired_database_changes_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        checked = self.check(monkeypatch, "")
        olds = {**self.INPUTS, "drift": ["missed: public.t: it was dropped"]}
        assert DatabaseSchemaProvider().diff("id", olds, checked.inputs).changes is False

    def test_what_can_not_be_archived_is_refused_before_anything_is_repaired(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        checked = self.check(monkeypatch, "refused: public.t: column v\nmissed: public.u: x")
        assert [failure.reason for failure in checked.failures] == ["public.t: column v"]

    def test_its_connectors_are_told_what_was_missed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        printed = (
            'SET\ncaptured: {"entries": {"public.t": {"table": 7}}, "missed": ["public.t"],'
            ' "wal_position": 29384024}'
        )
        monkeypatch.setattr(PodCommand, "run", lambda *_: printed)
        monkeypatch.setattr(ClusterAccess, "api_client", lambda _: None)
        provider = DatabaseSchemaProvider()
        inputs = {**self.INPUTS, "lock_holders_script": ""}
        first, second = (provider.create(inputs).outs or {} for _ in range(2))
        assert first["captured"]["missed"] == ["public.t"]
        assert first["captured"]["wal_position"] == "29384024"
        assert json.loads(first["captured"]["entries"]) == {"public.t": {"table": 7}}
        assert first["captured"] != second["captured"], "each one updates the connectors"


class TestDatabaseAccount:
    INPUTS = dict.fromkeys(database_account.INPUTS, "same") | {"command": ["psql"]}

    def test_it_waits_for_the_tables(self, sourced: Sourced) -> None:
        account = sourced().one("DatabaseAccount")
        assert account.inputs["user"] == "debezium"
        assert "database-schema" in account.dependencies

    def test_each_version_of_the_credentials_has_one_of_its_own(self, sourced: Sourced) -> None:
        first, second = sourced(), sourced(security={"credentialsVersion": 2})
        accounts = [one.one("DatabaseAccount") for one in (first, second)]
        assert [one.name for one in accounts] == ["debezium-account", "debezium-account-2"]
        assert [one.inputs["user"] for one in accounts] == ["debezium", "debezium_2"]

    def test_another_version_of_the_credentials_does_not_restart_the_server(
        self, sourced: Sourced
    ) -> None:
        first, second = sourced(), sourced(security={"credentialsVersion": 2})
        templates = [one.one("StatefulSet").inputs["spec"]["template"] for one in (first, second)]
        for template in templates:  # every run makes a certificate of its own
            del template["metadata"]["annotations"]["datapipe/certificate"]
        assert templates[0] == templates[1]

    def test_the_running_server_mounts_no_password(self, sourced: Sourced) -> None:
        pod = sourced().one("StatefulSet").inputs["spec"]["template"]["spec"]
        mounted = {
            container["name"]: {mount["name"] for mount in container["volumeMounts"]}
            for container in (*pod["initContainers"], *pod["containers"])
        }
        assert "credentials" in mounted["initialize"]
        assert "credentials" not in mounted["postgresql"]
        secret = sourced().one("Secret", "postgresql-credentials")
        assert set(secret.inputs["stringData"]) == {"postgres"}

    def test_its_password_is_passed_by_standard_input(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scripts: list[str] = []
        monkeypatch.setattr(PodCommand, "run", lambda _, __, text, ___: scripts.append(text))
        monkeypatch.setattr(ClusterAccess, "api_client", lambda _: None)
        props = {**self.INPUTS, "script": "make\n", "password": "it's"}
        DatabaseAccountProvider().create(props)
        assert scripts == ["\\set password 'it''s'\nmake\n"]

    @pytest.mark.parametrize("there", [True, False])
    def test_its_deletion_drops_it_if_its_server_exists(
        self, monkeypatch: pytest.MonkeyPatch, there: bool
    ) -> None:
        scripts: list[str] = []
        monkeypatch.setattr(PodCommand, "run", lambda _, __, text, ___: scripts.append(text))
        monkeypatch.setattr(PodCommand, "pod_exists", lambda _, __: there)
        monkeypatch.setattr(ClusterAccess, "api_client", lambda _: None)
        DatabaseAccountProvider().delete("id", {**self.INPUTS, "revoke_script": "revoke"})
        assert scripts == (["revoke"] if there else [])

    def test_another_name_is_another_account(self) -> None:
        provider = DatabaseAccountProvider()
        assert provider.diff("id", self.INPUTS, dict(self.INPUTS)).changes is False
        for name in database_account.INPUTS:
            diff = provider.diff("id", self.INPUTS, {**self.INPUTS, name: "other"})
            assert diff.changes is True
            assert diff.replaces == (["user"] if name == "user" else [])


PROVIDERS = [CertificateProvider(), DatabaseSchemaProvider(), DatabaseAccountProvider()]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_providers_state_is_a_reference(provider: Any) -> None:
    assert len(base64.b64decode(serialize_provider(provider))) < 128


A_POD = {"namespace": "n", "pod": "p", "container": "c", "command": ["psql"]}


class TestScriptsAmongWriters:
    """A script that lost a conflict with writers is run again, other failures are not retried."""

    @pytest.fixture
    def runs(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """What psql prints for each run, in turn; an empty text is a success."""
        outcomes: list[str] = []

        def run(*_args: object) -> str:
            if outcomes and (said := outcomes.pop(0)):
                raise PodExecError(said)
            return ""

        monkeypatch.setattr(PodCommand, "run", run)
        monkeypatch.setattr(ClusterAccess, "api_client", lambda _self: None)
        monkeypatch.setattr("time.sleep", lambda _seconds: None)
        return outcomes

    def test_a_deadlock_is_retried(self, runs: list[str]) -> None:
        runs += ["ERROR:  deadlock detected", "canceling statement due to lock timeout", ""]
        psql.run_script(A_POD, "script")
        assert runs == []

    def test_another_failure_is_not_retried(self, runs: list[str]) -> None:
        runs += ["syntax error", ""]
        with pytest.raises(PodExecError, match="syntax error"):
            psql.run_script(A_POD, "script")
        assert runs == [""]

    def test_the_number_of_attempts_is_limited(self, runs: list[str]) -> None:
        runs += ["deadlock detected"] * (psql.ATTEMPTS + 1)
        with pytest.raises(PodExecError, match="deadlock detected"):
            psql.run_script(A_POD, "script")
        assert len(runs) == 1

    def test_who_has_the_lock_is_in_the_progress_and_in_the_error(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        holder = "locked: t by pid 7 (user eve, application export)"

        def run(_command: object, _client: object, text: str, _timeout: float) -> str:
            if text == "holders":
                return holder
            raise PodExecError(psql.LOCK_TIMEOUT)

        monkeypatch.setattr(PodCommand, "run", run)
        monkeypatch.setattr(ClusterAccess, "api_client", lambda _self: None)
        monkeypatch.setattr("time.sleep", lambda _seconds: None)
        with pytest.raises(PodExecError, match="by pid 7"):
            psql.run_script(A_POD, "script", "holders")
        assert capsys.readouterr().err.count(holder) == psql.ATTEMPTS - 1
