"""The dev stack's preview: server-side dry runs of its manifests on the sandbox's API server."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from kafka_connect.cluster_access import ClusterAccess
from tests.engine.pulumi_project import Project, policies

# Pulumi's own mark of a value that is not known before the update.
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
# What it shows in place of a secret, which is not known before the first update either.
SECRET = "[secret]"

pytestmark = pytest.mark.cluster


def as_the_context_of_kind(kubeconfig: Path, target: Path) -> None:
    """Copy a kubeconfig, with its context under the name that the dev stack expects."""
    text = subprocess.run(
        ["kubectl", "--kubeconfig", str(kubeconfig), "config", "view", "--raw", "--flatten"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    document = yaml.safe_load(text)
    document["contexts"][0]["name"] = document["current-context"] = "kind-datapipe"
    target.write_text(yaml.safe_dump(document))
    target.chmod(0o600)


def dry_runs() -> int:
    """Return how many requests the API server has been asked to answer without doing them."""
    access = ClusterAccess()
    with access.session() as session:
        metrics = session.get(f"{access.configuration().host}/metrics", timeout=30).text
    return sum(
        int(float(line.rpartition(" ")[2]))
        for line in metrics.splitlines()
        if line.startswith("apiserver_request_total") and 'dry_run="All"' in line
    )


def known_manifests(preview: str) -> set[str]:
    """Return the manifests without values that only the update knows, such as passwords.

    The Kubernetes provider does not send the others to the API server.
    """
    document = json.loads(preview[preview.index("{\n") :])
    return {
        f"{state['type'].removeprefix('kubernetes:')} {state['urn'].rpartition('::')[2]}"
        for state in (step["newState"] for step in document["steps"])
        if state["type"].startswith("kubernetes:")
        and not any(mark in json.dumps(state.get("inputs", {})) for mark in (UNKNOWN, SECRET))
    }


def test_preview_of_dev_dry_runs_every_manifest_whose_values_are_known(
    project: Project, copied_project: Path, tmp_path: Path
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    as_the_context_of_kind(Path(project.environment["KUBECONFIG"]), kubeconfig)
    environment = {
        **project.environment,
        "KUBECONFIG": str(kubeconfig),
        "PULUMI_BACKEND_URL": f"file://{tmp_path}",
    }
    dev = Project(copied_project, "dev", environment)
    dev.pulumi("stack", "init")
    # The preview compares it with the nodes of the cluster that answers: the sandbox's.
    dev.pulumi("config", "set", "--path", "datapipe:cluster.nodeNetwork", "10.231.0.1/32")
    # It has a class of this name, which an update can take over only from the same provisioner.
    provisioner = "datapipe.sandbox/local-path"
    dev.pulumi("config", "set", "--path", "datapipe:cluster.storageProvisioner", provisioner)
    before = dry_runs()

    preview = dev.pulumi("preview", "--json", *policies("dev"))

    steps = preview.steps()
    assert set(steps.values()) == {"create"}
    manifests = {step.removeprefix("kubernetes:") for step in steps if "kubernetes:" in step}
    assert {
        "apps/v1:StatefulSet postgresql",
        "apps/v1:StatefulSet kafka",
        "apps/v1:Deployment kafka-connect",
        "apps/v1:Deployment schema-registry",
    } <= manifests
    known = known_manifests(preview.output)
    assert {"core/v1:Namespace data-ingestion", "core/v1:ConfigMap kafka"} <= known
    assert len(known) > len(manifests) / 2
    assert dry_runs() - before >= len(known)
