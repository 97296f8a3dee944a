"""The source layer as one component."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

from components.config import StackConfig
from components.config.security import versioned_name
from components.config.source import SourceSettings
from components.manifests import metadata, name_of, rollout_annotations
from components.security.credentials import Credentials
from components.sizing import Resources
from components.source import server
from components.source.captured_source import CapturedSource, DatabaseAddress
from components.source.certificate import ServerCertificate
from components.source.configuration import pg_hba_conf, postgresql_conf, volume_of
from components.source.database_account import DatabaseAccount
from components.source.database_schema import DatabaseSchema
from components.source.described import described_columns, described_keys
from components.source.psql import Psql
from components.source.schema import (
    account_script,
    captured_tables_query,
    check_script,
    database_script,
    lock_holders_script,
    revoke_script,
)
from components.workloads import Workload, service_host
from kafka_connect.cluster_access import ClusterAccess

POSTGRESQL = Workload.POSTGRESQL


@dataclass(frozen=True)
class SourceArgs:
    """What the source layer depends on."""

    settings: SourceSettings
    tables: tuple[str, ...]  # captured, as schema.table
    avro_names: bool  # whether the columns' names have to be names in Avro
    resources: Resources
    storage: int  # MiB
    storage_class: str
    image: str
    postgres_bin: str  # folder of initdb, postgres and psql in the image
    namespace: pulumi.Input[str]
    credentials: Credentials
    credentials_version: int  # each version has its own account of change data capture
    node_port: int | None  # None: not reachable from outside the cluster
    external_host: str
    certificate_days: int
    cluster: ClusterAccess  # for applying the schema in the pod
    captured: pulumi.Resource  # until it exists, the list of tables is not checked

    @property
    def capture_user(self) -> str:
        """The account of change data capture."""
        return versioned_name(self.settings.debezium_user, self.credentials_version, "_")

    @classmethod
    def from_config(
        cls,
        config: StackConfig,
        namespace: pulumi.Input[str],
        credentials: Credentials,
        captured: pulumi.Resource,
    ) -> SourceArgs:
        """Return a stack's arguments, with the security layer's namespace and passwords."""
        images, ports = config.images.resolve(), config.cluster.node_ports
        return cls(
            settings=config.source,
            tables=config.tables,
            avro_names=config.needs_avro_names,
            resources=config.sizing.postgresql,
            storage=config.sizing.postgresql_storage,
            storage_class=config.cluster.storage_class,
            image=images.postgresql,
            postgres_bin=images.postgres_bin,
            namespace=namespace,
            credentials=credentials,
            credentials_version=config.security.credentials_version,
            node_port=ports.postgresql if ports else None,
            external_host=config.cluster.external_host,
            certificate_days=config.security.certificate_days,
            cluster=ClusterAccess(context=config.cluster.context),
            captured=captured,
        )


class Source(CapturedSource):
    """PostgreSQL, its certificate, its schema and the accounts in it."""

    host: pulumi.Output[str]
    port: int

    def __init__(
        self, name: str, args: SourceArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("datapipe:source:Source", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self.port = args.settings.port
        self.database = args.settings.database
        if shortage := volume_of(args.settings, args.storage).shortage():
            pulumi.log.warn(shortage, self)
        self.host = pulumi.Output.from_input(args.namespace).apply(
            lambda namespace: service_host(POSTGRESQL.value, namespace)
        )
        certificate = self._certificate(args)
        self.ca_certificate = certificate.ca_certificate
        configuration = _configuration_files(args)
        digests: dict[str, pulumi.Input[str]] = {
            "datapipe/configuration": _sha256("".join(configuration.values())),
            "datapipe/certificate": _digest(certificate.certificate),
        }
        files = server.ServerFiles(
            configuration=self._config_map(args, configuration),
            credentials=self._credentials(args),
            certificate=self._certificate_files(args, certificate),
            digests=digests,
        )
        self._services(args)
        running = self._stateful_set(args, files)
        psql = Psql(
            args.cluster,
            args.namespace,
            server.POD,
            server.CONTAINER,
            server.psql_command(args.postgres_bin, args.settings.port),
        )
        schema = self._schema(args, psql, running)
        account = self._account(args, psql, schema)
        self.capture_user = account.user
        self.capture_password = args.credentials.debezium
        self.outside = DatabaseAddress(
            args.external_host, args.node_port, "postgres", args.credentials.postgres
        )
        # The publications' comments have them.
        self.captured_entries = pulumi.Output.from_input("{}")
        self.captured = schema.captured
        self.keys = schema.described.apply(lambda text: described_keys(text, args.tables))
        self.columns = schema.described.apply(lambda text: described_columns(text, args.tables))
        self.captured_tables_query = captured_tables_query(
            args.settings, args.tables, args.capture_user, avro_names=args.avro_names
        )
        self.ready = [schema, account]
        self.register_outputs({"host": self.host, "caCertificate": self.ca_certificate})

    def _certificate(self, args: SourceArgs) -> ServerCertificate:
        """Declare a certificate for every name by which a client may reach the server."""
        namespace, service = args.namespace, POSTGRESQL.value
        in_cluster = [
            pulumi.Output.concat(service, ".", namespace),
            pulumi.Output.concat(service, ".", namespace, ".svc"),
            pulumi.Output.concat(
                server.POD, ".", server.HEADLESS_SERVICE, ".", namespace, ".svc.cluster.local"
            ),
        ]
        hosts: list[pulumi.Input[str]] = [
            self.host,
            service,
            *in_cluster,
            "localhost",
            args.external_host,
        ]
        return ServerCertificate(
            "postgresql-certificate", hosts, args.certificate_days, self._child
        )

    def _config_map(self, args: SourceArgs, files: dict[str, str]) -> pulumi.Output[str]:
        config_map = kubernetes.core.v1.ConfigMap(
            POSTGRESQL.value,
            metadata=metadata(POSTGRESQL.value, args.namespace, POSTGRESQL),
            data=files,
            opts=self._child,
        )
        return name_of(config_map)

    def _credentials(self, args: SourceArgs) -> pulumi.Output[str]:
        name = f"{POSTGRESQL.value}-credentials"
        secret = kubernetes.core.v1.Secret(
            name,
            metadata=metadata(name, args.namespace, POSTGRESQL),
            string_data={"postgres": args.credentials.postgres},
            opts=self._child,
        )
        return name_of(secret)

    def _certificate_files(
        self, args: SourceArgs, certificate: ServerCertificate
    ) -> pulumi.Output[str]:
        name = f"{POSTGRESQL.value}-tls"
        secret = kubernetes.core.v1.Secret(
            name,
            metadata=metadata(name, args.namespace, POSTGRESQL),
            type="kubernetes.io/tls",
            string_data={
                "ca.crt": certificate.ca_certificate,
                "tls.crt": certificate.certificate,
                "tls.key": certificate.private_key,
            },
            opts=self._child,
        )
        return name_of(secret)

    def _services(self, args: SourceArgs) -> None:
        port = args.settings.port
        services = {
            POSTGRESQL.value: server.service_spec(port),
            server.HEADLESS_SERVICE: server.service_spec(port, headless=True),
        }
        if args.node_port is not None:
            services[server.EXTERNAL_SERVICE] = server.service_spec(port, node_port=args.node_port)
        for service, spec in services.items():
            kubernetes.core.v1.Service(
                service,
                metadata=metadata(service, args.namespace, POSTGRESQL),
                spec=spec,
                opts=self._child,
            )

    def _stateful_set(
        self, args: SourceArgs, files: server.ServerFiles
    ) -> kubernetes.apps.v1.StatefulSet:
        return kubernetes.apps.v1.StatefulSet(
            POSTGRESQL.value,
            metadata={
                **metadata(POSTGRESQL.value, args.namespace, POSTGRESQL),
                "annotations": rollout_annotations(1),
            },
            spec=server.stateful_set_spec(
                image=args.image,
                postgres_bin=args.postgres_bin,
                port=args.settings.port,
                resources=args.resources,
                storage=args.storage,
                storage_class=args.storage_class,
                files=files,
            ),
            opts=pulumi.ResourceOptions.merge(
                self._child, pulumi.ResourceOptions(protect=args.settings.protect)
            ),
        )

    def _schema(self, args: SourceArgs, psql: Psql, running: pulumi.Resource) -> DatabaseSchema:
        return DatabaseSchema(
            "database-schema",
            psql=psql,
            script=database_script(args.settings, args.tables),
            check_script=check_script(
                args.settings, args.tables, args.capture_user, avro_names=args.avro_names
            ),
            lock_holders_script=lock_holders_script(args.settings, args.tables),
            superuser_password=args.credentials.postgres,
            opts=pulumi.ResourceOptions.merge(
                self._child, pulumi.ResourceOptions(depends_on=[running, args.captured])
            ),
        )

    def _account(self, args: SourceArgs, psql: Psql, schema: DatabaseSchema) -> DatabaseAccount:
        """Declare this version's account; Pulumi drops another version's after the update."""
        return DatabaseAccount(
            versioned_name("debezium-account", args.credentials_version),
            psql=psql,
            user=args.capture_user,
            password=args.credentials.debezium,
            script=account_script(args.settings, args.capture_user, args.tables),
            revoke_script=revoke_script(args.settings, args.capture_user),
            schema_applied=schema.captured.apply(lambda captured: (captured or {}).get("applied")),
            opts=pulumi.ResourceOptions.merge(
                self._child, pulumi.ResourceOptions(depends_on=[schema])
            ),
        )


def _configuration_files(args: SourceArgs) -> dict[str, str]:
    return {
        "postgresql.conf": postgresql_conf(
            args.settings, args.resources, args.storage, len(args.tables)
        ),
        "pg_hba.conf": pg_hba_conf(args.settings),
        "initialize.sh": (Path(__file__).parent / "initialize.sh").read_text(),
    }


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _digest(*texts: pulumi.Output[str]) -> pulumi.Output[str]:
    """Return a digest of some texts, secret if one of them is."""
    return pulumi.Output.all(*texts).apply(lambda known: _sha256("\n".join(known)))
