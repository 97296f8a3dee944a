"""The source that a stack's configuration asks for: the managed database, or an existing one."""

import pulumi

from components.config import StackConfig
from components.security import Security
from components.source.captured_source import CapturedSource
from components.source.existing.layer import ExistingSourceArgs, ExistingSourceLayer
from components.source.layer import Source, SourceArgs


def declare_source(
    config: StackConfig,
    security: Security,
    captured: pulumi.Resource,
    opts: pulumi.ResourceOptions,
) -> CapturedSource:
    """Declare the stack's source. `captured` is the list of tables, which is checked first."""
    if config.existing is None:
        args = SourceArgs.from_config(config, security.namespace, security.credentials, captured)
        return Source("source", args, opts)
    return ExistingSourceLayer(
        f"source-{config.existing[0]}", ExistingSourceArgs.from_config(config, captured)
    )
