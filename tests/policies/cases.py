"""For each policy resources that break it, and a part of the message.

Each case adds resources to `compliant_stack()`.
"""

from __future__ import annotations

from dataclasses import dataclass

from policies.resource import Resource
from tests.policies.samples import (
    JVM_OPTIONS,
    SECURITY,
    allow,
    aws,
    bucket,
    claim,
    config_map,
    connector,
    container,
    cron_job,
    deployment,
    document,
    kubernetes,
    network_policy,
    pod_spec,
    pods,
    ports,
    sizes,
    stateful_set,
    topic,
)


@dataclass(frozen=True)
class Case:
    """Resources that a policy must refuse, and a part of its message."""

    policy: str
    broken: list[Resource]
    message: str


def security(name: str, message: str, **changes: object) -> Case:
    """Return a pod whose spec breaks the pod-security policy."""
    return Case("pod-security", [deployment(name, pod_spec(**changes))], message)


def context(name: str, message: str, **changes: object) -> Case:
    """Return a container whose security context breaks the pod-security policy."""
    broken = container(securityContext={**SECURITY, **changes})
    return Case("pod-security", [deployment(name, pod_spec(broken))], message)


def jvm(name: str, options: str, message: str) -> Case:
    """Return a JVM of 682Mi with these options."""
    env = [{"name": "KAFKA_HEAP_OPTS", "value": options}]
    broken = container("jvm", resources=sizes("682Mi"), env=env)
    return Case("jvm-memory", [deployment(name, pod_spec(broken))], message)


def role(name: str, message: str, **rule: list[str]) -> Case:
    """Return a Role with one rule."""
    stated = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], **rule}
    return Case(
        "rbac", [kubernetes("rbac.authorization.k8s.io/v1", "Role", name, rules=[stated])], message
    )


def egress(name: str, message: str, rule: dict[str, object]) -> Case:
    """Return a NetworkPolicy with one egress rule."""
    return Case("network-rules", [network_policy(name, podSelector={}, egress=[rule])], message)


def mounted(name: str, message: str, image: str, *mounts: tuple[str, str]) -> Case:
    """Return a broken pod: mounts of the volumes config, scratch and data (a claim) at paths."""
    broken = container(
        image=image,
        volumeMounts=[{"name": volume, "mountPath": path} for volume, path in mounts],
    )
    pod = pod_spec(
        broken,
        volumes=[
            {"name": "config", "configMap": {"name": "files"}},
            {"name": "scratch", "emptyDir": {}},
        ],
    )
    owner = stateful_set(name, pod, volumeClaimTemplates=[claim("1Gi")])
    return Case("image-volumes", [owner], message)


def data_in(name: str, message: str, log_dirs: str) -> Case:
    """Return a broker whose claim is at /data, with a file that says where its logs are."""
    broken = container(
        volumeMounts=[
            {"name": "config", "mountPath": "/config"},
            {"name": "data", "mountPath": "/data"},
            {"name": "scratch", "mountPath": "/data/scratch"},
        ]
    )
    volumes = [
        {"name": "config", "configMap": {"name": f"{name}-files"}},
        {"name": "scratch", "emptyDir": {}},
    ]
    owner = stateful_set(
        name, pod_spec(broken, volumes=volumes), volumeClaimTemplates=[claim("1Gi")]
    )
    files = config_map(f"{name}-files", server_properties=f"log.dirs={log_dirs}")
    return Case("data-on-claims", [owner, files], message)


def network_rule(message: str, *broken: Resource) -> Case:
    """Return policies with an extra or a missing flow."""
    return Case("network-matrix", list(broken), message)


def about(app: str) -> dict[str, object]:
    """Return the part of a NetworkPolicy that selects a workload's pods."""
    return {"podSelector": {"matchLabels": {"app": app}}}


def grant(name: str, message: str, *statements: dict[str, object]) -> Case:
    """Return an identity's policy."""
    granted = aws("Policy", name, "iam", policy=document(*statements))
    return Case("iam-least-privilege", [granted], message)


