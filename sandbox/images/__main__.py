"""`python -m sandbox.images build | lock`: for CI and for whoever changes a pom.xml."""

import argparse
import sys
import tempfile
from pathlib import Path

from sandbox import paths
from sandbox.errors import SandboxError
from sandbox.images import jars
from sandbox.images.build import build
from sandbox.progress import ConsoleProgress, Progress


def main() -> None:
    """Run one of the two commands; a failure is told without a traceback."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.images", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="build the images that need no program of the toolchain")
    commands.add_parser("lock", help="resolve jars/pom.xml anew and write every SHA256SUMS")
    command = parser.parse_args().command
    progress = ConsoleProgress()
    try:
        if command == "build":
            build(progress)
        else:
            lock(progress)
    except SandboxError as error:
        sys.exit(f"sandbox: {error}")


def lock(progress: Progress) -> None:
    """Write what Maven resolves now into each SHA256SUMS, to be reviewed and committed."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        resolved = scratch / "jars"
        jars.download(resolved, paths.cache() / "maven", scratch / "maven.log", progress)
        for module in jars.modules():
            found = jars.checksums(resolved / module)
            jars.write_checksums(module, found)
            progress(f"{module}: {len(found)} files")


if __name__ == "__main__":
    main()
