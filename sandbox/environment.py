"""The environment in which pulumi, kubectl and AWS clients work against the sandbox."""

from sandbox import aws, paths
from sandbox.node import addresses, lifecycle
from tools import environment

# Not a secret: it protects a stack whose every password dies with the sandbox, and the stack's
# file with the salt that belongs to it is committed.
PASSPHRASE = "datapipe-sandbox"


def variables() -> dict[str, str]:
    """Return the variables with which tools find the sandbox, and those that find the tools."""
    return {
        **environment.variables(),
        "KUBECONFIG": str(paths.KUBECONFIG),
        "CONTAINERD_ADDRESS": str(paths.CONTAINERD_SOCKET),
        "CONTAINERD_NAMESPACE": lifecycle.NAMESPACE,
        "PULUMI_HOME": str(paths.PULUMI_HOME),
        # Without sidecar files of metadata, which a killed pulumi can leave empty: the stack could
        # not be read any more ("failed to load checkpoint: EOF").
        "PULUMI_BACKEND_URL": f"file://{paths.PULUMI_BACKEND}?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "AWS_ENDPOINT_URL": addresses.MOTO_URL,
        "AWS_ACCESS_KEY_ID": aws.ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": aws.SECRET_ACCESS_KEY,
        "AWS_REGION": aws.REGION,
        # boto3 and older clients know the region only by this name.
        "AWS_DEFAULT_REGION": aws.REGION,
    }
