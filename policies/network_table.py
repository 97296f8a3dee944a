"""A table of the allowed flows, computed from a stack's network policies.

`pulumi preview --stack dev --json | python -m policies.network_table README.md` writes it between
the two markers of a document; `pulumi stack export` works as well as a preview.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from policies.network_matrix import SETTINGS, ends_of, rules_of
from policies.ports import NO_PORT, Ports, describe
from policies.resource import Resource

BEGIN, END = "<!-- network: begin -->", "<!-- network: end -->"


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


def with_table(text: str, resources: Sequence[Resource]) -> str:
    """Return a document with the table between its markers replaced."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table(resources)}\n{END}{after}"


def _cell(ports: Ports) -> str:
    return "" if ports == NO_PORT else describe(ports)


if __name__ == "__main__":
    readme = Path(sys.argv[1])
    readme.write_text(with_table(readme.read_text(), read_resources(json.load(sys.stdin))))
