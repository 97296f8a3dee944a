"""Schema Registry: there where the converter needs it, and nobody gets in without a password."""

import pytest

from components.sizing import REGISTRY_JVM, jvm_heap_options
from components.streaming.registry.configuration import probe_netrc, user_properties
from tests.unit.deployment import Deployment, every_container, visible_text
from tests.unit.streaming_stack import deploy_stack, design, sandbox

PASSWORDS = {"admin": "a-1", "developer": "d-2", "probe": "p-3"}


@pytest.fixture(scope="module")
def deployed() -> Deployment:
    return deploy_stack(design())


def test_there_is_none_where_records_are_json() -> None:
    deployment = deploy_stack(sandbox())
    assert not [one for one in deployment.resources if one.name == "schema-registry"]


def test_the_designs_settings_are_rendered(deployed: Deployment) -> None:
    data = deployed.one("ConfigMap", "schema-registry").inputs["data"]
    properties = dict(
        line.split("=", 1) for line in data["schema-registry.properties"].splitlines()
    )
    assert (
        properties.items()
        >= {
            "kafkastore.topic": "_schemas",
            "kafkastore.topic.replication.factor": "3",
            "schema.compatibility.level": "BACKWARD",
            "authentication.method": "BASIC",
            "authentication.realm": "SchemaRegistry",
            "authentication.roles": "admin,developer,readonly",
            "debug": "false",
        }.items()
    )
    assert data["jaas.conf"].startswith("SchemaRegistry {")
    assert 'file="/opt/datapipe/config/user.properties"' in data["jaas.conf"]


def test_users_have_the_designs_roles() -> None:
    assert user_properties(PASSWORDS).splitlines() == [
        "admin: a-1,admin",
        "developer: d-2,developer",
        "probe: p-3,readonly",
    ]


def test_the_login_module_is_given_to_the_jvm(deployed: Deployment) -> None:
    (registry,) = every_container(deployed.one("Deployment", "schema-registry"))
    variables = {one["name"]: one["value"] for one in registry["env"]}
    assert variables["SCHEMA_REGISTRY_OPTS"] == (
        "-Djava.security.auth.login.config=/opt/datapipe/config/jaas.conf"
    )


def test_the_probes_password_is_in_a_file_and_in_no_argument(deployed: Deployment) -> None:
    (registry,) = every_container(deployed.one("Deployment", "schema-registry"))
    command = registry["readinessProbe"]["exec"]["command"]
    assert command[command.index("--netrc-file") + 1] == "/opt/datapipe/config/netrc"
    assert probe_netrc(PASSWORDS) == "machine localhost login probe password p-3\n"


def test_passwords_are_in_the_secret_only_and_not_world_readable(deployed: Deployment) -> None:
    files = deployed.one("Secret", "schema-registry").inputs["stringData"]
    passwords = [
        line.split(": ")[1].split(",")[0] for line in files["user.properties"].split("\n") if line
    ]
    assert len(set(passwords)) == 3
    text = visible_text(deployed)
    assert not [password for password in passwords if password in text]
    pod = deployed.one("Deployment", "schema-registry").inputs["spec"]["template"]["spec"]
    (volume,) = (one for one in pod["volumes"] if one["name"] == "files")
    assert volume["projected"]["defaultMode"] & 0o007 == 0


def test_the_container_has_the_designs_limits_and_gains_nothing(deployed: Deployment) -> None:
    (registry,) = every_container(deployed.one("Deployment", "schema-registry"))
    assert registry["resources"]["limits"] == {"memory": "512Mi", "cpu": "500m"}
    assert registry["securityContext"]["readOnlyRootFilesystem"] is True


def test_connect_logs_in_as_developer(deployed: Deployment) -> None:
    files = deployed.one("Secret", "schema-registry").inputs["stringData"]
    secret = deployed.one("Secret", "kafka-connect").inputs["stringData"]
    *_, worker = every_container(deployed.one("Deployment", "kafka-connect"))
    variables = {one["name"]: one.get("value") for one in worker["env"]}
    assert variables["SCHEMA_AUTH_USER"] == "developer"
    assert f"developer: {secret['SCHEMA_AUTH_PASS']},developer\n" in files["user.properties"]


def test_the_jvm_fits_under_the_limit() -> None:
    options = jvm_heap_options(512, REGISTRY_JVM).split()
    heap = int(next(o for o in options if o.startswith("-Xmx"))[4:-1])
    parts = [int(o.split("=")[1][:-1]) for o in options if o.startswith("-XX:")]
    assert heap + sum(parts) < 512


def test_a_worker_starts_when_the_registry_is_ready(deployed: Deployment) -> None:
    """So in a rotation it is never started with a password that the registry does not know yet."""
    assert "schema-registry" in deployed.one("Worker").dependencies
