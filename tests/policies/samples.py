"""A small stack that meets every policy, and pieces to build others from."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from policies.finding import Finding, NotJudged, Violation
from policies.network import PRIVATE
from policies.pack import POLICIES
from policies.policy import StackPolicy
from policies.resource import Resource

# The date on which the tests run.
TODAY = date(2026, 3, 1)
NAMESPACE = "data"
SECURITY = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}


def sizes(memory: str = "64Mi", cpu: str = "100m") -> dict[str, Any]:
    """Return resources with requests equal to limits."""
    return {kind: {"memory": memory, "cpu": cpu} for kind in ("requests", "limits")}


def container(name: str = "app", **changes: Any) -> dict[str, Any]:
    """Return a container that meets every policy; `changes` replace its fields."""
    return {
        "name": name,
        "image": "docker.io/curlimages/curl:8.11.1",
        "securityContext": SECURITY,
        "resources": sizes(),
        **changes,
    }


def pod_spec(*containers: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a pod spec that meets every policy."""
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 1000,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": list(containers) or [container()],
        **changes,
    }


def kubernetes(api: str, kind: str, name: str, **properties: Any) -> Resource:
    """Return a Kubernetes object, with the same name in the program and in the cluster."""
    namespace = properties.pop("namespace", NAMESPACE)
    metadata = {"name": name, "namespace": namespace}
    token = f"kubernetes:{api}:{kind}"
    version = api.removeprefix("core/")
    return Resource(
        token,
        name,
        {"apiVersion": version, "kind": kind, "metadata": metadata, **properties},
        urn=f"urn:pulumi:test::pack::{token}::{name}",
    )


def workload(kind: str, name: str, pod: dict[str, Any] | None = None, **spec: Any) -> Resource:
    """Return a Deployment, StatefulSet or DaemonSet."""
    namespace = spec.pop("namespace", NAMESPACE)
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod or pod_spec()}
    whole = {"selector": {"matchLabels": labels}, "template": template, **spec}
    return kubernetes("apps/v1", kind, name, namespace=namespace, spec=whole)


def deployment(name: str, pod: dict[str, Any] | None = None, **spec: Any) -> Resource:
    """Return a Deployment that is updated without surge."""
    without_surge = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0}}
    return workload("Deployment", name, pod, **{"strategy": without_surge, **spec})


def stateful_set(name: str, pod: dict[str, Any] | None = None, **spec: Any) -> Resource:
    return workload("StatefulSet", name, pod, **{"replicas": 1, "serviceName": name, **spec})


def cron_job(name: str, pod: dict[str, Any] | None = None, **spec: Any) -> Resource:
    """Return a CronJob whose runs never overlap."""
    template = {"metadata": {"labels": {"app": name}}, "spec": pod or pod_spec()}
    whole = {
        "schedule": "0 * * * *",
        "concurrencyPolicy": "Forbid",
        "jobTemplate": {"spec": {"template": template}},
        **spec,
    }
    return kubernetes("batch/v1", "CronJob", name, spec=whole)


def claim(size: str) -> dict[str, Any]:
    """Return a StatefulSet's template of a claim `data`."""
    return {
        "metadata": {"name": "data"},
        "spec": {"resources": {"requests": {"storage": size}}},
    }


def network_policy(name: str, **spec: Any) -> Resource:
    return kubernetes("networking.k8s.io/v1", "NetworkPolicy", name, spec=spec)


def aws(kind: str, name: str, service: str = "s3", **properties: Any) -> Resource:
    """Return an AWS resource."""
    token = f"aws:{service}/{kind[0].lower()}{kind[1:]}:{kind}"
    return Resource(token, name, properties, urn=f"urn:pulumi:test::pack::{token}::{name}")


