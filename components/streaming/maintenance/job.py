"""The CronJob that maintains the archive's tables, with its files and the keys of its identity."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

from components.archive.access import Identity
from components.archive.layer import Archive
from components.config import StackConfig
from components.config.maintenance import MaintenanceSettings
from components.images import ImageFamilyTable
from components.manifests import Manifest, metadata
from components.sizing import (
    MAINTENANCE_JVM,
    Resources,
    jvm_collector_options,
    jvm_heap_options,
)
from components.source.captured_source import CapturedSource
from components.streaming.maintenance.configuration import maintenance_properties
from components.streaming.pods import (
    aws_role_variables,
    aws_token_mount,
    aws_token_volume,
    config_mount,
    config_volume,
    environment,
    read_files,
    scratch_mount,
    scratch_volume,
)
from components.streaming.properties import render_properties
from components.streaming.sinks.protocol import ArchiveSink, MaintainedTables
from components.streaming.topic_names import TopicNames
from components.workloads import CONFIG_DIR, Workload, container_security_context

HERE = Path(__file__).parent
MAINTENANCE = Workload.MAINTENANCE.value
CONTAINER = "maintenance"
JAR = "maintenance.jar"
OWN_JARS = HERE.parents[2] / "java"
# Rows that are sorted wait there, and parts of merged files until they are uploaded.
SCRATCH_SIZE = "2Gi"
# A run that the cluster could not start in time is left to the next one.
STARTING_DEADLINE_SECONDS = 600
# A run that failed is repeated immediately so many times, then by the schedule.
RETRIES = 2
# Runs whose pods, and so logs, are kept.
SUCCESSFUL_RUNS, FAILED_RUNS = 2, 3
# The program stops before its next step.
GRACE_SECONDS = 60


@dataclass(frozen=True)
class MaintenanceArgs:
    """What the job is made of."""

    settings: MaintenanceSettings
    resources: Resources
    images: ImageFamilyTable
    region: str
    namespace: pulumi.Input[str]
    maintained: MaintainedTables
    keys: pulumi.Input[Mapping[str, Sequence[str]]]
    """columns of each captured table's key, by its topic"""
    identity: Identity

    @classmethod
    def from_config(
        cls,
        config: StackConfig,
        sink: ArchiveSink,
        *,
        namespace: pulumi.Input[str],
        databases: Mapping[str, CapturedSource],
        archive: Archive,
    ) -> MaintenanceArgs | None:
        """Return the arguments for a stack; None where no pod maintains its archive."""
        maintained = sink.maintained()
        if archive.maintainer is None or maintained is None:
            return None
        return cls(
            settings=config.archive.maintenance,
            resources=config.sizing.maintenance,
            images=config.images.resolve(),
            region=config.aws.region,
            namespace=namespace,
            maintained=maintained,
            keys=pulumi.Output.all(**{one: databases[one].keys for one in databases}).apply(
                _keys_by_topic
            ),
            identity=archive.maintainer,
        )


def _keys_by_topic(keys: Mapping[str, Mapping[str, Sequence[str]]]) -> dict[str, Sequence[str]]:
    return {
        TopicNames(name).of(table): columns
        for name, tables in keys.items()
        for table, columns in tables.items()
    }


