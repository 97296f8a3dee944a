"""The images that the node itself needs: the pods' pause container and the cluster's DNS."""

from images.model import Image, ProcessConfig

PAUSE = Image(
    name="pause",
    tag="1",
    binary="pause",
    config=ProcessConfig(user="65535:65535", entrypoint=("/pause",)),
)

COREDNS = Image(
    name="coredns",
    tag="1.15.0",
    binary="coredns",
    config=ProcessConfig(user="65535:65535", entrypoint=("/coredns",)),
)

IMAGES = (PAUSE, COREDNS)
