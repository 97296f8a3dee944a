"""The environment in which pulumi, kubectl and AWS clients work against the sandbox."""

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from sandbox import aws, paths
from sandbox.node import addresses

# Not a secret: it protects a stack whose every password dies with the sandbox, and the stack's
# file with the salt that belongs to it is committed.
PASSPHRASE = "datapipe-sandbox"


def tools() -> dict[str, str]:
    """Return the variables that put the toolchain and the virtual environment on PATH."""
    environment = Path(sys.prefix)
    return {
        "PATH": _path(paths.binaries(), environment / "bin"),
        "VIRTUAL_ENV": str(environment),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


def variables() -> dict[str, str]:
    """Return the variables with which tools find the sandbox, those of `tools` included."""
    return {
        **tools(),
        "KUBECONFIG": str(paths.KUBECONFIG),
        "PULUMI_HOME": str(paths.PULUMI_HOME),
        "PULUMI_BACKEND_URL": f"file://{paths.PULUMI_BACKEND}",
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "AWS_ENDPOINT_URL": addresses.MOTO_URL,
        "AWS_ACCESS_KEY_ID": aws.ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": aws.SECRET_ACCESS_KEY,
        "AWS_REGION": aws.REGION,
    }


def exports(values: Mapping[str, str]) -> str:
    """Return variables as lines for a shell to evaluate."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in values.items())


def _path(*first: Path) -> str:
    folders = [str(folder) for folder in first]
    rest = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join([*folders, *(folder for folder in rest if folder not in folders)])
