"""Security and archive in a namespace of their own: quick to make and to destroy."""

import pulumi

from components.archive.layer import Archive, ArchiveArgs
from components.config import parse
from components.providers import aws_provider, kubernetes_provider
from components.security.arguments import SecurityArgs
from components.security.layer import Security
from components.streaming.sinks.declared import declared_sinks

days = pulumi.Config().require_int("days")
config = parse(
    {
        "tables": ["public.users"],
        "connect": {"converter": "json"},
        "images": {"family": "apache"},
        "aws": {"endpoint": "http://10.231.0.1:5566"},
        "security": {"namespace": "engine-test"},
        "archive": {
            "bucket": "datapipe-engine-test",
            "sink": "iceberg",
            "catalogDatabase": "engine_test",
            "infrequentAccessDays": days,
            "retain": False,
        },
    },
    "tests/engine/layers",
)
sinks = declared_sinks(config)
security = Security(
    "security",
    SecurityArgs.from_config(config, sinks.flows),
    opts=pulumi.ResourceOptions(providers=[kubernetes_provider(config.cluster)]),
)
archive = Archive(
    "archive",
    ArchiveArgs.from_config(config, sinks.needs, security.namespace),
    opts=pulumi.ResourceOptions(providers=[aws_provider(config.aws)]),
)
pulumi.export("namespace", security.namespace)
pulumi.export("secretAccessKey", archive.secret_access_key)
