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

# The linker drops debug information (-s -w), so the compiler does not have to write it. Below a
# heap of 512 MiB the compiler collects no garbage. Both flags together save a third of the CPU
# time. All parts have the same ones: what is compiled with other flags is compiled again.
_COMPILER_FLAGS = "-dwarf=false -d=gcstart=512"


@dataclass(frozen=True)
class Build:
    """Programs of one Go module: each with the package of its main, and their version stamps.

    `unoptimized` is a pattern of packages that are compiled without optimization: generated code
    that the program hardly runs.
    """

    folder: Path
    """The folder with the go.mod."""
    packages: Mapping[str, str]
    variables: Mapping[str, str] = field(default_factory=dict)
    unoptimized: str | None = None

    def flags(self) -> list[str]:
        """Return the compiler's and the linker's flags, as `go build` takes them."""
        stamps = [f"-X {name}={value}" for name, value in self.variables.items()]
        flags = ["-ldflags", " ".join(["-s", "-w", *stamps]), f"-gcflags=all={_COMPILER_FLAGS}"]
        if self.unoptimized:
            flags.append(f"-gcflags={self.unoptimized}=-N -l {_COMPILER_FLAGS}")
        return flags

    def update(self, digest: "hashlib._Hash") -> None:
        """Add to a hash all that decides what this build gives."""
        recipe = [self.folder.name, dict(self.packages), self.flags()]
        digest.update(json.dumps(recipe, sort_keys=True).encode())
        for file in sorted(self.folder.rglob("*")):
            if file.name in {"go.mod", "go.sum"} or file.suffix == ".go":
                digest.update(f"\0{file.relative_to(self.folder)}\0".encode())
                digest.update(file.read_bytes())


@dataclass(frozen=True)
class ModuleFile:
    """A file of a Go module in the version that the go.mod in the folder `required_by` names."""

    required_by: Path
    module: str
    path: str
    executable: bool = False

    @property
    def name(self) -> str:
        """Return the last part of the path."""
        return Path(self.path).name

    def copy_into(self, target: Path) -> None:
        """Copy the file out of the module cache."""
        folder = self.required_by
        _go("mod", "download", self.module, cwd=folder)
        module = Path(_go("list", "-m", "-f", "{{.Dir}}", self.module, cwd=folder))
        shutil.copyfile(module / self.path, target / self.name)
        (target / self.name).chmod(0o755 if self.executable else 0o644)


@dataclass(frozen=True)
class Part:
    """Programs in one folder of the cache. `links` gives a program further names."""

    name: str
    builds: tuple[Build, ...]
    links: Mapping[str, str] = field(default_factory=dict)
    files: tuple[ModuleFile, ...] = ()

    @property
    def programs(self) -> list[str]:
        """Return the name of every program."""
        built = [program for build in self.builds for program in build.packages]
        return [*built, *self.links, *(file.name for file in self.files if file.executable)]

    def key(self, go_version: str) -> str:
        """Return the hash of all that decides what the part is."""
        files = [{**asdict(file), "required_by": file.required_by.name} for file in self.files]
        recipe = [go_version, dict(self.links), files]
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
                command += [*build.flags(), "-o", str(target / program), package]
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
        for file in self.files:
            file.copy_into(target)


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
