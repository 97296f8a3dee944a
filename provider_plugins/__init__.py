"""Provider plugins for the sandbox alone.

On a machine that reaches only package registries the official Pulumi plugins cannot be downloaded.
The official Kubernetes plugin is built from its Go module (`tools/pulumi-kubernetes`). Those of
pulumi-aws and pulumi-kafka have no such module; the plugins of this package replace them: they speak
the provider protocol (``pulumi.runtime.proto``) to the real engine, and to moto and Kafka. They serve
the resource types that this program uses and refuse every other by name. Where the official plugins
can be downloaded, use those.
"""
