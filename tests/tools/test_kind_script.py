"""What `make up STACK=dev` asks of Docker and the AWS CLI, with stand-ins for both on PATH."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def stub(folder: Path, name: str, script: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def call(folder: Path, function: str) -> subprocess.CompletedProcess[str]:
    """Call a function of kind.sh as up.sh does, which stops at the first failure."""
    return subprocess.run(
        ["bash", "-c", f"set -euo pipefail; STACK=dev; . scripts/kind.sh; {function}"],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


def pulumi(folder: Path, **given: str) -> Path:
    """Stand in for pulumi with these values of the stack file; returns the file of what it sets."""
    values = "\n".join(f"*{key}*) echo {value} ;;" for key, value in given.items())
    sets = folder / "sets"
    stub(
        folder,
        "pulumi",
        f'case "$2" in set) echo "$4 $5" >> {sets}; exit ;; esac\n'
        f'case "$4" in\n{values}\n*) exit 255 ;;\nesac',
    )
    return sets


@pytest.mark.parametrize("given", ["172.18.0.0/16", "10.0.0.0/8"])
def test_another_network_of_docker_is_set_in_the_stack_file_and_reported(
    given: str, tmp_path: Path
) -> None:
    stub(tmp_path, "docker", "echo fc00:f853:ccd:e793::/64; echo 172.19.0.0/16; echo")
    sets = pulumi(tmp_path, nodeNetwork=given)
    done = call(tmp_path, "set_node_network")
    assert done.returncode == 0, done.stderr
    assert sets.read_text() == "datapipe:cluster.nodeNetwork 172.19.0.0/16\n"
    assert f"Pulumi.dev.yaml changes from {given}" in done.stderr


@pytest.mark.parametrize("given", [{}, {"nodeNetwork": "172.16.0.0/12"}])
def test_a_network_that_the_stack_file_or_the_default_contains_stays(
    given: dict[str, str], tmp_path: Path
) -> None:
    stub(tmp_path, "docker", "echo 172.18.0.0/16")
    sets = pulumi(tmp_path, **given)
    done = call(tmp_path, "set_node_network")
    assert (done.returncode, done.stderr) == (0, "")
    assert not sets.exists()


def test_a_network_without_ipv4_stops_with_the_key_to_set(tmp_path: Path) -> None:
    stub(tmp_path, "docker", "echo fc00:f853:ccd:e793::/64")
    pulumi(tmp_path)
    done = call(tmp_path, "set_node_network")
    assert done.returncode == 1
    assert "datapipe:cluster.nodeNetwork in Pulumi.dev.yaml" in done.stderr


def test_the_aws_clis_own_words_are_shown_with_the_stacks_endpoint(tmp_path: Path) -> None:
    words = 'Could not connect to the endpoint URL: "http://10.0.0.9:5566/"'
    stub(tmp_path, "aws", f"echo '{words}' >&2; echo \"$@\" > {tmp_path}/asked; exit 255")
    pulumi(tmp_path, endpoint="http://10.0.0.9:5566")
    done = call(tmp_path, "require_aws")
    assert done.returncode == 1
    assert words in done.stderr
    assert "failed at aws.endpoint http://10.0.0.9:5566" in done.stderr
    assert "credentials" not in done.stderr
    asked = (tmp_path / "asked").read_text()
    assert asked == "sts get-caller-identity --endpoint-url http://10.0.0.9:5566\n"


def test_working_credentials_say_nothing(tmp_path: Path) -> None:
    stub(tmp_path, "aws", 'test "$*" = "sts get-caller-identity" && echo account')
    pulumi(tmp_path)
    done = call(tmp_path, "require_aws")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
