"""The deployed stack's own secrets are searched for wherever someone could read them.

Allowed places are the cluster's Secret objects, the state's encrypted values and the processes that
use them; each is looked at for what it is. Every place must also show something that is known to
be there: a search that finds nothing because it read nothing fails.
"""

import base64
import gzip
import json
import os
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from clients.cluster import Cluster
from clients.stack import PROJECT, StackOutputs
from sandbox.paths import STATE
from tests.e2e.needles import Needles, secrets_of
from tests.e2e.topic_records import records

STACK = "sandbox"
POLICIES = (
    "--policy-pack",
    "policies",
    "--policy-pack-config",
    f"policies/configuration/{STACK}.json",
)
Texts = Iterable[bytes]


def pulumi(*arguments: str, environment: dict[str, str] | None = None) -> bytes:
    """Return a CLI command's output and errors."""
    done = subprocess.run(
        ["pulumi", *arguments, "--stack", STACK, "--non-interactive", "--color", "never"],
        cwd=PROJECT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert done.returncode == 0, f"pulumi {arguments[0]} failed"
    return done.stdout


@pytest.fixture(scope="module")
def secrets() -> dict[str, str]:
    """The real ones, by resource and output."""
    return secrets_of(json.loads(pulumi("stack", "export", "--show-secrets")))


@pytest.fixture(scope="module")
def needles(secrets: dict[str, str]) -> Needles:
    return Needles(secrets)


@pytest.fixture(scope="module")
def rotated_stack_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A stack file whose preview has every secret in it."""
    document = yaml.safe_load((PROJECT / f"Pulumi.{STACK}.yaml").read_text())
    document["config"]["datapipe:security"] = {"credentialsVersion": 1_000_000}
    path = tmp_path_factory.mktemp("secrets") / f"Pulumi.{STACK}.yaml"
    path.write_text(yaml.safe_dump(document))
    return str(path)


def assert_clean(needles: Needles, texts: Texts, *known: bytes) -> None:
    """None of the secrets is in any of the texts, but all that is known to be there."""
    missing = set(known)
    for text in texts:
        found = needles.found_in(text)  # apart, as pytest prints the arguments of what fails
        assert found == set()
        missing -= {each for each in missing if each in text}
    assert missing == set(), "the search has not read what it should have"


class TestTheSearch:
    SECRET = "kA3_x9-Zq7rT2wLp8vNd5sFh1jGm4bYc"

    @pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
    @pytest.mark.parametrize("after", ["", "z", "zy"])
    def test_finds_a_canary_in_every_form(self, before: str, after: str) -> None:
        needles = Needles({"canary": self.SECRET})
        plain = f"{before}{self.SECRET}{after}".encode()
        encoded = base64.b64encode(plain)
        for text in (plain, encoded, gzip.compress(plain), gzip.compress(b"x" + encoded)):
            assert needles.found_in(text) == {"canary"}
        assert needles.found_in(base64.b64encode(self.SECRET[::-1].encode())) == set()

    def test_finds_one_that_must_be_quoted_in_an_address(self) -> None:
        needles = Needles({"canary": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYzz"})
        assert needles.found_in(b"?key=wJalrXUtnFEMI%2FK7MDENG%2BbPxRfiCYzz") == {"canary"}

    def test_finds_the_real_ones_where_they_may_be(
        self, cluster: Cluster, outputs: StackOutputs, needles: Needles, secrets: dict[str, str]
    ) -> None:
        """In the Secrets of the cluster, as the API server returns them; the rest is not in use."""
        listed = cluster.get(f"/api/v1/namespaces/{outputs.namespace}/secrets")
        found = needles.found_in(json.dumps(listed).encode())
        assert len(secrets) == 8
        unused = {name for name in secrets if name.startswith("registry-")}
        assert found == secrets.keys() - unused

    def test_finds_them_in_what_pulumi_is_told_to_show(
        self, needles: Needles, secrets: dict[str, str]
    ) -> None:
        shown = pulumi("stack", "export", "--show-secrets")
        assert needles.found_in(shown) == secrets.keys()


class TestPulumi:
    def test_the_checkpoint_with_its_history_and_backups(self, needles: Needles) -> None:
        folder = Path(urlsplit(os.environ["PULUMI_BACKEND_URL"]).path)
        files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
        assert len(files) >= 3
        assert_clean(needles, files, b"GeneratedPassword", b"postgresql-credentials")

    @pytest.mark.parametrize(
        "arguments",
        [
            ("stack", "export"),
            ("stack", "output"),
            ("stack", "output", "--json"),
            ("stack", "--show-ids", "--show-urns"),
            ("config",),
            ("stack", "history", "--json"),
        ],
        ids=" ".join,
    )
    def test_what_is_said_of_the_stack(self, needles: Needles, arguments: tuple[str, ...]) -> None:
        assert_clean(needles, [pulumi(*arguments)], b"sandbox")

    def test_a_preview_in_which_every_secret_changes(
        self, needles: Needles, rotated_stack_file: str
    ) -> None:
        preview = ("preview", "--config-file", rotated_stack_file, *POLICIES)
        shown = pulumi(*preview, "--json")
        assert_clean(needles, [shown], b"sink-user-1000000", b"kafka-connect")

    def test_a_preview_with_differences_and_with_the_engines_and_the_plugins_logs(
        self, needles: Needles, rotated_stack_file: str
    ) -> None:
        """The logs are at the highest level that is fit for use.

        From -v=7 on the engine itself prints what it compares, and from -v=9 on what it sends to
        plugins, secrets included; nothing that a program or a plugin does changes that.
        """
        shown = pulumi(
            *("preview", "--diff", "--config-file", rotated_stack_file, *POLICIES),
            *("--logtostderr", "--logflow", "-v=6", "--debug"),
        )
        assert_clean(needles, [shown], b"sink-user-1000000", b"RegisterResource", b"kafka-connect")


class TestTheCluster:
    def test_every_object_but_secrets(
        self, needles: Needles, cluster: Cluster, outputs: StackOutputs
    ) -> None:
        """Manifests with their annotations, events, revisions; of Secrets all but their data."""
        texts = list(objects(cluster, outputs.namespace))
        assert_clean(needles, texts, b"ConfigMap", b"Event", b"ReplicaSet", b"ControllerRevision")

    def test_the_logs_of_every_container_and_of_the_node(self, needles: Needles) -> None:
        logs = [path for path in (STATE / "log").rglob("*") if path.is_file()]
        pods = {path.parents[1].name for path in logs if "pods" in path.parts}
        for workload in ("postgresql-0", "kafka-0", "kafka-connect"):
            assert any(workload in pod for pod in pods), f"no log of {workload}"
        texts = (path.read_bytes() for path in logs)
        assert_clean(needles, texts, b"postgres-cdc-connector", b"database system is ready")

    def test_the_arguments_of_every_process(self, needles: Needles) -> None:
        assert_clean(needles, arguments(), b"ConnectDistributed", b"postgres: ")


class TestKafkaConnect:
    def test_connectors_tasks_and_their_status(
        self, needles: Needles, cluster: Cluster, outputs: StackOutputs
    ) -> None:
        rest = (
            f"/api/v1/namespaces/{outputs.namespace}/services/"
            f"{outputs.connect.service}:{outputs.connect.port}/proxy"
        )
        paths = ["/", "/connectors", "/connector-plugins"]
        for name in outputs.connectors:
            paths += [
                f"/connectors/{name}{part}"
                for part in ("", "/config", "/status", "/tasks", "/offsets", "/topics")
            ]
        texts = [json.dumps(cluster.get(f"{rest}{path}")).encode() for path in paths]
        assert_clean(needles, texts, b"${env:DBZ_DB_PASSWORD}", b"RUNNING")

    @pytest.mark.parametrize(
        ("topic", "known"),
        [("connect-configs", b"${env:DBZ_DB_PASSWORD}"), ("connect-status", b"RUNNING")],
    )
    def test_its_own_topics(
        self, needles: Needles, outputs: StackOutputs, topic: str, known: bytes
    ) -> None:
        texts = (
            (record.key() or b"") + b" " + (record.value() or b"")
            for record in records(outputs.kafka, topic)
        )
        assert_clean(needles, texts, known)


def objects(cluster: Cluster, namespace: str) -> Iterator[bytes]:
    """Yield every object of a namespace as JSON, without the data of Secrets."""
    for group in groups(cluster):
        for kind in cluster.get(group)["resources"]:
            if not kind["namespaced"] or "list" not in kind["verbs"]:
                continue
            listed = cluster.get(f"{group}/namespaces/{namespace}/{kind['name']}")
            for each in listed["items"]:
                if kind["name"] == "secrets":
                    each.pop("data", None)
                yield json.dumps({"kind": kind["kind"], **each}).encode()


def groups(cluster: Cluster) -> Iterator[str]:
    yield "/api/v1"
    for group in cluster.get("/apis")["groups"]:
        yield f"/apis/{group['preferredVersion']['groupVersion']}"


def arguments() -> Iterator[bytes]:
    """Yield the arguments of every process of this machine, which is the node."""
    read: Callable[[Path], bytes] = Path.read_bytes
    for process in Path("/proc").glob("[0-9]*"):
        try:
            yield read(process / "cmdline").replace(b"\0", b" ")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
