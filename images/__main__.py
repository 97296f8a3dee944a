"""`python -m images build | load | load-shapes | lock`: the pipeline's images."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from images import jars
from images.build import build, ensure
from images.catalog import IMAGES
from images.shapes import SHAPES
from tools import paths
from tools.errors import UserError
from tools.progress import ConsoleProgress, Progress

_COMMANDS = {
    "build": "build the images that the cache lacks",
    "load": "build them and import them into the containerd of CONTAINERD_ADDRESS",
    "load-shapes": "build them and their variants in the shape of dev's images, and import all",
    "lock": "resolve jars/pom.xml again and write every SHA256SUMS",
}


def main() -> None:
    """Run one command; a failure that the user can act on is printed without a traceback."""
    parser = argparse.ArgumentParser(prog="python -m images", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in _COMMANDS.items():
        commands.add_parser(name, help=text)
    command = parser.parse_args().command
    progress = ConsoleProgress("images")
    try:
        match command:
            case "build":
                build(IMAGES, progress)
            case "load":
                ensure(IMAGES, _ctr(), progress)
            case "load-shapes":
                ensure((*IMAGES, *SHAPES), _ctr(), progress)
            case "lock":
                lock(progress)
    except UserError as error:
        sys.exit(f"images: {error}")
    except KeyboardInterrupt:
        sys.exit("images: interrupted; run the command again to continue")


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


def _ctr() -> list[str]:
    """Return containerd's client, which finds containerd by its own environment variables."""
    for name in ("CONTAINERD_ADDRESS", "CONTAINERD_NAMESPACE"):
        if not os.environ.get(name):
            raise UserError(f'{name} is not set; run: eval "$(make env)"')
    return [str(paths.binaries() / "ctr")]


if __name__ == "__main__":
    main()
