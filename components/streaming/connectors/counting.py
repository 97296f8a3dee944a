"""Counting change events in a connector's chain of transforms, by a transform of ours."""

from typing import Literal

COUNT_EVENTS = "countEvents"
"""The transform's name in a connector's `transforms`."""


def count_events(checkpoint: Literal["source", "sink"], topic_prefix: str) -> dict[str, str]:
    """The properties of the transform; its MBeans bear the checkpoint.

    It reads the columns that unwrapping adds (`__op` and others), so it stands after that.
    """
    transform = f"transforms.{COUNT_EVENTS}"
    return {
        f"{transform}.type": "datapipe.connect.CountEvents",
        f"{transform}.checkpoint": checkpoint,
        f"{transform}.topic.prefix": f"{topic_prefix}.",
    }
