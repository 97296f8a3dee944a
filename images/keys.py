"""What an image is built from, as one key: the same key, the same content."""

import dataclasses
import hashlib
import json
from pathlib import Path

from images import jars, rootfs
from images.model import Image
from tools import paths

# Raise it with a change in this package's code that changes what images hold.
RECIPE = 2


def key(image: Image) -> str:
    """Return the image's key: its description, its jars' pins, its program, its base's key.

    Versions of Debian packages are not in it: an image keeps those that it was built with until
    its cached archive is removed.
    """
    description = {
        **dataclasses.asdict(image),
        "base": image.base.name if image.base else "",
    }
    inputs = [
        str(RECIPE),
        rootfs.SUITE,
        json.dumps(description, sort_keys=True),
        *((jars.POMS / jar.module / "pom.xml").read_text() for jar in image.jars),
        *((jars.POMS / jar.module / jars.CHECKSUMS).read_text() for jar in image.jars),
    ]
    if image.binary:
        inputs.append(jars.sha256(binary_of(image)))
    if image.base:
        inputs.append(key(image.base))
    return hashlib.sha256("\0".join(inputs).encode()).hexdigest()[:16]


def binary_of(image: Image) -> Path:
    """Return the program that the image holds, from the cache's `bin`."""
    return (paths.binaries() / image.binary).resolve()
