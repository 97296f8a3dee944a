"""The tables of docs/TYPES.md, made from docs/types.json, which tests/e2e/test_types.py proves."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "docs/types.json"


def table() -> str:
    """Return a Markdown table of all types: their column in the archive, and examples."""
    rows = ["| PostgreSQL | archive | how | for example |", "|---|---|---|---|"]
    for each in _data()["types"]:
        note = each.get("note", "as PostgreSQL writes it" if each["archive"] == "text" else "")
        rows.append(f"| `{each['type']}` | {each['archive']} | {note} | {_example(each)} |")
    return "\n".join(rows)


def refused() -> str:
    """Return a Markdown table of what the preview refuses."""
    rows = ["| type | why |", "|---|---|"]
    rows += [f"| {each['type']} | {each['reason']} |" for each in _data()["refused"]]
    return "\n".join(rows)


def counts() -> str:
    """Return how many types are archived in which way, and how many values prove it."""
    types = _data()["types"]
    kinds = Counter("as text" if each["archive"] == "text" else "typed" for each in types)
    values = sum(len(each["values"]) for each in types)
    return (
        f"{len(types)} types are archived exactly, {kinds['typed']} of them as numbers, booleans or"
        f" bytes and {kinds['as text']} as text; {len(_data()['refused'])} are refused. {values}"
        " values prove it, each as an existing row and as a change."
    )


def _data() -> Mapping[str, Any]:
    data: Mapping[str, Any] = json.loads(DATA.read_text())
    return data


def _example(each: Mapping[str, Any]) -> str:
    value = next((one for one in each["values"] if "archived" in one), each["values"][0])
    shown = [value["value"], value.get("archived", value["value"])]
    short = [text if len(text) <= 40 else f"{text[:37]}…" for text in shown]
    quoted = [text.replace("|", "\\|") or "(empty)" for text in short]
    return f"`{quoted[0]}`" if short[0] == short[1] else f"`{quoted[0]}` → `{quoted[1]}`"
