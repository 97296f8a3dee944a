"""Jars from Maven's central repository: pinned by jars/pom.xml, checked against SHA256SUMS."""

import hashlib
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path

from tools.errors import UserError
from tools.progress import Progress, run_logged

POMS = Path(__file__).parent / "jars"
CHECKSUMS = "SHA256SUMS"


def modules() -> list[str]:
    """Return the names of the modules of jars/pom.xml, each a folder with a pom.xml."""
    return sorted(pom.parent.name for pom in POMS.glob("*/pom.xml"))


def download(into: Path, repository: Path, log: Path, progress: Progress) -> None:
    """Resolve every module with Maven, into one folder each below `into`.

    `repository` is Maven's local repository, which keeps what was downloaded. Raises UserError
    when Maven fails, also over a file whose checksum is not the repository's.
    """
    if shutil.which("mvn") is None:
        raise UserError("Maven, which downloads the jars, is missing: apt-get install maven")
    command = [
        *("mvn", "--batch-mode", "--quiet", "--strict-checksums"),
        f"-Dmaven.repo.local={repository}",
        *("--file", str(POMS / "pom.xml")),
        "dependency:copy-dependencies",
        f"-Djars.folder={into}",
    ]
    run_logged(command, what="Maven downloads the jars", log=log, progress=progress)


def verify(folder: Path, module: str) -> None:
    """Raise UserError unless `folder` holds exactly the files of the module's SHA256SUMS."""
    expected, found = read_checksums(module), checksums(folder)
    differences = [
        *(f"missing: {name}" for name in sorted(expected.keys() - found.keys())),
        *(f"not in the list: {name}" for name in sorted(found.keys() - expected.keys())),
        *(
            f"different content: {name} (expected {expected[name]}, got {found[name]})"
            for name in sorted(expected.keys() & found.keys())
            if expected[name] != found[name]
        ),
    ]
    if differences:
        raise UserError(
            f"The jars of {module} are not those of {POMS.name}/{module}/{CHECKSUMS}:\n  "
            + "\n  ".join(differences)
            + "\nAfter a wanted change of a pom.xml run `python -m images lock` and review "
            "the difference; otherwise the download is damaged or was tampered with: remove the "
            "cache's maven folder and try again."
        )


def read_checksums(module: str) -> dict[str, str]:
    """Return file name to SHA-256 as committed for `module`."""
    lines = (POMS / module / CHECKSUMS).read_text().splitlines()
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}


def write_checksums(module: str, found: Mapping[str, str]) -> None:
    """Write `module`'s SHA256SUMS, in the format of sha256sum."""
    lines = [f"{digest}  {name}\n" for name, digest in sorted(found.items())]
    (POMS / module / CHECKSUMS).write_text("".join(lines))


def checksums(folder: Path) -> dict[str, str]:
    """Return file name to SHA-256 of the files in `folder`."""
    return {path.name: sha256(path) for path in sorted(folder.iterdir())}


def unpack_plugin_archive(folder: Path) -> None:
    """Replace a plugin archive in `folder` by the jars and licences that it holds.

    Debezium publishes its connectors so; a folder of plain jars stays as it is.
    """
    for archive in folder.glob("*-plugin.tar.gz"):
        with tarfile.open(archive) as contents:
            for member in contents.getmembers():
                if (content := contents.extractfile(member)) is not None:
                    with content, (folder / Path(member.name).name).open("wb") as file:
                        shutil.copyfileobj(content, file)
        archive.unlink()


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