def document(*statements: dict[str, Any]) -> str:
    """Return an AWS policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any, resource: Any = "arn:aws:s3:::archive/topics/*") -> dict[str, Any]:
    """Return a statement that grants something."""
    return {"Sid": "Sink", "Effect": "Allow", "Action": action, "Resource": resource}


def topic(name: str, replicas: int = 3, **config: str) -> Resource:
    """Return a Kafka topic; `config` has underscores for dots."""
    settings = {key.replace("_", "."): value for key, value in config.items()}
    properties = {"name": name, "partitions": 6, "replicationFactor": replicas, "config": settings}
    token = "kafka:index/topic:Topic"
    return Resource(token, name, properties, urn=f"urn:pulumi:test::pack::{token}::{name}")


def connector(name: str, **config: str) -> Resource:
    """Return a connector; `config` has underscores for dots."""
    settings = {key.replace("_", "."): value for key, value in config.items()}
    token = "pulumi-python:dynamic/kafka:Connector"
    properties = {"name": name, "config": {"connector.class": "example.Connector", **settings}}
    return Resource(token, name, properties, urn=f"urn:pulumi:test::pack::{token}::{name}")


def config_map(name: str, **files: str) -> Resource:
    """Return a ConfigMap; the names of `files` have underscores for dots."""
    data = {key.replace("__", "-").replace("_", "."): text for key, text in files.items()}
    return kubernetes("core/v1", "ConfigMap", name, data=data)


BROKER_FILE = """\
# a broker of three
process.roles=broker,controller
log.dirs=/var/lib/kafka/data/data
listeners=INTERNAL://:9092
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
unclean.leader.election.enable=false
auto.create.topics.enable=false
"""

POSTGRESQL_FILE = """\
shared_buffers = '256MB'   # half of the limit
wal_buffers = '16MB'
work_mem = '4MB'
max_connections = '20'
maintenance_work_mem = '16MB'
logical_decoding_work_mem = '8MB'
autovacuum_max_workers = '2'
max_wal_senders = '4'
"""

JVM_OPTIONS = (
    "-Xmx300m -Xss512k -XX:MaxMetaspaceSize=72m -XX:ReservedCodeCacheSize=48m"
    " -XX:MaxDirectMemorySize=64m"
)


def bucket(name: str, without: str = "") -> list[Resource]:
    """Return a bucket with the resources that protect it, except for one kind."""
    refuse = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{name}"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    flags = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    companions: dict[str, dict[str, Any]] = {
        "BucketServerSideEncryptionConfiguration": {
            "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]
        },
        "BucketPublicAccessBlock": dict.fromkeys(flags, True),
        "BucketOwnershipControls": {"rule": {"objectOwnership": "BucketOwnerEnforced"}},
        "BucketPolicy": {"policy": document(refuse)},
        "BucketLifecycleConfiguration": {
            "rules": [
                {
                    "id": "abort",
                    "status": "Enabled",
                    "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
                }
            ]
        },
    }
    return [
        aws("Bucket", name, bucket=name),
        *(aws(k, name, bucket=name, **p) for k, p in companions.items() if k != without),
    ]


def pods(app: str) -> dict[str, Any]:
    """Return a network rule's peer: the pods of a workload."""
    return {"podSelector": {"matchLabels": {"app": app}}}


def ports(*numbers: int, protocol: str = "TCP") -> list[dict[str, Any]]:
    """Return a network rule's ports."""
    return [{"protocol": protocol, "port": number} for number in numbers]


DNS = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
    "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
}
NODES = {"ipBlock": {"cidr": "172.18.0.0/16"}}
PUBLIC_INTERNET = {
    "ipBlock": {
        "cidr": "0.0.0.0/0",
        "except": [str(network) for network in PRIVATE if network.version == 4],
    }
}
PROMETHEUS = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}},
    "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}},
}


