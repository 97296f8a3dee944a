"""Connections tried from inside pods, by the shell that every image of the sandbox has."""

import asyncio
import errno
import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

# Address and TCP port.
Target = tuple[str, int]

# A closed port counts as reached: the packet got to the other end, which sent a reset. No answer
# counts as refused: the kernel answers one sender with a few refusals a second
# (net.ipv4.icmp_ratelimit) and drops the other packets silently.
REACHED, REFUSED_BY_NETWORK = "reached", "refused by the network"

# Seconds for one connection on a busy machine.
SECONDS = 20

TRY_ALL = f"""
for target in "$@"; do
  (
    error=$(timeout {SECONDS} bash -c 'exec 3<>"/dev/tcp/$0"' "$target" 2>&1)
    case "$?:$error" in
      0:* | *"Connection refused"*) outcome="{REACHED}" ;;
      124: | *"No route to host"*) outcome="{REFUSED_BY_NETWORK}" ;;
      *) outcome="neither: $error" ;;
    esac
    echo "$target" $outcome
  ) &
done
wait
"""

_READY_SECONDS = 90

# Longer than any wait of a test for pods, which must end first and say what is missing.
_KUBECTL_SECONDS = 300


def kubectl(*arguments: str, manifest: dict[str, Any] | None = None) -> str:
    """Return what kubectl prints; it must succeed.

    To delete pods that something creates again, add --wait=false: kubectl waits for the end of the
    new pod where the old one has ended between its question and its watch
    (https://github.com/kubernetes/kubernetes/issues/135562).
    """
    done = subprocess.run(
        ["kubectl", *arguments],
        input=json.dumps(manifest) if manifest else None,
        capture_output=True,
        text=True,
        check=False,
        timeout=_KUBECTL_SECONDS,
    )
    assert done.returncode == 0, f"kubectl {' '.join(arguments[:4])}: {done.stderr}"
    return done.stdout


def outcomes_from_pod(pod: str, namespace: str, targets: Sequence[Target]) -> dict[Target, str]:
    """Return the results of connections from a pod, all tried at the same time."""
    named = [f"{address}/{port}" for address, port in targets]
    shell = ("bash", "-c", TRY_ALL, "try-all", *named)
    printed = kubectl("exec", f"--namespace={namespace}", pod, "--", *shell)
    outcomes: dict[Target, str] = {}
    for line in printed.splitlines():
        target, _, outcome = line.partition(" ")
        address, _, port = target.partition("/")
        outcomes[address, int(port)] = outcome
    return outcomes


def outcomes_from_here(targets: Sequence[Target]) -> dict[Target, str]:
    """Return the results of connections from the node itself."""

    async def try_all() -> list[str]:
        return await asyncio.gather(*(_outcome_from_here(*target) for target in targets))

    # Not asyncio.run(): it leaves the thread without the event loop that Pulumi's mocks look for.
    loop = asyncio.new_event_loop()
    try:
        outcomes = loop.run_until_complete(try_all())
    finally:
        loop.close()
    return dict(zip(targets, outcomes, strict=True))


async def _outcome_from_here(address: str, port: int) -> str:
    try:
        async with asyncio.timeout(SECONDS):
            _, writer = await asyncio.open_connection(address, port)
    except ConnectionRefusedError:
        return REACHED
    except TimeoutError:
        return REFUSED_BY_NETWORK
    except OSError as error:
        no_way = error.errno == errno.EHOSTUNREACH
        return REFUSED_BY_NETWORK if no_way else f"neither: {error}"
    writer.close()
    return REACHED


@contextmanager
def probe_pod(namespace: str, image: str, labels: Mapping[str, str] | None = None) -> Iterator[str]:
    """Create a pod with the restricted profile; yield its name and delete it.

    Without a workload's `labels` it belongs to none.
    """
    name, where = "network-probe", f"--namespace={namespace}"
    kubectl("create", where, "--filename=-", manifest=_probe(name, image, labels or {}))
    try:
        kubectl(
            "wait", where, "--for=condition=Ready", f"pod/{name}", f"--timeout={_READY_SECONDS}s"
        )
        yield name
    finally:
        kubectl("delete", where, "pod", name, "--now")


def _probe(name: str, image: str, labels: Mapping[str, str]) -> dict[str, Any]:
    # Room for a shell for each connection, all of them at the same time.
    size = {"cpu": "500m", "memory": "128Mi"}
    container = {
        "name": "probe",
        "image": image,
        "command": ["sleep", "300"],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": size},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": dict(labels)},
        "spec": {
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 1000,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
        },
    }
