"""Clocks."""

from dataclasses import dataclass

from chaos.fault import Fault
from chaos.pipeline import FaultError, Pipeline


@dataclass
class ClockJump(Fault):
    """Listed so that the report says what was not tried."""

    not_run: str = (
        "containers share the machine's wall clock (Linux has no namespace for it), and moving the"
        " machine's clock would move it for everything else that runs there"
    )

    def inject(self, pipeline: Pipeline) -> None:
        raise FaultError(self.not_run)
