"""The README's sentences about measurements, made from the committed results."""

import json
from collections import Counter
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def throughput() -> str:
    """Return the headline of the committed bench."""
    result = json.loads((DOCS / "bench/bench.json").read_text())
    load, summary, machine = result["load"], result["summary"], result["machine"]
    latency = summary["latency"]
    return (
        f"- carries **{load['rate']:,.0f} row changes a second** for {load['seconds'] / 60:.0f}"
        f" minutes on {machine['cores']} cores: of {summary['rows']:,} rows,\n"
        f"  {summary['missing']} were lost, {summary['duplicated']} duplicated and"
        f" {summary['altered']} altered; they were readable {latency['p50']:.1f} s (median) and\n"
        f"  {latency['p99']:.1f} s (p99) after their commit ([benchmark](docs/BENCHMARK.md));"
    )


def faults() -> str:
    """Return what happened with the faults that were injected under load."""
    results = json.loads((DOCS / "chaos/chaos.json").read_text()).values()
    outcomes = Counter(each["outcome"] for each in results if each["outcome"] != "not run")
    return (
        f"- survives {outcomes['survived']} of {outcomes.total()} injected faults without action"
        f" and {outcomes['repaired']} with one command;\n  after {outcomes['history lost']}, the"
        " loss of the replication slot, the archive's history has a gap"
        " ([faults](docs/chaos/README.md))."
    )
