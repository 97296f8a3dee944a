"""The policies of the pack, in one list: name, what it promises, its rule, its settings."""

from policies import (
    budget,
    connectors,
    container_resources,
    iam,
    images,
    jvm,
    kafka,
    network,
    network_matrix,
    pod_security,
    postgres,
    rbac,
    s3,
    storage,
)
from policies.policy import ResourcePolicy, StackPolicy

NAME = "datapipe"

POLICIES: list[ResourcePolicy | StackPolicy] = [
    StackPolicy(
        "memory-budget",
        "All pods that can run at once stay within the memory budget.",
        budget.MEMORY_SETTINGS,
        rule=budget.memory_budget,
    ),
    StackPolicy(
        "cpu-budget",
        "All pods that can run at once stay within the CPU budget.",
        budget.CPU_SETTINGS,
        rule=budget.cpu_budget,
    ),
    StackPolicy(
        "storage-budget",
        "All volumes that the stack claims stay within the storage budget.",
        storage.STORAGE_SETTINGS,
        rule=storage.storage_budget,
    ),
    ResourcePolicy(
        "data-retained",
        "Volumes outlive the objects that claim them.",
        rule=storage.data_retained,
    ),
    ResourcePolicy(
        "container-resources",
        "Every container states its requests and limits.",
        container_resources.SETTINGS,
        rule=container_resources.stated_resources,
    ),
    ResourcePolicy(
        "jvm-memory",
        "Every JVM's memory is bounded and fits its container's limit.",
        jvm.SETTINGS,
        rule=jvm.jvm_memory_fits,
    ),
    StackPolicy(
        "postgresql-memory",
        "PostgreSQL's memory settings fit its container's limit.",
        rule=postgres.postgres_memory_fits,
    ),
    ResourcePolicy(
        "pod-security",
        "Pods meet Kubernetes' restricted profile and mount no token that they don't use.",
        pod_security.SETTINGS,
        rule=pod_security.restricted_pods,
    ),
    ResourcePolicy(
        "images",
        "Images are pinned and come from repositories that are trusted.",
        images.SETTINGS,
        rule=images.trusted_images,
    ),
    StackPolicy(
        "network-default-deny",
        "Every namespace with pods denies all traffic that is not allowed.",
        rule=network.default_deny,
    ),
    ResourcePolicy(
        "network-rules",
        "No network rule allows everything; the internet is reached by HTTPS alone.",
        network.SETTINGS,
        rule=network.narrow_rules,
    ),
    StackPolicy(
        "network-matrix",
        "Every pod can reach, and be reached by, exactly whom the design's matrix says.",
        network_matrix.SETTINGS,
        rule=network_matrix.flows_match_the_matrix,
    ),
    ResourcePolicy(
        "rbac",
        "Rights in the cluster are named one by one.",
        rule=rbac.narrow_rights,
    ),
    StackPolicy(
        "s3-buckets",
        "Buckets are encrypted, closed to the public, reached by TLS alone and cleaned up.",
        s3.SETTINGS,
        rule=s3.protected_buckets,
    ),
    ResourcePolicy(
        "iam-least-privilege",
        "An identity may do what the sink does, on the archive alone.",
        iam.ACTION_SETTINGS,
        rule=iam.least_privilege,
    ),
    ResourcePolicy(
        "iam-identities",
        "Identities are as short-lived as the stack asks for.",
        iam.IDENTITY_SETTINGS,
        rule=iam.short_lived_identities,
    ),
    ResourcePolicy(
        "kafka-topics",
        "Topics have replicas enough and a bound on what they keep.",
        kafka.SETTINGS,
        rule=kafka.durable_topics,
    ),
    ResourcePolicy(
        "kafka-configuration",
        "Brokers and Connect workers are configured to lose no acknowledged record.",
        kafka.SETTINGS,
        rule=kafka.durable_configuration,
    ),
    ResourcePolicy(
        "connectors",
        "Connectors hold no secrets, sources stop at errors and sinks put them aside.",
        connectors.SETTINGS,
        rule=connectors.safe_connectors,
    ),
]
