"""Counting change events in a connector's chain of transforms, by our own transform."""

from typing import Literal

# The transform's name in a connector's `transforms`.
COUNT_EVENTS = "countEvents"


def count_events(checkpoint: Literal["source", "sink"], topic_prefix: str) -> dict[str, str]:
    """Return the properties of the transform; its MBeans have the checkpoint in their names.

    It reads the columns that unwrapping adds (`__op` and others), so it comes after that.
    """
    transform = f"transforms.{COUNT_EVENTS}"
    return {
        f"{transform}.type": "datapipe.connect.CountEvents",
        f"{transform}.checkpoint": checkpoint,
        f"{transform}.topic.prefix": f"{topic_prefix}.",
    }
