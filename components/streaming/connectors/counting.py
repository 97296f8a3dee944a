"""Counting change events in a connector's chain of transforms, by our own transform."""

from dataclasses import dataclass
from typing import Literal

# The transform's name in a connector's `transforms`.
COUNT_EVENTS = "countEvents"


@dataclass(frozen=True)
class CountedTopics:
    """The topics of a source, whose events a transform counts."""

    prefix: str
    label: str | None = None
    """the source's name in the metrics; None: they have none"""

    @property
    def transform(self) -> str:
        """The name of the transform in a chain that counts the events of several sources."""
        return COUNT_EVENTS if self.label is None else f"{COUNT_EVENTS}_{self.label}"


def count_events(
    checkpoint: Literal["source", "sink"], counted: CountedTopics, name: str = COUNT_EVENTS
) -> dict[str, str]:
    """Return the properties of the transform; its MBeans have the checkpoint in their names.

    It reads the columns that unwrapping adds (`__op` and others), so it comes after that.
    """
    transform = f"transforms.{name}"
    return {
        f"{transform}.type": "datapipe.connect.CountEvents",
        f"{transform}.checkpoint": checkpoint,
        f"{transform}.topic.prefix": f"{counted.prefix}.",
        **({} if counted.label is None else {f"{transform}.source": counted.label}),
    }
