"""The dev stack's preview: every manifest by server-side dry run on the sandbox's API server."""

import subprocess
from pathlib import Path

import yaml
from pulumi_project import Project, policies


def as_the_context_of_kind(kubeconfig: Path, target: Path) -> None:
    """Copies a kubeconfig, with its context under the name that the dev stack asks for."""
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


def test_preview_of_dev_passes_against_a_real_api_server(
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

    steps = dev.pulumi("preview", "--json", *policies("dev")).steps()

    assert set(steps.values()) == {"create"}
    workloads = {"StatefulSet postgresql", "StatefulSet kafka", "Deployment kafka-connect"}
    assert workloads | {"Deployment schema-registry"} <= set(steps)


def test_preview_of_dev_reports_what_the_api_server_refuses(
    project: Project, copied_project: Path, tmp_path: Path
) -> None:
    """The dry run really happens: what only the API server knows to be wrong fails."""
    kubeconfig = tmp_path / "kubeconfig"
    as_the_context_of_kind(Path(project.environment["KUBECONFIG"]), kubeconfig)
    stack_file = copied_project / "Pulumi.dev.yaml"
    document = yaml.safe_load(stack_file.read_text())
    document["config"]["datapipe:images"] = {"postgresql": " postgres:15"}
    stack_file.write_text(yaml.safe_dump(document))
    environment = {
        **project.environment,
        "KUBECONFIG": str(kubeconfig),
        "PULUMI_BACKEND_URL": f"file://{tmp_path}",
    }
    dev = Project(copied_project, "dev", environment)
    dev.pulumi("stack", "init")

    run = dev.pulumi("preview", check=False)

    assert run.code != 0
    assert "spec.template.spec.containers[0].image" in run.output
    assert "leading or trailing whitespace" in run.output
