"""A fault of the sample database shop, while tpch is changed and goes on."""

from __future__ import annotations

import csv
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from chaos.existing.faults import ExistingFault
from chaos.existing.load import VisitLoad
from chaos.existing.result import Outcome, Visits, counted
from chaos.pipeline import FaultError, run_command
from clients.archive import IcebergArchive
from clients.stack import PROJECT, StackError, StackOutputs
from polling import NotReadyError, poll_until
from sample_databases.server import SampleServer, servers
from sample_databases.tpch_load import TpchLoad
from workload.background import Background
from workload.machine import revision
from workload.progress import Log

CHANGED, OTHER = "shop", "tpch"
BEFORE_SECONDS, AFTER_SECONDS = 15, 10
REFUSED_SECONDS, ARRIVAL_SECONDS, POLL_SECONDS = 240, 240, 5
OTHER_RATE, OTHER_STEP_SECONDS = 100, 5
COMMAND_SECONDS = 900
HISTORY = (
    "SELECT path, __op, count(*) AS changes FROM shop.page_views_changes"
    " WHERE starts_with(path, '{run}/') GROUP BY ALL"
)


class Experiment:
    """One fault with its load, its repair and the comparison of every row."""

    def __init__(self, stack: str, outputs: StackOutputs, log: Log) -> None:
        """Raise StackError if the stack does not capture both sample databases."""
        self._stack, self._outputs, self._log = stack, outputs, log
        if outputs.archive.sink != "iceberg":
            raise StackError(
                f"archive.sink is {outputs.archive.sink}, but the faults of sources need iceberg:"
                " plain files do not say since when they are readable"
            )
        self._other = IcebergArchive(outputs.of(OTHER).archive)
        self._port = outputs.of(CHANGED).database.port

    def run(self, fault: ExistingFault) -> Outcome:
        """Inject a fault and repair what it broke. Raises FaultError if that does not succeed."""
        run = f"{fault.name}-{time.time():.0f}"
        load = VisitLoad(self._server(), run)
        self._log(f"{fault.name}: {fault.does}")
        with load.running(), self._other_load():
            time.sleep(BEFORE_SECONDS)
            began = time.time()
            fault.inject(load, self._log)
            refused = self._refusal(fault)
            meanwhile = self._others_archived(began)
            action = f"make recover SOURCE={CHANGED}" if fault.needs_recovery else ""
            if action:
                self._log(f"{fault.name}: {action}")
                self._datapipe("recover", "source", CHANGED, "--yes")
            ended = time.time()
            time.sleep(AFTER_SECONDS)
        visits = self._arrived(load, run)
        recovered = time.time() - ended - AFTER_SECONDS
        self._log(f"{fault.name}: comparing every row (make verify)")
        return Outcome(
            name=fault.name,
            does=fault.does,
            at=time.strftime("%Y-%m-%d %H:%M", time.gmtime(began)),
            revision=revision(),
            refused=refused,
            action=action,
            recovered_seconds=round(max(0.0, recovered), 1),
            visits=visits,
            others_archived=meanwhile,
            verified=self._datapipe("verify").strip().splitlines()[-1],
        )

    def _server(self) -> SampleServer:
        """Return the server at the source's address: shop, or the standby that took its place."""
        for name in servers():
            server = SampleServer.open(name)
            if server.description.port == self._port and server.process() is not None:
                return server
        raise StackError(
            f"no sample database runs at port {self._port}, where {CHANGED} is captured; run"
            " bin/datapipe sample-databases start"
        )

    @contextmanager
    def _other_load(self) -> Iterator[None]:
        """Change the other database's rows until the end of the block.

        Raises FaultError if that failed.
        """
        load = TpchLoad(SampleServer.open(OTHER), OTHER_RATE)

        def change(stop: threading.Event) -> None:
            while not stop.is_set():
                load.run(OTHER_STEP_SECONDS)

        name = f"the load of {OTHER}"
        with Background(change, name=name, end_seconds=COMMAND_SECONDS, error=FaultError):
            yield

    def _refusal(self, fault: ExistingFault) -> str:
        """Wait until the status asks for the recovery that a fault needs; return its line."""
        if not fault.needs_recovery:
            return ""
        wanted = f"make recover SOURCE={CHANGED}"

        def asked() -> str:
            # It fails while something is wrong.
            shown = self._datapipe("status", check=False)
            line = next((line for line in shown.splitlines() if wanted in line), None)
            if line is None:
                raise NotReadyError(f"it shows\n{shown[-1500:]}")
            return line.strip(" │✗!✓")

        return poll_until(
            asked,
            timeout=REFUSED_SECONDS,
            interval=POLL_SECONDS,
            description=f"make status to name {wanted}",
            error=FaultError,
        )

    def _others_archived(self, since: float) -> int:
        """Return the other source's rows that became readable after a time."""
        tables = self._outputs.of(OTHER).tables
        return sum(each.rows for table in tables for each in self._other.commits(table, since))

    def _arrived(self, load: VisitLoad, run: str) -> Visits:
        """Wait until every row is archived; return what is there when the time is over."""
        deadline = time.monotonic() + ARRIVAL_SECONDS
        while True:
            shown = self._datapipe(
                "sql", "--source", CHANGED, "--format", "csv", "--query", HISTORY.format(run=run)
            )
            visits = counted(load.committed(), csv.DictReader(shown.splitlines()))
            if not visits.lost or time.monotonic() > deadline:
                return visits
            time.sleep(POLL_SECONDS)

    def _datapipe(self, *arguments: str, check: bool = True) -> str:
        """Run a command and return its output. Raises FaultError if it fails."""
        command = str(PROJECT / "bin/datapipe"), "--stack", self._stack, *arguments
        # Tables are cut to the width of a terminal.
        wide = {"COLUMNS": "400"}
        return run_command(*command, seconds=COMMAND_SECONDS, check=check, environment=wide).stdout
