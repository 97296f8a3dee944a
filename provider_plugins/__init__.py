"""Provider plugins for the sandbox alone.

On a machine that reaches only package registries the official Pulumi plugins cannot be downloaded.
The official one for Kubernetes is built from its Go module (`tools/pulumi-kubernetes`). Those for
AWS and Kafka are in no registry; the plugins of this package replace them. They speak the provider
protocol (``pulumi.runtime.proto``) to the real engine, and to moto and Kafka. They serve the
resource types that this program uses and refuse every other by name. Where the official plugins
can be downloaded, use those.
"""
