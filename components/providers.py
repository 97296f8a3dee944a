"""The providers that the layers use: one Kubernetes cluster, one AWS account."""

from __future__ import annotations

import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from components.config.cluster import AwsSettings, ClusterSettings


def kubernetes_provider(settings: ClusterSettings) -> kubernetes.Provider:
    """Return the cluster of the stack's kubeconfig context."""
    return kubernetes.Provider(
        "kubernetes",
        context=settings.context,
        # An apply also takes over what an interrupted update created, but did not get to record.
        enable_server_side_apply=True,
        # Otherwise a changed ConfigMap or Secret is replaced; its pods are rolled by annotations.
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
    )


def aws_provider(settings: AwsSettings) -> aws.Provider:
    """Return the account of the environment's credentials, or its stand-in at an endpoint."""
    if settings.endpoint is None:
        return aws.Provider("aws", region=settings.region)
    endpoint = settings.endpoint
    return aws.Provider(
        "aws",
        region=settings.region,
        endpoints=[
            aws.ProviderEndpointArgs(s3=endpoint, iam=endpoint, sts=endpoint, glue=endpoint)
        ],
        s3_use_path_style=True,
        skip_credentials_validation=True,
        skip_metadata_api_check=True,
        skip_requesting_account_id=True,
    )