class Maintenance(pulumi.ComponentResource):
    """A CronJob that runs the program of java/maintenance in the workers' image."""

    def __init__(
        self, name: str, args: MaintenanceArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("datapipe:streaming:Maintenance", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        about = metadata(MAINTENANCE, args.namespace, Workload.MAINTENANCE)
        mounted: list[pulumi.Resource] = [
            kubernetes.core.v1.ConfigMap(
                MAINTENANCE,
                metadata=about,
                data=maintenance_files(args),
                binary_data={JAR: base64.b64encode((OWN_JARS / JAR).read_bytes()).decode()},
                opts=child,
            )
        ]
        if secrets := access_keys(args.identity):
            mounted.append(
                kubernetes.core.v1.Secret(
                    MAINTENANCE, metadata=about, string_data=secrets, opts=child
                )
            )
        kubernetes.batch.v1.CronJob(
            MAINTENANCE,
            metadata=about,
            spec=cron_job_spec(args),
            opts=pulumi.ResourceOptions.merge(
                child, pulumi.ResourceOptions(depends_on=[*mounted, args.identity.ready])
            ),
        )
        self.register_outputs({"cronJob": MAINTENANCE})


def maintenance_files(args: MaintenanceArgs) -> dict[str, pulumi.Input[str]]:
    """Return the script and the configuration, by the name that they have in CONFIG_DIR."""
    properties = pulumi.Output.from_input(args.keys).apply(
        lambda keys: render_properties(maintenance_properties(args.settings, args.maintained, keys))
    )
    return {**read_files(HERE / "files"), "maintenance.properties": properties}


def access_keys(identity: Identity) -> dict[str, pulumi.Input[str]]:
    """Return the variables with the identity's keys; none where it is a role."""
    if identity.access_key_id is None or identity.secret_access_key is None:
        return {}
    return {
        "AWS_ACCESS_KEY_ID": identity.access_key_id,
        "AWS_SECRET_ACCESS_KEY": identity.secret_access_key,
    }


def cron_job_spec(args: MaintenanceArgs) -> Manifest:
    """Return the schedule and its job: never two runs at a time, each with an end."""
    return {
        "schedule": args.settings.schedule,
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": STARTING_DEADLINE_SECONDS,
        "successfulJobsHistoryLimit": SUCCESSFUL_RUNS,
        "failedJobsHistoryLimit": FAILED_RUNS,
        "jobTemplate": {
            "metadata": {"labels": Workload.MAINTENANCE.labels},
            "spec": {
                "parallelism": 1,
                "completions": 1,
                "backoffLimit": RETRIES,
                "activeDeadlineSeconds": args.settings.deadline_minutes * 60,
                "template": {
                    "metadata": {"labels": Workload.MAINTENANCE.labels},
                    "spec": _pod_spec(args),
                },
            },
        },
    }


def _pod_spec(args: MaintenanceArgs) -> Manifest:
    volumes = [config_volume(Workload.MAINTENANCE), scratch_volume(SCRATCH_SIZE)]
    if args.identity.role_arn is not None:
        volumes.append(aws_token_volume())
    return {
        "serviceAccountName": Workload.MAINTENANCE.service_account,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": Workload.MAINTENANCE.pod_security_context(),
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "containers": [_container(args)],
        "volumes": volumes,
    }


def _container(args: MaintenanceArgs) -> Manifest:
    limit, profile = args.resources.memory_limit, MAINTENANCE_JVM
    variables: dict[str, pulumi.Input[str]] = {
        "ICEBERG_PLUGIN": args.maintained.plugin,
        "MAINTENANCE_JAVA_OPTS": (
            f"{jvm_heap_options(limit, profile)} {jvm_collector_options(profile)}"
            # No line on standard error about which log is used.
            " -Dslf4j.internal.verbosity=WARN"
        ),
        "AWS_REGION": args.region,
        # glibc keeps an arena of up to 64 MiB per thread and core; two are enough.
        "MALLOC_ARENA_MAX": "2",
    }
    mounts = [config_mount(CONFIG_DIR), scratch_mount()]
    keys: Manifest = {}
    if args.identity.role_arn is not None:
        variables |= aws_role_variables(args.identity.role_arn)
        mounts.append(aws_token_mount())
    else:
        keys = {"envFrom": [{"secretRef": {"name": MAINTENANCE}}]}
    return {
        "name": CONTAINER,
        "image": args.images.connect,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", f"{CONFIG_DIR}/start-maintenance.sh"],
        "args": ["maintain"],
        "env": environment(variables),
        **keys,
        "securityContext": container_security_context(),
        "resources": args.resources.manifest(),
        "volumeMounts": mounts,
    }
