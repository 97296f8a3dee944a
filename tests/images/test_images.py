"""How images are made and imported: pins, keys, layers, and only what is missing."""

import hashlib
import io
import json
import re
import tarfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from components.images import FAMILIES
from images import jars, oci
from images.build import build, ensure
from images.catalog import CONNECT, KAFKA, POSTGRESQL
from images.catalog import IMAGES as PIPELINE_IMAGES
from images.keys import key
from sandbox.node.images import IMAGES as NODE_IMAGES
from sandbox.node.images import PAUSE
from tests.messages import Messages
from tools.errors import UserError

IMAGES = (*NODE_IMAGES, *PIPELINE_IMAGES)

MAVEN = "{http://maven.apache.org/POM/4.0.0}"


def silent(message: str) -> None:
    """Take progress and show nothing."""


@pytest.fixture
def binaries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The `bin` of a cache of its own, with the programs that images hold."""
    monkeypatch.setenv("DATAPIPE_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "cache/bin"
    folder.mkdir(parents=True)
    for name in ("pause", "coredns"):
        (folder / name).write_text(f"{name} program")
    return folder


@pytest.fixture
def poms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the jars' pins that a test may change."""
    copy = tmp_path / "poms"
    for path in jars.POMS.rglob("*"):
        if path.is_file():
            target = copy / path.relative_to(jars.POMS)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    monkeypatch.setattr(jars, "POMS", copy)
    return copy


def test_the_images_are_those_that_the_sandbox_stack_asks_for() -> None:
    family = FAMILIES["apache"]
    built = {image.reference for image in PIPELINE_IMAGES}

    assert {family.postgresql, family.kafka, family.connect} <= built
    assert {jar.target.rpartition("/")[0] for jar in CONNECT.jars} == {family.plugin_path}


# Jars


@pytest.mark.parametrize("module", jars.modules())
def test_every_dependency_has_a_fixed_version(module: str) -> None:
    pom = ElementTree.parse(jars.POMS / module / "pom.xml").getroot()  # noqa: S314 (our own file)
    properties = {
        node.tag.removeprefix(MAVEN): node.text for node in pom.find(f"{MAVEN}properties") or []
    }
    managed = {
        node.findtext(f"{MAVEN}groupId")
        for node in pom.iterfind(f"{MAVEN}dependencyManagement//{MAVEN}dependency")
    }
    for dependency in pom.iter(f"{MAVEN}dependency"):
        version = dependency.findtext(f"{MAVEN}version")
        if version is None:
            assert dependency.findtext(f"{MAVEN}groupId") in managed
            continue
        fixed = properties[version.strip("${}")] if version.startswith("${") else version
        assert fixed and re.fullmatch(r"\d+(\.\d+)+(\.Final)?", fixed), fixed


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("kafka", "kafka_2.13-3.9.2.jar"),
        ("kafka", "connect-runtime-3.9.2.jar"),
        ("debezium-postgres", "debezium-connector-postgres-2.4.2.Final-plugin.tar.gz"),
        ("iceberg-sink", "iceberg-kafka-connect-1.12.0.jar"),
        # Without these two the sink's task dies with NoClassDefFoundError.
        ("iceberg-sink", "sts-2.57.8.jar"),
        ("iceberg-sink", "kms-2.57.8.jar"),
    ],
)
def test_the_pipelines_jars_have_committed_checksums(module: str, name: str) -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", jars.read_checksums(module)[name])


def test_jars_other_than_the_committed_ones_are_refused(poms: Path, tmp_path: Path) -> None:
    folder = tmp_path / "downloaded"
    folder.mkdir()
    for name in ("same.jar", "changed.jar", "unexpected.jar"):
        (folder / name).write_text(name)
    committed = {
        "same.jar": hashlib.sha256(b"same.jar").hexdigest(),
        "changed.jar": hashlib.sha256(b"as it was").hexdigest(),
        "absent.jar": hashlib.sha256(b"absent").hexdigest(),
    }
    jars.write_checksums("kafka", committed)

    with pytest.raises(UserError) as failure:
        jars.verify(folder, "kafka")

    told = str(failure.value)
    assert "missing: absent.jar" in told
    assert "not in the list: unexpected.jar" in told
    assert "different content: changed.jar" in told
    assert "same.jar" not in told
    assert "python -m images lock" in told


def test_jars_that_match_are_accepted(poms: Path, tmp_path: Path) -> None:
    folder = tmp_path / "downloaded"
    folder.mkdir()
    (folder / "a.jar").write_text("a")
    jars.write_checksums("kafka", jars.checksums(folder))

    jars.verify(folder, "kafka")


def test_a_plugin_archive_is_replaced_by_its_files_and_none_escapes_the_folder(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "plugin"
    folder.mkdir()
    with tarfile.open(folder / "connector-plugin.tar.gz", "w:gz") as archive:
        for name in ("connector/core.jar", "../outside.jar"):
            entry = tarfile.TarInfo(name)
            entry.size = 3
            archive.addfile(entry, io.BytesIO(b"jar"))

    jars.unpack_plugin_archive(folder)

    assert sorted(path.name for path in folder.iterdir()) == ["core.jar", "outside.jar"]
    assert [path.name for path in tmp_path.iterdir()] == ["plugin"]


# Keys


def current_keys() -> dict[str, str]:
    return {image.name: key(image) for image in IMAGES}


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in before if before[name] != after[name]}


