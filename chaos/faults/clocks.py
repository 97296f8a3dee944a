"""Clocks."""

from dataclasses import dataclass

from chaos.fault import Fault
from chaos.pipeline import FaultError, Pipeline


@dataclass
class ClockJump(Fault):
    """Listed so that the report says that it was not tried."""

    not_run: str = (
        "containers share the machine's wall clock (Linux has no namespace for it), and changing it"
        " would affect everything else on the machine"
    )

    def inject(self, pipeline: Pipeline) -> None:
        raise FaultError(self.not_run)
