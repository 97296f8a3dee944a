"""Provider plugins for the sandbox alone.

On a machine that reaches nothing but package registries the official Pulumi plugins cannot be
downloaded. These stand in for pulumi-kubernetes, pulumi-aws and pulumi-kafka: they speak the
provider protocol (``pulumi.runtime.proto``) to the real engine, and to a real Kubernetes API
server, to moto and to Kafka. They serve the resource types that this program uses and refuse
every other by name. Wherever the official plugins can be had, use those.
"""
