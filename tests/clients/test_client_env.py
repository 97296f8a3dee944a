"""The variables for psql and other clients: usable as they are, without the password."""

import configparser
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from psycopg.pq import PGconn

from clients.env import variables
from clients.stack import parse_outputs
from tests.clients.stack_outputs import MANAGED, OUTPUTS, SHOP, TWO_SOURCES, outputs_with


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


def test_psql_reaches_each_database_by_its_name(tmp_path: Path) -> None:
    unchecked = {
        **SHOP,
        "database": {**SHOP["database"], "caCertificate": "", "sslMode": "require"},
    }
    sources = {**TWO_SOURCES["sources"], "store": {**unchecked, "topicPrefix": "store"}}
    outputs = parse_outputs("sandbox", {**TWO_SOURCES, "sources": sources})
    found = variables(outputs, tmp_path)
    services = configparser.ConfigParser()
    services.read(found["PGSERVICEFILE"])
    assert services.sections() == ["postgres", "shop", "store"]
    assert dict(services["shop"]) == {
        "host": "shop.example.com",
        "port": "5432",
        "dbname": "shop",
        "user": "datapipe",
        "sslmode": "verify-ca",
        "sslrootcert": str(tmp_path / "ca-shop.crt"),
    }
    assert Path(services["shop"]["sslrootcert"]).read_text() == SHOP["database"]["caCertificate"]
    assert services["store"]["sslrootcert"] == ""
    assert Path(found["PGSERVICEFILE"]).stat().st_mode & 0o077 == 0
    assert "shop.example.com:5432:shop:datapipe:h1dden\n" in Path(found["PGPASSFILE"]).read_text()
    assert found["PGHOST"] == "10.231.0.1"
    chosen = variables(outputs.of("store"), tmp_path)
    assert (chosen["PGHOST"], chosen["PGUSER"]) == ("shop.example.com", "datapipe")
    assert (chosen["PGSSLMODE"], chosen["PGSSLROOTCERT"]) == ("require", "")


def test_a_managed_database_without_node_ports_hides_no_other(tmp_path: Path) -> None:
    managed = {**MANAGED, "database": {**MANAGED["database"], "port": None}}
    outputs = parse_outputs("prod", {**TWO_SOURCES, "sources": {"postgres": managed, "shop": SHOP}})
    found = variables(outputs, tmp_path)
    assert "PGHOST" not in found
    assert "[postgres]" not in Path(found["PGSERVICEFILE"]).read_text()
    assert variables(outputs.of("shop"), tmp_path)["PGHOST"] == "shop.example.com"


@given(password=st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1))
def test_libpq_reads_any_password(password: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        outputs = parse_outputs("sandbox", outputs_with(databasePassword=password))
        found = variables(outputs, Path(folder))
        # libpq looks the password up before it connects, here to a port where nobody listens.
        address = b"host=10.231.0.1 hostaddr=127.0.0.1 port=30432 dbname=ecommerce user=postgres"
        connection = PGconn.connect_start(address + b" passfile=" + found["PGPASSFILE"].encode())
        assert connection.password == password.encode()
        connection.finish()


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
