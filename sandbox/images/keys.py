"""What an image is built from, as one key: the same key, the same content."""

import dataclasses
import hashlib
import json
from pathlib import Path

from sandbox.images import jars, rootfs
from sandbox.images.catalog import Image, ImageBinaries, by_name

# Raise it with a change in this package's code that changes what images hold.
RECIPE = 2


def key(image: Image, binaries: ImageBinaries | None) -> str:
    """Return the image's key: its description, its jars' pins, its binary, its base's key.

    Versions of Debian packages are not in it: an image keeps those that it was built with until
    its cached archive is removed.
    """
    inputs = [
        str(RECIPE),
        rootfs.SUITE,
        json.dumps(dataclasses.asdict(image), sort_keys=True),
        *(_text(jars.POMS / jar.module / "pom.xml") for jar in image.jars),
        *(_text(jars.POMS / jar.module / jars.CHECKSUMS) for jar in image.jars),
    ]
    if image.binary:
        inputs.append(jars.sha256(binary_of(image, binaries)))
    if image.base:
        inputs.append(key(by_name(image.base), binaries))
    return hashlib.sha256("\0".join(inputs).encode()).hexdigest()[:16]


def binary_of(image: Image, binaries: ImageBinaries | None) -> Path:
    """Return the program that the image holds."""
    path: Path = getattr(binaries, image.binary)
    return path


def _text(path: Path) -> str:
    return path.read_text()
