"""The sandbox's container images, built from Debian packages and Maven Central without Docker.

`ensure` builds what the cache lacks and imports what containerd lacks; `build` only fills the
cache. `python -m sandbox.images lock` renews the checksums of the jars.
"""

from sandbox.images.build import build, ensure
from sandbox.images.catalog import ImageBinaries

__all__ = ["ImageBinaries", "build", "ensure"]
