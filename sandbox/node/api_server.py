"""The few questions that the sandbox asks the API server, and the objects it puts there."""

import http.client
import json
import ssl
import subprocess
from pathlib import Path
from typing import Any

from sandbox import paths
from sandbox.node import addresses, pki
from tools import paths as tool_paths
from tools.errors import UserError

_MANIFESTS = Path(__file__).resolve().parent / "manifests"
_TIMEOUT_SECONDS = 5.0


def get(path: str) -> tuple[int, bytes]:
    """Return status and body of a GET as the administrator; (0, b"") when nobody answers."""
    context = ssl.create_default_context(cafile=str(pki.CA_CERTIFICATE))
    context.load_cert_chain(pki.ADMINISTRATOR.certificate, pki.ADMINISTRATOR.key)
    connection = http.client.HTTPSConnection(
        str(addresses.NODE_ADDRESS),
        addresses.API_SERVER_PORT,
        context=context,
        timeout=_TIMEOUT_SECONDS,
    )
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def is_ready() -> bool:
    """Return whether the API server and its etcd are ready."""
    return get("/readyz")[0] == 200


def node_is_ready() -> bool:
    """Return whether the kubelet has registered the node and reports it Ready now."""
    node = _object(f"/api/v1/nodes/{addresses.NODE_NAME}")
    conditions = node.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def dns_is_ready() -> bool:
    """Return whether the cluster's DNS server answers."""
    deployment = _object("/apis/apps/v1/namespaces/kube-system/deployments/coredns")
    status = deployment.get("status", {})
    seen = status.get("observedGeneration") == deployment.get("metadata", {}).get("generation")
    return bool(seen and status.get("readyReplicas") and not status.get("unavailableReplicas"))


def apply_manifests() -> None:
    """Put access rules, storage class and DNS server into the cluster; changes nothing twice."""
    done = subprocess.run(
        [
            str(tool_paths.binaries() / "kubectl"),
            f"--kubeconfig={paths.KUBECONFIG}",
            f"--cache-dir={paths.RUN}/kubectl-cache",
            *("apply", "--server-side", "--field-manager=sandbox", f"--filename={_MANIFESTS}"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise UserError(f"the API server refused the sandbox's objects: {done.stderr.strip()}")


def _object(path: str) -> dict[str, Any]:
    status, body = get(path)
    found: dict[str, Any] = json.loads(body) if status == 200 else {}
    return found
