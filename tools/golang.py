"""Go programs built from the module proxy, pinned by the go.mod and go.sum in a folder each."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tools import paths
from tools.errors import UserError
from tools.progress import Progress, run_logged


@dataclass(frozen=True)
class Build:
    """Programs of one Go module: each with the package of its main, and their version stamps."""

    folder: Path
    """The folder with the go.mod."""
    packages: Mapping[str, str]
    variables: Mapping[str, str] = field(default_factory=dict)

    def linker_flags(self) -> str:
        """Return -ldflags: no symbol tables, and the version stamps."""
        stamps = [f"-X {name}={value}" for name, value in self.variables.items()]
        return " ".join(["-s", "-w", *stamps])

    def update(self, digest: "hashlib._Hash") -> None:
        """Add to a hash all that decides what this build gives."""
        recipe = [self.folder.name, dict(self.packages), self.linker_flags()]
        digest.update(json.dumps(recipe, sort_keys=True).encode())
        for file in sorted(self.folder.rglob("*")):
            if file.name in {"go.mod", "go.sum"} or file.suffix == ".go":
                digest.update(f"\0{file.relative_to(self.folder)}\0".encode())
                digest.update(file.read_bytes())


@dataclass(frozen=True)
class Script:
    """A file of a Go module in the version that the go.mod in the folder `required_by` names."""

    required_by: Path
    module: str
    path: str

    @property
    def name(self) -> str:
        """The file's name."""
        return Path(self.path).name

    def copy_into(self, target: Path) -> None:
        """Copy the script out of the module cache, executable."""
        folder = self.required_by
        _go("mod", "download", self.module, cwd=folder)
        module = Path(_go("list", "-m", "-f", "{{.Dir}}", self.module, cwd=folder))
        shutil.copyfile(module / self.path, target / self.name)
        (target / self.name).chmod(0o755)


@dataclass(frozen=True)
class Part:
    """Programs in one folder of the cache. `links` gives a program further names."""

    name: str
    builds: tuple[Build, ...]
    links: Mapping[str, str] = field(default_factory=dict)
    scripts: tuple[Script, ...] = ()

    @property
    def programs(self) -> list[str]:
        """Every name that ends up in the cache's `bin`."""
        built = [program for build in self.builds for program in build.packages]
        return [*built, *self.links, *(script.name for script in self.scripts)]

    def key(self, go_version: str) -> str:
        """Return the hash of all that decides what the part is."""
        scripts = [
            {**asdict(script), "required_by": script.required_by.name} for script in self.scripts
        ]
        recipe = [go_version, dict(self.links), scripts]
        digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode())
        for build in self.builds:
            build.update(digest)
        return digest.hexdigest()[:12]

    def make(self, target: Path, progress: Progress) -> None:
        """Build everything into the folder `target`, which must not be in use.

        Raises UserError with the compiler's last words.
        """
        log = paths.cache() / "log" / f"build-{self.name}.log"
        for build in self.builds:
            for program, package in build.packages.items():
                command = ["go", "build", "-trimpath", "-modcacherw"]
                command += ["-ldflags", build.linker_flags(), "-o", str(target / program), package]
                run_logged(
                    command,
                    what=f"building {program} from Go modules",
                    log=log,
                    progress=progress,
                    cwd=build.folder,
                    env=_environment(),
                )
        for link, program in self.links.items():
            (target / link).symlink_to(program)
        for script in self.scripts:
            script.copy_into(target)


def version() -> str:
    """Return the Go compiler's version, system and processor. Raises UserError without Go."""
    return " ".join(_go("env", "GOVERSION", "GOOS", "GOARCH", cwd=Path("/")).split())


def _environment() -> dict[str, str]:
    cache = paths.cache() / "go"
    return {
        **os.environ,
        "CGO_ENABLED": "0",
        "GOFLAGS": "",
        "GOWORK": "off",
        "GOMODCACHE": str(cache / "mod"),
        "GOCACHE": str(cache / "build"),
    }


def _go(*arguments: str, cwd: Path) -> str:
    try:
        done = subprocess.run(
            ["go", *arguments],
            cwd=cwd,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as missing:
        raise UserError(
            "Go is needed to build Kubernetes and Pulumi: install Go 1.21 or newer (it fetches "
            "the version that a go.mod asks for by itself) and put `go` on PATH."
        ) from missing
    if done.returncode != 0:
        raise UserError(f"go {' '.join(arguments)} failed in {cwd}: {done.stderr.strip()}")
    return done.stdout.strip()
