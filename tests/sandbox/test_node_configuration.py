"""What the node is configured with: its own folders, limits in force, no secret in the open."""

import configparser
import ipaddress
import stat
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from sandbox import paths, supervisor
from sandbox.node import addresses, api_server, configuration, pki, programs
from sandbox.supervisor import Program


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with all certificates."""
    monkeypatch.setattr(pki, "FOLDER", tmp_path)
    for name in ("CA_CERTIFICATE", "SERVICE_ACCOUNT_KEY", "SERVICE_ACCOUNT_PUBLIC_KEY"):
        monkeypatch.setattr(pki, name, tmp_path / getattr(pki, name).name)
    pki.ensure()
    return tmp_path


def test_every_certificate_is_signed_by_the_authority(authority: Path) -> None:
    issuer = x509.load_pem_x509_certificate((authority / "ca.crt").read_bytes())
    key = issuer.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    for identity in pki.IDENTITIES:
        certificate = x509.load_pem_x509_certificate(identity.certificate.read_bytes())
        certificate.verify_directly_issued_by(issuer)


def test_the_api_server_is_known_by_the_addresses_that_clients_use(authority: Path) -> None:
    certificate = x509.load_pem_x509_certificate(pki.API_SERVER.certificate.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.IPAddress)) == {
        addresses.NODE_ADDRESS,
        ipaddress.IPv4Address("10.231.64.1"),
    }


def test_keys_are_roots_alone_and_the_authoritys_is_not_kept(authority: Path) -> None:
    for file in (*authority.glob("*.key"), *authority.glob("*.crt")):
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file
    assert not (authority / "ca.key").exists()


def test_certificates_are_made_once(authority: Path) -> None:
    before = pki.ADMINISTRATOR.certificate.read_bytes()
    pki.ensure()
    assert pki.ADMINISTRATOR.certificate.read_bytes() == before


def test_no_program_is_configured_with_a_folder_of_the_machine() -> None:
    texts = [
        configuration.containerd(),
        yaml.safe_dump(configuration.kubelet()),
        yaml.safe_dump(configuration.kube_proxy()),
        *(word for program in programs.programs() for word in program.command),
    ]
    for text in texts:
        for folder in ("/etc/", "/var/lib/kubelet", "/var/lib/containerd", "/run/containerd"):
            assert folder not in text


def test_pods_limits_are_in_force_and_images_are_kept() -> None:
    kubelet = configuration.kubelet()
    assert kubelet["cpuCFSQuota"] is True
    assert kubelet["cgroupRoot"] == "/datapipe-sandbox"
    assert kubelet["imageGCHighThresholdPercent"] == 100


def test_etcd_asks_every_client_for_a_certificate() -> None:
    etcd = next(program for program in programs.programs() if program.name == "etcd")
    assert "--client-cert-auth=true" in etcd.command
    assert "--peer-client-cert-auth=true" in etcd.command
    assert not any("http://" in word for word in etcd.command)


def test_addresses_do_not_overlap() -> None:
    assert addresses.NODE_ADDRESS in addresses.PODS
    assert not addresses.PODS.overlaps(addresses.SERVICES)
    assert addresses.PODS.subnet_of(addresses.NETWORK)
    assert addresses.SERVICES.subnet_of(addresses.NETWORK)
    ports = [port for _, port in addresses.LISTENERS]
    assert len(ports) == len(set(ports))


def test_supervised_programs_restart_and_percent_signs_survive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "settings"
    settings.write_text("one")
    program = Program("tool", ["/bin/tool", "--format=%s", "two words"], files=[settings])
    first = supervisor.render([program])
    parsed = configparser.RawConfigParser()
    parsed.read_string(first)
    section = parsed["program:tool"]
    assert section["command"] == "/bin/tool --format=%%s 'two words'"
    assert section["autorestart"] == "true"
    assert parsed["unix_http_server"]["chmod"] == "0700"
    settings.write_text("two")
    assert supervisor.render([program]) != first, "a changed file restarts its program"


def test_moto_alone_is_not_restarted_for_a_new_command() -> None:
    assert [p.name for p in programs.programs() if p.loses_state_on_restart] == ["moto"]


def _manifests() -> list[dict[str, object]]:
    return [
        document
        for file in sorted(api_server._MANIFESTS.glob("*.yaml"))
        for document in yaml.safe_load_all(file.read_text())
    ]


def test_manifests_agree_with_the_nodes_addresses() -> None:
    found = {document["kind"]: document for document in _manifests()}
    service = found["Service"]["spec"]
    assert isinstance(service, dict)
    assert service["clusterIP"] == str(addresses.CLUSTER_DNS)
    storage = found["StorageClass"]
    assert storage["reclaimPolicy"] == "Retain"
    assert storage["volumeBindingMode"] == "WaitForFirstConsumer"


def test_everything_lies_below_the_sandboxs_folders() -> None:
    for folder in (paths.LOGS, paths.VOLUMES, paths.KUBECONFIG, configuration.POD_LOGS):
        assert folder.is_relative_to(paths.STATE)
