"""Warms the pipeline's JVMs up before costs are compared."""

from bench.run import Bench, RunSettings
from bench.schedule import Schedule
from workload.timeouts import Timeouts

RATE = 4000
# In a fresh worker a row costs twice as much, and its compiler takes a quarter of its CPU for five
# minutes; brokers compile for longer, but less (docs/TUNING.md).
SECONDS = 300


def warm_jvms(bench: Bench, schemas: tuple[str, ...] = ("public",), seconds: int = SECONDS) -> None:
    """Put a load on the pipeline and discard its result."""
    bench.run(
        RunSettings(
            schedule=Schedule(seconds=10, rate=RATE, schemas=schemas),
            width=120,
            warm_up=seconds,
            references=0,
            timeouts=Timeouts(arrival=300, settle=15, poll=2),
        )
    )
