"""The start scripts, run with programs that stand in for Kafka's and for curl."""

import hashlib
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

STREAMING = Path(__file__).parents[2] / "components" / "streaming"
SCRIPTS = sorted(STREAMING.rglob("*.sh"))


@pytest.fixture
def broker(tmp_path: Path) -> dict[str, str]:
    """A broker's environment: its configuration folder, and a program that shows its arguments."""
    config = tmp_path / "config"
    config.mkdir()
    (config / "server.properties").write_text("shared=1\n")
    (config / "kafka-1.properties").write_text("node.id=2\n")
    shutil.copy(STREAMING / "metrics/files/metrics-agent.sh", config)
    show = tmp_path / "show"
    show.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    show.chmod(0o700)
    return {
        "PATH": os.environ["PATH"],
        "CONFIG_DIR": str(config),
        "TMPDIR": str(tmp_path),
        "POD_NAME": "kafka-1",
        "DATA_DIR": str(tmp_path / "data"),
        "CLUSTER_ID": "4L6g3nShT-eMCtK--X86sw",
        "OPTIONS": "-Xmx1m -Xss1k",
        "BROKER_COMMAND": f"{show} $OPTIONS '*.jar' broker",
        "STORAGE_COMMAND": f"{show} storage",
        "WORKER_COMMAND": f"{show} worker",
    }


