"""What tests need besides the locked Python packages; each need is a marker of pytest."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sandbox.paths import PULUMI_BACKEND, SUPERVISOR_SOCKET
from tools import paths

POSTGRESQL_VERSION = 15
# The longest that a test of the sandbox may take, its fixtures included. On two cores the longest
# takes about five minutes (tests/chaos/test_survival.py). Others have pyproject.toml's limit.
SANDBOX_LIMIT_SECONDS = 1200


@dataclass(frozen=True)
class Requirement:
    """Something that marked tests need, how to find out if it is there, and how to get it."""

    description: str
    missing: Callable[[], str | None]
    """returns what is missing, or None"""
    remedy: str
    """the command that provides it"""
    unit: bool = False
    """`make unit` includes the tests that need it"""
    limit_seconds: int | None = None
    """how long a test that needs it may take, if that is longer than others may"""

    def refusal(self) -> str | None:
        """Return why a test that needs this must not run here, or None."""
        reason = self.missing()
        return f"{reason}; run: {self.remedy}" if reason else None


def postgres_bin() -> Path:
    """Return the folder of PostgreSQL's programs, whether or not they are installed."""
    default = f"/usr/lib/postgresql/{POSTGRESQL_VERSION}/bin"
    return Path(os.environ.get("DATAPIPE_POSTGRES_BIN", default))


def _missing_cluster() -> str | None:
    if "PULUMI_BACKEND_URL" in os.environ and SUPERVISOR_SOCKET.exists():
        return None
    return "the sandbox does not run, or the shell does not have its environment"


def _missing_pipeline() -> str | None:
    if missing := _missing_cluster():
        return missing
    deployed = (PULUMI_BACKEND / ".pulumi/stacks/datapipe/sandbox.json").exists()
    return None if deployed else "no pipeline is deployed in the sandbox"


def _missing_root() -> str | None:
    return None if os.geteuid() == 0 else "root is required"


def _missing_nftables() -> str | None:
    nft = paths.binaries() / "nft"
    return None if nft.exists() else f"{nft} does not exist"


def _missing_engine() -> str | None:
    return None if shutil.which("pulumi") else "pulumi is not on PATH"


def _missing_images() -> str | None:
    maven = paths.cache() / "maven"
    return None if maven.exists() else f"the images' artifacts are not in {maven}"


def _missing_postgresql() -> str | None:
    folder = postgres_bin()
    if (folder / "initdb").exists():
        return None
    return f"{folder} has no PostgreSQL {POSTGRESQL_VERSION} (DATAPIPE_POSTGRES_BIN names another)"


def _missing_maven() -> str | None:
    return None if shutil.which("mvn") else "mvn is not on PATH"


def _missing_jdk() -> str | None:
    return None if shutil.which("javac") else "javac is not on PATH"


def _missing_go() -> str | None:
    return None if shutil.which("go") else "go is not on PATH"


DEPLOY = 'make up, then eval "$(make env)"; scripts/test.sh does both'
REQUIREMENTS = {
    "pipeline": Requirement(
        "the pipeline, deployed in the sandbox, to itself",
        _missing_pipeline,
        DEPLOY,
        limit_seconds=SANDBOX_LIMIT_SECONDS,
    ),
    "cluster": Requirement(
        "the sandbox, but not the pipeline in it",
        _missing_cluster,
        DEPLOY,
        limit_seconds=SANDBOX_LIMIT_SECONDS,
    ),
    "root": Requirement("the rights of root", _missing_root, "sudo -E make test"),
    "nftables": Requirement(
        "the sandbox's nft in the cache",
        _missing_nftables,
        "bash tools/bootstrap.sh sandbox toolchain",
    ),
    "engine": Requirement(
        "Pulumi's engine",
        _missing_engine,
        'eval "$(bash tools/bootstrap.sh tools env)"; scripts/test.sh does it',
    ),
    "images": Requirement(
        "the images' artifacts in the cache",
        _missing_images,
        "bash tools/bootstrap.sh images build",
    ),
    "postgresql": Requirement(
        f"the programs of PostgreSQL {POSTGRESQL_VERSION}",
        _missing_postgresql,
        f"apt-get install postgresql-{POSTGRESQL_VERSION}",
        unit=True,
    ),
    "postgres_versions": Requirement(
        "Maven, for PostgreSQL servers of several versions (sample_databases)",
        _missing_maven,
        "apt-get install maven",
    ),
    "go": Requirement("Go, for a module of the proxy", _missing_go, "install Go 1.21 or newer"),
    "jdk": Requirement(
        "a JDK, 17 or newer", _missing_jdk, "apt-get install openjdk-17-jdk-headless", unit=True
    ),
}

# Folders of tests/ in which every test has the same need.
FOLDERS = {"connectors_live": "pipeline", "e2e": "pipeline"}
