"""The variables for psql and other clients: usable as they are, without the password."""

from pathlib import Path

from clients.env import variables
from clients.stack import parse_outputs
from tests.clients.test_client_stack import OUTPUTS


def test_the_password_is_in_a_private_file_and_in_no_variable(tmp_path: Path) -> None:
    found = variables(parse_outputs("sandbox", OUTPUTS), tmp_path / "sandbox")

    assert "s3cret" not in " ".join(found.values())
    passwords = Path(found["PGPASSFILE"])
    assert passwords.read_text() == "10.231.0.1:30432:ecommerce:postgres:s3cret\n"
    assert passwords.stat().st_mode & 0o077 == 0
    assert Path(found["PGSSLROOTCERT"]).read_text() == OUTPUTS["database"]["caCertificate"]
    assert found["PGSSLMODE"] == "verify-full"


def test_without_node_ports_there_is_no_database_to_reach(tmp_path: Path) -> None:
    outputs = {**OUTPUTS, "database": {**OUTPUTS["database"], "port": None}}
    assert variables(parse_outputs("prod", outputs), tmp_path) == {
        "BOOTSTRAP_SERVERS": "10.231.0.1:30092",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