def run(
    script: str, environment: dict[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", STREAMING / script, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck_finds_nothing(script: Path) -> None:
    found = subprocess.run(["shellcheck", script], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def test_a_broker_starts_with_the_shared_and_its_own_settings(
    broker: dict[str, str], tmp_path: Path
) -> None:
    settings = tmp_path / "server.properties"
    shown = run("kafka/files/start-broker.sh", broker)
    assert shown.stdout.split() == ["-Xmx1m", "-Xss1k", "*.jar", "broker", str(settings)]
    assert settings.read_text() == "shared=1\nnode.id=2\n"


def test_storage_is_formatted_for_the_stacks_cluster(
    broker: dict[str, str], tmp_path: Path
) -> None:
    shown = run("kafka/files/format-storage.sh", broker)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.split() == [
        "storage",
        "format",
        "--ignore-formatted",
        "--cluster-id",
        "4L6g3nShT-eMCtK--X86sw",
        "--config",
        str(tmp_path / "server.properties"),
    ]


def test_formatted_storage_is_left_alone_without_starting_a_jvm(broker: dict[str, str]) -> None:
    data = Path(broker["DATA_DIR"])
    data.mkdir()
    (data / "meta.properties").touch()
    shown = run("kafka/files/format-storage.sh", {**broker, "STORAGE_COMMAND": "false"})
    assert shown.returncode == 0
    assert "formatted already" in shown.stdout


def recorded(broker: dict[str, str], *voters: int) -> None:
    """Write what Kafka keeps of its quorum, next to the metadata log."""
    folder = Path(broker["DATA_DIR"], "__cluster_metadata-0")
    folder.mkdir(parents=True)
    (folder.parent / "meta.properties").touch()
    listed = ",".join(f'{{"voterId":{voter}}}' for voter in voters)
    state = '{"clusterId":"","leaderId":10,"leaderEpoch":1,"votedId":-1,"appliedOffset":0,'
    (folder / "quorum-state").write_text(f'{state}"currentVoters":[{listed}],"data_version":0}}')


def configured(broker: dict[str, str], *voters: int) -> None:
    listed = ",".join(f"{voter}@kafka-{voter - 1}.kafka-headless:9093" for voter in voters)
    Path(broker["CONFIG_DIR"], "server.properties").write_text(
        f"controller.quorum.voters={listed}\n"
    )


@pytest.mark.parametrize("voters", [(1,), (1, 2, 3), (10, 9, 8, 7, 6, 5, 4, 3, 2, 1)])
def test_the_quorum_that_the_storage_has_may_start(
    broker: dict[str, str], voters: tuple[int, ...]
) -> None:
    recorded(broker, *voters)
    configured(broker, *sorted(voters))
    assert run("kafka/files/format-storage.sh", broker).returncode == 0


@pytest.mark.parametrize("voters", [(1,), (1, 2), (1, 2, 3, 4, 5), (1, 2, 13)])
def test_another_quorum_than_the_storage_has_does_not_start(
    broker: dict[str, str], voters: tuple[int, ...]
) -> None:
    recorded(broker, 1, 2, 3)
    configured(broker, *voters)
    shown = run("kafka/files/format-storage.sh", broker)
    assert shown.returncode == 1
    assert "are the nodes 1 2 3 and can't become" in shown.stderr


def test_storage_without_a_recorded_quorum_may_start(broker: dict[str, str]) -> None:
    recorded(broker)
    configured(broker, 1, 2, 3)
    assert run("kafka/files/format-storage.sh", broker).returncode == 0


def test_a_failed_format_fails_the_container(broker: dict[str, str]) -> None:
    assert run("kafka/files/format-storage.sh", {**broker, "STORAGE_COMMAND": "false"}).returncode


def test_a_broker_without_settings_of_its_own_does_not_start(broker: dict[str, str]) -> None:
    assert run("kafka/files/start-broker.sh", {**broker, "POD_NAME": "kafka-7"}).returncode


def test_a_worker_starts_with_its_settings(broker: dict[str, str]) -> None:
    shown = run("connect/files/start-worker.sh", broker)
    expected = f"{broker['CONFIG_DIR']}/connect-distributed.properties"
    assert shown.stdout.split() == ["worker", expected]


class TestMetricsAgent:
    """Each start script gives the JVM the exporter that its image has."""

    @pytest.fixture
    def metrics(self, broker: dict[str, str], tmp_path: Path) -> dict[str, str]:
        (tmp_path / "jmx_prometheus_javaagent-0.18.0.jar").touch()
        return {
            **broker,
            "METRICS_AGENT": f"{tmp_path}/jmx_prometheus_javaagent-*.jar",
            "METRICS_RULES": "/etc/kafka/metrics.yml",
            "METRICS_PORT": "9404",
        }

    def show(self, environment: dict[str, str], name: str) -> dict[str, str]:
        """Return an environment whose programs show a variable."""
        show = Path(environment["TMPDIR"]) / "show-variable"
        show.write_text(f'#!/bin/sh\nprintf "%s" "${name}"\n')
        show.chmod(0o700)
        shutil.copy(show, show.with_name("schema-registry-start"))
        return {
            **environment,
            "PATH": f"{environment['TMPDIR']}:{environment['PATH']}",
            "BROKER_COMMAND": str(show),
            "WORKER_COMMAND": str(show),
        }

    STARTS = pytest.mark.parametrize(
        ("script", "variable"),
        [
            ("kafka/files/start-broker.sh", "KAFKA_OPTS"),
            ("connect/files/start-worker.sh", "KAFKA_OPTS"),
            ("registry/files/start-registry.sh", "SCHEMA_REGISTRY_OPTS"),
        ],
    )

    @STARTS
    def test_the_agent_is_found_by_its_pattern(
        self, metrics: dict[str, str], tmp_path: Path, script: str, variable: str
    ) -> None:
        shown = run(script, self.show({**metrics, variable: "-Dgiven=1"}, variable))
        agent = f"{tmp_path}/jmx_prometheus_javaagent-0.18.0.jar"
        assert shown.stdout == f"-Dgiven=1 -javaagent:{agent}=9404:/etc/kafka/metrics.yml"

    @STARTS
    def test_an_image_without_it_starts_all_the_same_and_says_so(
        self, metrics: dict[str, str], script: str, variable: str
    ) -> None:
        absent = {**metrics, "METRICS_AGENT": "/nowhere/agent-*.jar"}
        shown = run(script, self.show(absent, variable))
        assert shown.returncode == 0
        assert shown.stdout.strip() == ""
        assert "no metrics: this image has no /nowhere/agent-*.jar" in shown.stderr

    @STARTS
    def test_a_stack_without_metrics_gets_no_agent(
        self, broker: dict[str, str], script: str, variable: str
    ) -> None:
        shown = run(script, self.show(broker, variable))
        assert (shown.stdout.strip(), shown.stderr) == ("", "")


class TestInstallPlugins:
    URL = "https://hub.test/plugin.zip"

    @pytest.fixture
    def hub(self, tmp_path: Path) -> dict[str, str]:
        """An environment whose curl and unzip stand in for the installer image's."""
        with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
            archive.writestr("plugin/lib/plugin.jar", "jar")
        programs = tmp_path / "bin"
        programs.mkdir()
        (programs / "curl").write_text(
            "#!/bin/sh\n"
            'while [ $# -gt 0 ]; do [ "$1" = --output ] && out=$2; shift; done\n'
            f'cp {tmp_path}/archive.zip "$out"\n'
        )
        (programs / "unzip").write_text('#!/bin/sh\nexec python3 -m zipfile -e "$3" "$5"\n')
        for program in programs.iterdir():
            program.chmod(0o700)
        return {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PLUGIN_DIR": str(tmp_path / "plugins"),
            "TMPDIR": str(tmp_path),
        }

    def digest(self, hub: dict[str, str]) -> str:
        return hashlib.sha256((Path(hub["TMPDIR"]) / "archive.zip").read_bytes()).hexdigest()

    def install(self, hub: dict[str, str], sha256: str) -> subprocess.CompletedProcess[str]:
        return run("connect/files/install-plugins.sh", hub, "sink", self.URL, sha256)

    def test_what_is_pinned_is_installed(self, hub: dict[str, str]) -> None:
        done = self.install(hub, self.digest(hub))
        assert done.returncode == 0, done.stderr
        assert (Path(hub["PLUGIN_DIR"]) / "sink/plugin/lib/plugin.jar").read_text() == "jar"

    def test_a_changed_archive_is_refused_before_it_is_unpacked(self, hub: dict[str, str]) -> None:
        done = self.install(hub, "0" * 64)
        assert done.returncode == 1
        assert self.digest(hub) in done.stderr
        assert not Path(hub["PLUGIN_DIR"]).exists()

    def test_an_unpinned_archive_tells_its_digest(self, hub: dict[str, str]) -> None:
        done = self.install(hub, "")
        assert done.returncode == 0, done.stderr
        assert self.digest(hub) in done.stdout

    def test_nothing_is_installed_after_an_archive_that_is_refused(
        self, hub: dict[str, str]
    ) -> None:
        wrong, right = ("source", self.URL, "0" * 64), ("sink", self.URL, self.digest(hub))
        done = run("connect/files/install-plugins.sh", hub, *wrong, *right)
        assert done.returncode == 1
        assert f"source: {self.URL} has SHA-256" in done.stderr
        assert "0" * 64 in done.stderr
        assert not Path(hub["PLUGIN_DIR"]).exists()

    def test_both_archives_get_a_folder_of_their_own(self, hub: dict[str, str]) -> None:
        both = [(name, self.URL, self.digest(hub)) for name in ("source", "sink")]
        done = run("connect/files/install-plugins.sh", hub, *both[0], *both[1])
        assert done.returncode == 0, done.stderr
        assert {one.name for one in Path(hub["PLUGIN_DIR"]).iterdir()} == {"source", "sink"}

    @pytest.mark.parametrize("program", ["curl", "unzip"])
    def test_a_failed_download_or_a_broken_archive_fails_the_pod(
        self, hub: dict[str, str], program: str
    ) -> None:
        stand_in = Path(hub["PATH"].partition(":")[0]) / program
        stand_in.write_text(f"#!/bin/sh\necho {program} failed >&2\nexit 22\n")
        if program == "curl":
            (Path(hub["TMPDIR"]) / "archive.zip").unlink()
        done = self.install(hub, "")
        assert done.returncode == 22
        assert f"{program} failed" in done.stderr
        assert "installed" not in done.stdout
