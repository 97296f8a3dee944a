"""What a fault is: a name, how long it lasts, and the few steps that make and end it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from chaos.pipeline import Pipeline


@dataclass(frozen=True)
class Hold:
    """Seconds from the injection to the healing; a kill has none, it is over at once."""

    full: float = 0
    quick: float = 0


@dataclass
class Fault(ABC):  # steps that a fault does not need do nothing
    """A fault; every step is bounded in time and raises FaultError where it can't be done.

    The order is prepare, inject, [hold], heal, [comparison], restore. heal and restore are called
    in any case, also for a fault that an earlier run left behind, so they must be harmless where
    there is nothing to do.
    """

    name: str
    does: str
    """what happens, for the report"""
    hold: Hold = Hold()
    user_after: float = 150
    """seconds after its end until the user acts, if the pipeline is not well by then"""
    keeps_history: bool = True
    """False: changes may be missing by design, and only the final rows must agree"""
    user: str = ""
    """what the user does in any case, as a part of the fault"""
    needs_node: bool = False
    """whether it acts on the sandbox's node, which other stacks do not have"""
    ignores: Mapping[str, str] = field(default_factory=dict)
    """a column, by its table, that is left out of the comparison, because check() looks at it"""
    not_run: str = ""
    """why it can't be run anywhere"""

    def prepare(self, pipeline: Pipeline) -> None:  # noqa: B027
        """Before the load: what makes the fault possible."""

    @abstractmethod
    def inject(self, pipeline: Pipeline) -> None:
        """Make it happen."""

    def heal(self, pipeline: Pipeline) -> None:  # noqa: B027
        """End it."""

    def repair(self, pipeline: Pipeline) -> str:
        """What the user must do where the pipeline can't go on by itself; "": nothing is known.

        Called only when the pipeline did not recover in time; returns what was done.
        """
        return ""

    def complete_from(self) -> int:
        """The WAL position from which the archive is complete; 0 unless history may be missing."""
        return 0

    def check(self, pipeline: Pipeline) -> list[str]:
        """What else must be true once all is archived; complaints, none where it is."""
        return []

    def restore(self, pipeline: Pipeline) -> None:  # noqa: B027
        """After the comparison: everything as it was before."""
