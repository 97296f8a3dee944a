"""The policies of the pack: name, promise, settings and rule of each."""

from policies import (
    budget,
    connector_memory,
    connectors,
    container_resources,
    data_location,
    iam,
    image_volumes,
    images,
    jvm,
    kafka,
    kafka_security,
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
        "All pods that can run at the same time stay within the memory budget.",
        budget.MEMORY_SETTINGS,
        rule=budget.memory_budget,
    ),
    StackPolicy(
        "cpu-budget",
        "All pods that can run at the same time stay within the CPU budget.",
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
        "Every container has requests and limits.",
        container_resources.SETTINGS,
        rule=container_resources.stated_resources,
    ),
    ResourcePolicy(
        "jvm-memory",
        "Every JVM's memory is limited and fits its container's limit.",
        jvm.SETTINGS,
        rule=jvm.jvm_memory_fits,
    ),
    StackPolicy(
        "connector-memory",
        "The source connectors' buffers fit the heap of the Connect workers.",
        connector_memory.SETTINGS,
        rule=connector_memory.connectors_fit_the_worker,
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
        "Images are pinned and come from trusted repositories.",
        images.SETTINGS,
        rule=images.trusted_images,
    ),
    ResourcePolicy(
        "image-volumes",
        "No mount hides a volume that an image declares, and data is on a claim.",
        image_volumes.SETTINGS,
        rule=image_volumes.volumes_respected,
    ),
    StackPolicy(
        "data-on-claims",
        "Brokers and databases keep their data in a folder of a claim.",
        rule=data_location.data_on_claims,
    ),
    StackPolicy(
        "network-default-deny",
        "Every namespace with pods denies all traffic that is not allowed.",
        rule=network.default_deny,
    ),
    ResourcePolicy(
        "network-rules",
        "No network rule allows everything; the internet is reached only by HTTPS.",
        network.SETTINGS,
        rule=network.narrow_rules,
    ),
    StackPolicy(
        "network-matrix",
        "The flows between pods are exactly those of the design's matrix.",
        network_matrix.SETTINGS,
        rule=network_matrix.flows_match_the_matrix,
    ),
    ResourcePolicy(
        "rbac",
        "Roles grant no wildcards, and bindings grant no powerful role.",
        rule=rbac.narrow_rights,
    ),
    StackPolicy(
        "s3-buckets",
        "Buckets are encrypted, not public, reached only by TLS, and abort old uploads.",
        s3.SETTINGS,
        rule=s3.protected_buckets,
    ),
    ResourcePolicy(
        "iam-least-privilege",
        "An identity may do only what the sink does, and only on the archive.",
        iam.ACTION_SETTINGS,
        rule=iam.least_privilege,
    ),
    ResourcePolicy(
        "iam-identities",
        "Roles are used instead of users with keys, if the settings say so.",
        iam.IDENTITY_SETTINGS,
        rule=iam.short_lived_identities,
    ),
    ResourcePolicy(
        "kafka-topics",
        "Topics have enough replicas and limited retention.",
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
        "kafka-security",
        "Connections to brokers and Schema Registry are encrypted, and every client is known.",
        kafka_security.SETTINGS,
        rule=kafka_security.secure_connections,
    ),
    ResourcePolicy(
        "connectors",
        "Connectors contain no secrets; sources stop at errors, sinks have a dead letter queue.",
        connectors.SETTINGS,
        rule=connectors.safe_connectors,
    ),
]