def test_the_same_inputs_give_the_same_keys(binaries: Path) -> None:
    assert current_keys() == current_keys()


@pytest.mark.parametrize(
    ("file", "rebuilt"),
    [
        ("kafka/pom.xml", {"kafka", "connect"}),
        ("kafka/SHA256SUMS", {"kafka", "connect"}),
        ("iceberg-sink/SHA256SUMS", {"connect"}),
    ],
)
def test_changed_pins_rebuild_the_images_that_hold_the_jars(
    poms: Path, binaries: Path, file: str, rebuilt: set[str]
) -> None:
    before = current_keys()
    with (poms / file).open("a") as pins:
        pins.write("<!-- changed -->\n")

    assert changed(before, current_keys()) == rebuilt


def test_a_changed_program_rebuilds_its_image_alone(binaries: Path) -> None:
    before = current_keys()
    (binaries / "pause").write_text("another program")

    assert changed(before, current_keys()) == {PAUSE.name}


# Layers and archives


def test_a_layer_is_owned_by_root_readable_by_all_and_the_same_every_time(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("real content")
    program.chmod(0o700)
    link = tmp_path / "link"
    link.symlink_to(program)
    settings = tmp_path / "settings"
    settings.write_text("x")
    settings.chmod(0o600)
    files = [(settings, "/opt/thing/settings"), (link, "/program")]

    oci.write_layer(tmp_path / "first.tar", files)
    settings.touch()
    oci.write_layer(tmp_path / "second.tar", list(reversed(files)))

    assert (tmp_path / "first.tar").read_bytes() == (tmp_path / "second.tar").read_bytes()
    with tarfile.open(tmp_path / "first.tar") as layer:
        members = {member.name: member for member in layer}
        assert list(members) == ["opt", "opt/thing", "opt/thing/settings", "program"]
        assert all((member.uid, member.gid) == (0, 0) for member in members.values())
        assert members["program"].isfile()
        assert members["program"].mode == 0o755
        assert members["opt/thing/settings"].mode == 0o644


def test_an_archive_tells_its_name_and_digest(tmp_path: Path) -> None:
    layout = tmp_path / "layout"
    (layout / "blobs/sha256").mkdir(parents=True)
    (layout / "blobs/sha256/abc").write_text("blob")
    index = {"schemaVersion": 2, "manifests": [{"digest": "sha256:abc", "annotations": {}}]}
    (layout / "index.json").write_text(json.dumps(index))
    archive = tmp_path / "image.tar"

    oci.write_archive(layout, archive, "localhost/x:1")

    assert oci.digest(archive) == "sha256:abc"
    with tarfile.open(archive) as contents:
        stored = contents.extractfile("index.json")
        assert stored is not None
        annotations = json.load(stored)["manifests"][0]["annotations"]
    assert annotations == {"io.containerd.image.name": "localhost/x:1"}


# Importing


@pytest.fixture
def containerd(tmp_path: Path) -> list[str]:
    """A ctr that lists what images.txt says and notes what it is asked to import."""
    program = tmp_path / "ctr"
    program.write_text(
        "#!/bin/sh\n"
        'case "$2" in\n'
        f"  list) cat {tmp_path}/images.txt ;;\n"
        f'  import) echo "$3" >> {tmp_path}/imported.txt ;;\n'
        "esac\n"
    )
    program.chmod(0o755)
    return [str(program)]


@pytest.fixture
def archives(tmp_path: Path, binaries: Path) -> dict[str, Path]:
    """Every image's archive, as if built: the cache holds a tiny one under each key."""
    folder = tmp_path / "cache/images"
    folder.mkdir(parents=True)
    made = {}
    for image in IMAGES:
        layout = tmp_path / f"layout-{image.name}"
        layout.mkdir()
        index = {"manifests": [{"digest": f"sha256:{image.name}"}]}
        (layout / "index.json").write_text(json.dumps(index))
        made[image.name] = folder / f"{image.name}-{key(image)}.tar"
        oci.write_archive(layout, made[image.name], image.reference)
    return made


def test_only_what_containerd_lacks_or_has_otherwise_is_imported(
    tmp_path: Path, containerd: list[str], archives: dict[str, Path]
) -> None:
    present = {image.reference: f"sha256:{image.name}" for image in IMAGES}
    del present[POSTGRESQL.reference]
    present[KAFKA.reference] = "sha256:of-older-inputs"
    rows = [f"{reference} type {digest} 1.0 MiB" for reference, digest in present.items()]
    (tmp_path / "images.txt").write_text("\n".join(["REF TYPE DIGEST SIZE", *rows]) + "\n")

    ensure(IMAGES, containerd, silent)

    imported = (tmp_path / "imported.txt").read_text().splitlines()
    assert imported == [str(archives["postgresql"]), str(archives["kafka"])]


def test_a_full_cache_builds_nothing_and_says_nothing(archives: dict[str, Path]) -> None:
    messages = Messages()

    assert build(IMAGES, messages) == archives
    assert messages == []