def network(**broker: Any) -> list[Resource]:
    """Return the design's network policies for database and brokers; `broker` replaces parts."""
    both = ["Ingress", "Egress"]
    to_brokers = [
        {"from": [pods("kafka")], "ports": ports(9092, 9093)},
        {"from": [NODES], "ports": ports(9094)},
    ]
    of_brokers = [{"to": [pods("kafka")], "ports": ports(9092, 9093)}]
    resolve = {"to": [DNS], "ports": [*ports(53), *ports(53, protocol="UDP")]}
    return [
        network_policy("default-deny", podSelector={}, policyTypes=both),
        network_policy("dns", podSelector={}, policyTypes=["Egress"], egress=[resolve]),
        network_policy(
            "postgresql",
            podSelector={"matchLabels": {"app": "postgresql"}},
            ingress=[{"from": [NODES], "ports": ports(5432)}],
        ),
        network_policy(
            "archive-maintenance",
            podSelector={"matchLabels": {"app": "archive-maintenance"}},
            policyTypes=both,
            egress=[{"to": [PUBLIC_INTERNET], "ports": ports(443)}],
        ),
        network_policy(
            "metrics",
            podSelector={"matchLabels": {"app": "kafka"}},
            ingress=[{"from": [NODES, PROMETHEUS], "ports": ports(9404)}],
        ),
        network_policy(
            "kafka",
            **{
                "podSelector": {"matchLabels": {"app": "kafka"}},
                "policyTypes": both,
                "ingress": to_brokers,
                "egress": of_brokers,
                **broker,
            },
        ),
    ]


def compliant_stack() -> list[Resource]:
    """Return three workloads, their network, a bucket, who uses it, a topic and two connectors."""
    configuration = {"name": "config", "configMap": {"name": "postgresql"}}
    settings = {"name": "config", "configMap": {"name": "kafka"}}
    database = container(
        "postgresql",
        image="docker.io/library/postgres:15.10-alpine",
        resources=sizes("512Mi", "1"),
        command=["postgres", "-D", "/var/lib/postgresql/data/pgdata"],
        volumeMounts=[{"name": "data", "mountPath": "/var/lib/postgresql/data"}],
    )
    broker = container(
        "kafka",
        image="docker.io/confluentinc/cp-kafka:7.9.2",
        resources=sizes("682Mi", "500m"),
        env=[{"name": "KAFKA_HEAP_OPTS", "value": JVM_OPTIONS}],
        volumeMounts=[
            {"name": "data", "mountPath": "/var/lib/kafka/data"},
            {"name": "config", "mountPath": "/opt/datapipe/config", "readOnly": True},
        ],
    )
    claims = {"volumeClaimTemplates": [claim("1Gi")]}
    return [
        stateful_set("postgresql", pod_spec(database, volumes=[configuration]), **claims),
        config_map("postgresql", postgresql_conf=POSTGRESQL_FILE),
        stateful_set("kafka", pod_spec(broker, volumes=[settings]), replicas=3, **claims),
        config_map("kafka", server_properties=BROKER_FILE),
        cron_job("archive-maintenance"),
        *network(),
        *bucket("archive"),
        aws("Policy", "sink", "iam", policy=document(allow("s3:PutObject"))),
        aws("Policy", "maintain-archive", "iam", policy=document(allow("s3:DeleteObject"))),
        aws("Policy", "read-archive", "iam", policy=document(allow("athena:StartQueryExecution"))),
        topic("postgres.public.users", retention_ms="604800000"),
        connector("source", errors_tolerance="none", database_password="${env:DB_PASSWORD}"),
        connector(
            "sink",
            topics="postgres.public.users",
            errors_tolerance="all",
            errors_deadletterqueue_topic_name="sink-dlq",
        ),
    ]


def findings(
    policy_name: str, resources: list[Resource], given: dict[str, Any] | None = None
) -> list[Finding]:
    """Return what one policy finds in a stack."""
    policy = next(policy for policy in POLICIES if policy.name == policy_name)
    if isinstance(policy, StackPolicy):
        return list(policy.findings(resources, given or {}, TODAY))
    return [f for r in resources for f in policy.findings(r, given or {}, TODAY)]


def messages(
    policy_name: str, resources: list[Resource], given: dict[str, Any] | None = None
) -> list[str]:
    """Return the violations of one policy; every check must have been made."""
    found = findings(policy_name, resources, given)
    assert not [f for f in found if isinstance(f, NotJudged)]
    return [f.message for f in found if isinstance(f, Violation)]
