"""Kubeconfig files: one per program that talks to the API server, and the user's."""

import base64
from pathlib import Path

import yaml

from sandbox import paths
from sandbox.node import addresses, pki
from sandbox.node.files import write_private

FOLDER = paths.STATE / "kubeconfigs"


def path_for(identity: pki.Identity) -> Path:
    """Return the kubeconfig with which `identity` reaches the API server."""
    if identity is pki.ADMINISTRATOR:
        return paths.KUBECONFIG
    return FOLDER / f"{identity.name}.yaml"


def write_all() -> None:
    """Write the kubeconfig of every client of the API server, readable by root alone."""
    for identity in (
        pki.ADMINISTRATOR,
        pki.KUBELET,
        pki.CONTROLLER_MANAGER,
        pki.SCHEDULER,
        pki.KUBE_PROXY,
        pki.PROVISIONER,
        pki.NETWORK_POLICY,
    ):
        write_private(path_for(identity), render(identity))


def render(identity: pki.Identity) -> str:
    """Return a kubeconfig with the certificates inline, so that it works wherever it is copied."""
    name = addresses.NODE_NAME
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": name,
                "cluster": {
                    "server": addresses.API_SERVER_URL,
                    "certificate-authority-data": _encoded(pki.CA_CERTIFICATE),
                },
            }
        ],
        "users": [
            {
                "name": identity.common_name,
                "user": {
                    "client-certificate-data": _encoded(identity.certificate),
                    "client-key-data": _encoded(identity.key),
                },
            }
        ],
        "contexts": [
            {"name": name, "context": {"cluster": name, "user": identity.common_name}},
        ],
        "current-context": name,
    }
    return yaml.safe_dump(config, sort_keys=False)


def _encoded(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