def role_of_pods(name: str, subject: str = "sub", **properties: object) -> Resource:
    """Return a role that pods assume by their service account's token."""
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": "arn:aws:iam::1:oidc-provider/oidc.example"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"oidc.example:{subject}": "system:serviceaccount:a:b"}},
    }
    return aws("Role", name, "iam", assumeRolePolicy=document(trust), **properties)


def broker(name: str, setting: str, message: str) -> Case:
    """Return a broker's configuration with an additional setting."""
    text = f"process.roles=broker\nlisteners=A://:9092\nauto.create.topics.enable=false\n{setting}"
    return Case("kafka-configuration", [config_map(name, server_properties=text)], message)


TLS_BROKER = """\
process.roles=broker
listeners=A://:9092,B://:9093
listener.security.protocol.map=A:SSL,B:SSL
ssl.client.auth=required
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
"""
TLS_WORKER = "config.storage.topic=c\n" + "".join(
    f"{prefix}security.protocol=SSL\n" for prefix in ("", "producer.", "consumer.", "admin.")
)
TLS_REGISTRY = """\
kafkastore.topic=_schemas
listeners=https://0.0.0.0:8081
kafkastore.security.protocol=SSL
"""


def half_secured(name: str, text: str, old: str, new: str, message: str) -> Case:
    """Return a file with TLS in which something is missing."""
    assert old in text
    broken = config_map(name, some_properties=text.replace(old, new))
    return Case("kafka-security", [broken], message)


