"""The table of allowed connections, computed from a stack's own NetworkPolicies.

`pulumi preview --stack dev --json | python -m policies.network_table` prints it; the output of
`pulumi stack export` works as well as a preview's.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from policies.network_matrix import SETTINGS, ends_of, rules_of
from policies.ports import NO_PORT, Ports, describe
from policies.resource import Resource


def read_resources(document: Mapping[str, Any]) -> list[Resource]:
    """Return the resources in the JSON of `pulumi preview` or `pulumi stack export`."""
    if "steps" in document:
        states = [step["newState"] for step in document["steps"] if "newState" in step]
    else:
        states = document["deployment"]["resources"]
    return [
        Resource(each["type"], each["urn"].split("::")[-1], each.get("inputs", {}), each["urn"])
        for each in states
    ]


def table(resources: Sequence[Resource]) -> str:
    """Return the table: from a row's end to a column's end, at which ports."""
    ends = ends_of(resources, {name: schema["default"] for name, schema in SETTINGS.items()})
    rules = rules_of(resources, ends)
    cells: defaultdict[tuple[str, str], Ports] = defaultdict(int)
    for source, target in ends.pairs():
        cells[source.title, target.title] |= rules.allowed(source, target)
    titles = dict.fromkeys(title for pair in cells for title in pair)
    rows = [title for title in titles if any(cells[title, other] for other in titles)]
    columns = [title for title in titles if any(cells[other, title] for other in titles)]
    lines = [["from ↓ to →", *columns], ["---"] * (len(columns) + 1)]
    lines += [[row, *(_cell(cells[row, column]) for column in columns)] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(ports: Ports) -> str:
    return "" if ports == NO_PORT else describe(ports)


if __name__ == "__main__":
    print(table(read_resources(json.load(sys.stdin))))
