"""The machine that everything runs on."""

import os
import platform

from bench.result import Machine
from workload import machine


def describe() -> Machine:
    """Return processor, memory and system, and how busy the machine is now."""
    return Machine(
        processor=machine.processor(),
        cores=os.cpu_count() or 1,
        memory=machine.memory(),
        system=machine.distribution(),
        kernel=platform.release(),
        load_before=os.getloadavg()[0],
    )