BIG = container(resources=sizes("5000Mi", "5"))
HTTPS = [{"protocol": "TCP", "port": 443}]
INTERNET = {"ipBlock": {"cidr": "0.0.0.0/0"}}
SCRAPER = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}},
    **pods("prometheus"),
}
# With a request below its limit, and a heap that is small for many source connectors.
CONNECT_WORKER = deployment(
    "kafka-connect",
    pod_spec(
        container(
            resources={
                "requests": {"memory": "512Mi", "cpu": "10m"},
                "limits": {"memory": "1Gi", "cpu": "10m"},
            },
            env=[{"name": "KAFKA_HEAP_OPTS", "value": JVM_OPTIONS}],
        )
    ),
)
CASES = [
    Case("memory-budget", [deployment("big", pod_spec(BIG))], "`limit` is 4096Mi, exceeded by"),
    Case(
        "memory-budget", [deployment("bare", pod_spec(container(resources={})))], "no memory limit"
    ),
    Case(
        "memory-budget",
        [cron_job("overlapping", concurrencyPolicy="Allow")],
        "CronJob overlapping: concurrencyPolicy is Allow, so runs may overlap without limit",
    ),
    Case("memory-budget", [cron_job("hourly", pod_spec(BIG))], "CronJob hourly"),
    Case("cpu-budget", [deployment("big", pod_spec(BIG))], "`limit` is 4000m, exceeded by"),
    Case(
        "storage-budget",
        [stateful_set("hoard", volumeClaimTemplates=[claim("16Gi")])],
        "StatefulSet hoard, data",
    ),
    Case(
        "data-retained",
        [
            kubernetes(
                "core/v1",
                "PersistentVolume",
                "pv",
                spec={"persistentVolumeReclaimPolicy": "Delete"},
            )
        ],
        "PersistentVolume pv has reclaim policy Delete",
    ),
    Case(
        "data-retained",
        [stateful_set("fleeting", persistentVolumeClaimRetentionPolicy={"whenDeleted": "Delete"})],
        "whenDeleted is Delete",
    ),
    Case(
        "data-retained",
        [kubernetes("storage.k8s.io/v1", "StorageClass", "fast", provisioner="x")],
        "StorageClass fast has reclaim policy Delete",
    ),
    mounted(
        "covered-brokers",
        "mount /etc/kafka (config) is read-only and covers the image's VOLUME /etc/kafka/secrets",
        "docker.io/confluentinc/cp-kafka:7.9.2",
        ("config", "/etc/kafka"),
        ("data", "/var/lib/kafka/data"),
    ),
    mounted(
        "covered-registry",
        "covers the image's VOLUME /etc/schema-registry/secrets",
        "docker.io/confluentinc/cp-schema-registry:7.9.2",
        ("config", "/etc/schema-registry"),
    ),
    mounted(
        "parent",
        "mount /var/lib/kafka (data) is above the image's VOLUME /var/lib/kafka/data",
        "docker.io/confluentinc/cp-kafka:7.9.2",
        ("data", "/var/lib/kafka"),
    ),
    mounted(
        "below",
        "mount /etc/kafka-connect/jars/ours (scratch) is inside the image's VOLUME"
        " /etc/kafka-connect/jars",
        "docker.io/confluentinc/cp-kafka-connect:7.9.2",
        ("scratch", "/etc/kafka-connect/jars/ours"),
    ),
    mounted(
        "unclaimed",
        "the image keeps its data in /var/lib/postgresql/data, where no claim is mounted",
        "docker.io/library/postgres:15.10-alpine",
    ),
    mounted(
        "fleeting-data",
        "mount /var/lib/postgresql/data (scratch) is where the image keeps its data, and is not a"
        " claim",
        "docker.io/library/postgres:15.10-alpine",
        ("scratch", "/var/lib/postgresql/data"),
    ),
    mounted(
        "unknown-image",
        "the volumes of docker.io/confluentinc/cp-server are not known",
        "docker.io/confluentinc/cp-server:7.9.2",
    ),
    data_in(
        "astray",
        "StatefulSet astray, container app: log.dirs is /var/lib/logs, outside every mount",
        "/data/logs, /var/lib/logs",
    ),
    data_in(
        "on-scratch",
        "log.dirs is /data/scratch/logs, on mount /data/scratch (scratch), which is not a claim",
        "/data/scratch/logs",
    ),
    data_in("at-root", "log.dirs is /data, the root of a claim", "/data"),
    Case(
        "data-on-claims",
        [
            stateful_set(
                "database",
                pod_spec(container(env=[{"name": "PGDATA", "value": "/var/lib/pgdata"}])),
            )
        ],
        "StatefulSet database, container app: PGDATA is /var/lib/pgdata, outside every mount",
    ),
    Case(
        "data-on-claims",
        [deployment("server", pod_spec(container(command=["/bin/postgres", "-D", "/pgdata"])))],
        "-D is /pgdata, outside every mount",
    ),
    Case(
        "container-resources",
        [deployment("bare", pod_spec(container(resources={})))],
        "has no memory limits; set resources.limits.memory",
    ),
    Case(
        "container-resources",
        [
            deployment(
                "lax",
                pod_spec(
                    container(
                        resources={
                            "limits": sizes()["limits"],
                            "requests": {"cpu": "1", "memory": "1Mi"},
                        }
                    )
                ),
            )
        ],
        "cpu request 1 exceeds the limit 100m; lower resources.requests.cpu",
    ),
    Case(
        "container-resources",
        [deployment("odd", pod_spec(container(resources=sizes(memory="64MB"))))],
        "'64MB' is not a valid Kubernetes quantity",
    ),
    Case(
        "container-resources",
        [CONNECT_WORKER],
        "memory request 512Mi must equal the limit 1Gi",
    ),
    Case(
        "container-resources",
        [cron_job("unsized", pod_spec(container(resources={})))],
        "has no memory limits; set resources.limits.memory",
    ),
    Case(
        "connector-memory",
        [
            CONNECT_WORKER,
            *(connector(f"source-{number}") for number in range(9)),
        ],
        "a worker's heap of 300Mi, of which 255Mi may be used; 5 fit: capture fewer databases",
    ),
    Case(
        "jvm-memory",
        [
            cron_job(
                "greedy-job",
                pod_spec(
                    container(
                        "rewriter",
                        resources=sizes("512Mi"),
                        env=[{"name": "MAINTENANCE_JAVA_OPTS", "value": JVM_OPTIONS}],
                    )
                ),
            )
        ],
        "container rewriter: heap 300Mi",
    ),
    Case(
        "pod-security",
        [cron_job("job-with-token", pod_spec(automountServiceAccountToken=True))],
        "service account token is mounted",
    ),
    Case(
        "pod-security",
        [
            cron_job(
                "writing-job",
                pod_spec(
                    container(
                        "scribe", securityContext={**SECURITY, "readOnlyRootFilesystem": False}
                    )
                ),
            )
        ],
        "container scribe can write to its root file system",
    ),
    Case(
        "images",
        [cron_job("job-of-today", pod_spec(container(image="docker.io/confluentinc/job:latest")))],
        "docker.io/confluentinc/job:latest can change at any time",
    ),
    jvm("greedy", JVM_OPTIONS.replace("-Xmx300m", "-Xmx600m"), "above the limit of 682Mi; lower"),
    jvm("unbounded", "-Xmx300m", "metaspace has no limit"),
    jvm("headless", "-Xss512k", "without a heap size"),
    jvm("direct", JVM_OPTIONS.replace("-XX:MaxDirectMemorySize=64m", ""), "MaxDirectMemorySize"),
    Case(
        "postgresql-memory",
        [
            stateful_set(
                "wide",
                pod_spec(
                    container("postgresql", resources=sizes("512Mi")),
                    volumes=[{"name": "c", "configMap": {"name": "wide"}}],
                ),
            ),
            config_map("wide", postgresql_conf="shared_buffers = 256MB\nmax_connections = 100"),
        ],
        "above the limit of 512Mi; lower shared_buffers",
    ),
    security("host", "hostNetwork is set", hostNetwork=True),
    security(
        "path", "volume v is of type hostPath", volumes=[{"name": "v", "hostPath": {"path": "/"}}]
    ),
    security("token", "service account token is mounted", automountServiceAccountToken=True),
    security("links", "enableServiceLinks is not false", enableServiceLinks=True),
    security(
        "rooted", "may run as root", securityContext={"seccompProfile": {"type": "Localhost"}}
    ),
    security("seccomp", "has no seccomp profile", securityContext={"runAsNonRoot": True}),
    context("gain", "may gain privileges", allowPrivilegeEscalation=True),
    context("privileged", "is privileged", privileged=True),
    context("capable", "keeps capabilities", capabilities={"drop": ["NET_RAW"]}),
    context(
        "adding",
        "adds the capability SYS_ADMIN",
        capabilities={"drop": ["ALL"], "add": ["SYS_ADMIN"]},
    ),
    context("writing", "can write to its root file system", readOnlyRootFilesystem=False),
    context("zero", "runs as uid 0", runAsUser=0),
    Case(
        "images",
        [deployment("latest", pod_spec(container(image="postgres:latest")))],
        "can change at any time",
    ),
    Case(
        "images",
        [deployment("untagged", pod_spec(container(image="docker.io/confluentinc/cp-kafka")))],
        "can change at any time",
    ),
    Case(
        "images",
        [deployment("foreign", pod_spec(container(image="evil.example/postgres:15")))],
        "evil.example/postgres is not in this policy's allowedRepositories",
    ),
    Case(
        "network-default-deny",
        [deployment("lonely", namespace="open")],
        "namespace open has pods (Deployment lonely)",
    ),
    egress("anywhere", "has no `to`, so it allows every peer", {"ports": HTTPS}),
    egress("any-port", "has no `ports`, so it allows every port", {"to": [{"podSelector": {}}]}),
    egress("private", "includes the private range 10.0.0.0/8", {"to": [INTERNET], "ports": HTTPS}),
    egress(
        "plain",
        "internetPorts allows only TCP 443",
        {"to": [{"ipBlock": {"cidr": "8.8.8.0/24"}}], "ports": [{"port": 80}]},
    ),
    egress(
        "all-pods",
        "every pod of every namespace",
        {"to": [{"namespaceSelector": {}}], "ports": HTTPS},
    ),
    Case(
        "network-rules",
        [network_policy("entry", podSelector={}, ingress=[{"from": [INTERNET], "ports": HTTPS}])],
        "allows every address",
    ),
    network_rule(
        "postgresql can reach kafka at 9092",
        network_policy("to-brokers", **about("postgresql"), egress=[{"to": [pods("kafka")]}]),
        network_policy(
            "from-database",
            **about("kafka"),
            ingress=[{"from": [pods("postgresql")], "ports": ports(9092)}],
        ),
    ),
    network_rule(
        "can reach internet (",
        network_policy("out", **about("kafka"), egress=[{"to": [INTERNET], "ports": HTTPS}]),
    ),
    network_rule(
        "archive-maintenance can reach kafka at 9092",
        network_policy(
            "job-to-brokers", **about("archive-maintenance"), egress=[{"to": [pods("kafka")]}]
        ),
        network_policy(
            "from-job",
            **about("kafka"),
            ingress=[{"from": [pods("archive-maintenance")], "ports": ports(9092)}],
        ),
    ),
    network_rule(
        "any other pod of data can reach kafka at 9094",
        network_policy("stranger", podSelector={}, egress=[{"to": [pods("kafka")]}]),
        network_policy("door", **about("kafka"), ingress=[{"ports": ports(9094)}]),
    ),
    network_rule(
        "a pod of monitoring with app=prometheus can reach postgresql at 9187",
        network_policy(
            "metrics", **about("postgresql"), ingress=[{"from": [SCRAPER], "ports": ports(9187)}]
        ),
    ),
    network_rule(
        "schema-registry can't reach kafka at 9092, which the matrix has: add an",
        deployment("schema-registry"),
    ),
    network_rule(
        "no NetworkPolicy selects unguarded for egress",
        deployment("unguarded", namespace="elsewhere"),
    ),
    role("wild", "rules[0].verbs has a wildcard", verbs=["*"]),
    role("snoop", "allows reading every Secret of the namespace", resources=["secrets"]),
    role("climb", "grants the verb escalate", verbs=["escalate"], resources=["roles"]),
    Case(
        "rbac",
        [
            kubernetes(
                "rbac.authorization.k8s.io/v1",
                "RoleBinding",
                "boss",
                roleRef={"kind": "ClusterRole", "name": "cluster-admin"},
                subjects=[{"kind": "Group", "name": "system:authenticated"}],
            )
        ],
        "the binding grants cluster-admin",
    ),
    *(
        Case("s3-buckets", bucket(f"no-{index}", without=kind), message)
        for index, (kind, message) in enumerate(
            {
                "BucketServerSideEncryptionConfiguration": "has no encryption",
                "BucketPublicAccessBlock": "can be made public",
                "BucketPolicy": "accepts requests without TLS",
                "BucketLifecycleConfiguration": "parts of incomplete uploads",
            }.items()
        )
    ),
    grant("any-action", "allows s3:*; list the sink's actions", allow("s3:*")),
    grant(
        "beyond",
        "s3:DeleteObject, which is not in this policy's allowedActions",
        allow("s3:DeleteObject"),
    ),
    Case(
        "iam-least-privilege",
        [aws("Policy", "write-archive", "iam", policy=document(allow("s3:DeleteObject")))],
        "allows s3:DeleteObject, which is not in this policy's allowedActions",
    ),
    Case(
        "iam-least-privilege",
        [aws("Policy", "read-archive", "iam", policy=document(allow("glue:UpdateTable")))],
        "allows glue:UpdateTable, which is not in this policy's allowedActions",
    ),
    Case(
        "iam-least-privilege",
        [aws("Policy", "write-archive", "iam", policy=document(allow("athena:GetQueryResults")))],
        "allows athena:GetQueryResults, which is not in this policy's allowedActions",
    ),
    Case(
        "iam-least-privilege",
        [
            aws(
                "Policy",
                "maintain-archive",
                "iam",
                policy=document(allow("glue:DeleteTable", "arn:aws:glue:us-east-1:1:catalog")),
            )
        ],
        "allows glue:DeleteTable, which is not in this policy's allowedActions",
    ),
    grant(
        "everywhere",
        "a wildcard is allowed only at the end",
        allow("s3:PutObject", "arn:aws:s3:::archive/*"),
    ),
    grant("all-but", "uses NotAction", {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
    grant(
        "any-account",
        "allows arn:aws:glue:*:*:table/cdc/*",
        allow("s3:PutObject", "arn:aws:glue:*:*:table/cdc/*"),
    ),
    Case(
        "iam-least-privilege",
        [role_of_pods("inline", inlinePolicies=[{"policy": document(allow("iam:PassRole"))}])],
        "allows iam:PassRole",
    ),
    Case(
        "iam-least-privilege",
        [role_of_pods("managed", managedPolicyArns=["arn:aws:iam::aws:policy/PowerUserAccess"])],
        "the AWS managed policy",
    ),
    Case(
        "iam-least-privilege",
        [role_of_pods("open", subject="aud")],
        "every pod of the cluster to assume the role",
    ),
    Case("kafka-topics", [topic("lonely", replicas=1, retention_ms="1")], "replicationFactor is 1"),
    Case("kafka-topics", [topic("endless")], "retention.ms is not set"),
    Case(
        "kafka-topics", [topic("blocked", retention_ms="1", min_insync_replicas="3")], "must be 2"
    ),
    broker("unclean", "unclean.leader.election.enable=true", "a stale replica can become leader"),
    broker("auto", "auto.create.topics.enable=true", "a mistyped name becomes a topic"),
    broker("single", "default.replication.factor=1", "default.replication.factor is 1"),
    broker("isr", "default.replication.factor=3\nmin.insync.replicas=1", "it must be 2"),
    Case(
        "connectors",
        [connector("leaky", database_password="hunter2")],
        "database.password must not be a literal secret",
    ),
    Case("connectors", [connector("lossy", errors_tolerance="all")], "is all on a source"),
    Case("connectors", [connector("fragile", topics="t")], "the sink has no dead letter queue"),
    half_secured("plain-listener", TLS_BROKER, "B:SSL", "B:PLAINTEXT", "listener B is PLAINTEXT"),
    half_secured(
        "plain-client-auth",
        TLS_BROKER,
        "auth=required",
        "auth=requested",
        "ssl.client.auth is not required",
    ),
    half_secured(
        "plain-authorizer",
        TLS_BROKER,
        "authorizer.class",
        "x.class",
        "authorizer.class.name is not set",
    ),
    half_secured(
        "open-topics",
        f"{TLS_BROKER}super.users=User:kafka",
        "super.users=User:kafka",
        "allow.everyone.if.no.acl.found=true",
        "allow.everyone.if.no.acl.found is not false",
    ),
    half_secured(
        "plain-producer", TLS_WORKER, "producer.s", "x.s", "producer.security.protocol is PLAINTEXT"
    ),
    half_secured(
        "unverified-name",
        f"{TLS_WORKER}admin.ssl.x=",
        "admin.ssl.x=",
        "admin.ssl.endpoint.identification.algorithm=",
        "the broker's name is not verified",
    ),
    half_secured(
        "plain-registry",
        TLS_REGISTRY,
        "https://",
        "https://0:1,http://",
        "listener http://0.0.0.0:8081 is not HTTPS",
    ),
]

# Cases of the policies that configuration/prod.json makes stricter.
STRICT_CASES = [
    Case(
        "kafka-security",
        [config_map("broker", server_properties="process.roles=broker\nlisteners=PLAINTEXT://:1")],
        "listener PLAINTEXT is PLAINTEXT; set datapipe:kafka.security to tls",
    ),
    Case(
        "kafka-security",
        [config_map("worker", worker_properties="config.storage.topic=c")],
        "admin.security.protocol is PLAINTEXT; set datapipe:kafka.security to tls",
    ),
    Case(
        "kafka-security",
        [config_map("registry", registry_properties="kafkastore.topic=_schemas")],
        "kafkastore.security.protocol is PLAINTEXT",
    ),
    Case(
        "kafka-security",
        [config_map("registry-http", registry_properties="kafkastore.topic=_schemas")],
        "listener http://0.0.0.0:8081 is not HTTPS",
    ),
    Case(
        "kafka-security",
        [connector("avro", value_converter_schema_registry_url="http://registry:8081")],
        "value.converter.schema.registry.url is not HTTPS",
    ),
    Case("images", [deployment("tagged")], "has no digest"),
    Case(
        "iam-identities", [aws("AccessKey", "key", "iam", user="sink")], "access keys never expire"
    ),
    Case("iam-identities", [aws("UserPolicy", "inline", "iam", policy="{}")], "attached to a user"),
]
