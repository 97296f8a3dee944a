"""The variables for psql and other clients: usable as they are, without the password."""

from pathlib import Path

from clients.env import variables
from clients.stack import parse_outputs
from tests.clients.stack_outputs import MANAGED, OUTPUTS, outputs_with


def test_the_password_is_in_a_private_file_and_in_no_variable(tmp_path: Path) -> None:
    found = variables(parse_outputs("sandbox", OUTPUTS), tmp_path / "sandbox")

    assert "s3cret" not in " ".join(found.values())
    passwords = Path(found["PGPASSFILE"])
    assert passwords.read_text() == "10.231.0.1:30432:ecommerce:postgres:s3cret\n"
    assert passwords.stat().st_mode & 0o077 == 0
    assert Path(found["PGSSLROOTCERT"]).read_text() == MANAGED["database"]["caCertificate"]
    assert found["PGSSLMODE"] == "verify-full"


def test_without_node_ports_there_is_no_database_to_reach(tmp_path: Path) -> None:
    outputs = outputs_with(database={**MANAGED["database"], "port": None})
    assert variables(parse_outputs("prod", outputs), tmp_path) == {
        "BOOTSTRAP_SERVERS": "10.231.0.1:30092",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def test_kafkas_tools_find_the_clients_certificate_in_private_files(tmp_path: Path) -> None:
    login = {
        "security.protocol": "SSL",
        "ssl.ca.pem": "AUTHORITY",
        "ssl.certificate.pem": "CERTIFICATE",
        "ssl.key.pem": "s3cret",
    }
    found = variables(parse_outputs("sandbox", {**OUTPUTS, "kafkaLogin": login}), tmp_path)

    assert "s3cret" not in " ".join(found.values())
    for variable, keys in (
        ("KCAT_CONFIG", ("ssl.key.location", "ssl.ca.location")),
        ("KAFKA_COMMAND_CONFIG", ("ssl.keystore.location", "ssl.truststore.location")),
    ):
        lines = dict(line.split("=") for line in Path(found[variable]).read_text().splitlines())
        identity, authority = (Path(lines[key]) for key in keys)
        assert lines["security.protocol"] == "SSL"
        assert identity.read_text() == "s3cretCERTIFICATE"
        assert authority.read_text() == "AUTHORITY"
        assert identity.stat().st_mode & 0o077 == 0


def test_a_plaintext_stack_has_no_variables_for_kafkas_tools(tmp_path: Path) -> None:
    found = variables(parse_outputs("sandbox", OUTPUTS), tmp_path)
    assert not found.keys() & {"KCAT_CONFIG", "KAFKA_COMMAND_CONFIG"}
