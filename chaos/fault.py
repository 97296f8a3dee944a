"""What a fault is: a name, how long it lasts, and the steps that inject and heal it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from chaos.pipeline import Pipeline


@dataclass(frozen=True)
class Hold:
    """Seconds from the injection to the healing; 0 for a kill, which is over immediately."""

    full: float = 0
    quick: float = 0


@dataclass
class Fault(ABC):  # steps that a fault does not need do nothing
    """A fault. Every step is limited in time and raises FaultError if it cannot be done.

    The order is prepare, inject, [hold], heal, [comparison], restore. heal and restore are called
    in any case, also for a fault that an earlier run left behind, so they must do no harm if
    there is nothing to do.
    """

    name: str
    does: str
    """what happens, for the report"""
    hold: Hold = Hold()
    user_after: float = 150
    """seconds after its end until the user acts, if the pipeline has not recovered by then"""
    keeps_history: bool = True
    """False: changes may be missing by design, and only the rows' last state must agree"""
    user: str = ""
    """what the user does in any case, as part of the fault"""
    needs_node: bool = False
    """whether it acts on the sandbox's node, which other stacks do not have"""
    ignores: Mapping[str, str] = field(default_factory=dict)
    """by table: a column that is not compared, because check() does that"""
    pauses_load: bool = False
    """whether the load pauses, and all of it is archived, before it is injected"""
    not_run: str = ""
    """why it cannot be run anywhere"""

    def prepare(self, pipeline: Pipeline) -> None:  # noqa: B027
        """Prepare the injection, before the load."""

    @abstractmethod
    def inject(self, pipeline: Pipeline) -> None:
        """Make happen what `does` says."""

    def heal(self, pipeline: Pipeline) -> None:  # noqa: B027
        """End the fault."""

    def repair(self, pipeline: Pipeline) -> str:
        """Do what the user must do if the pipeline has not recovered in time.

        Return what was done; "" if no such action is known.
        """
        return ""

    def complete_from(self) -> int:
        """Return the WAL position from which on the archive is complete; 0: from the start."""
        return 0

    def check(self, pipeline: Pipeline) -> list[str]:
        """Check what else must be true once everything is archived; return what is not."""
        return []

    def restore(self, pipeline: Pipeline) -> None:  # noqa: B027
        """Undo what prepare and inject have changed, after the comparison."""
