"""Warming up the pipeline's JVMs before costs are compared."""

from bench.plan import Schedule
from bench.run import Bench, Plan
from bench.verification import Patience

RATE = 4000
SECONDS = 300
"""In a fresh worker a row costs twice as much, and its compiler takes a quarter of its CPU for five
minutes; brokers compile for longer, but less: docs/TUNING.md."""


def warm_jvms(bench: Bench, schemas: tuple[str, ...] = ("public",), seconds: int = SECONDS) -> None:
    """Put a load on the pipeline, of which nothing is kept."""
    bench.run(
        Plan(
            schedule=Schedule(seconds=10, rate=RATE, schemas=schemas),
            width=120,
            warm_up=seconds,
            references=0,
            patience=Patience(300),
        )
    )
