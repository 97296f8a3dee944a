"""The table of what tests need in CONTRIBUTING.md, made from their requirements."""

from tests.requirements import REQUIREMENTS


def table() -> str:
    """Return a Markdown table of the markers, what they mean and how to get what is missing."""
    rows = ["| marker | needs | how to get it |", "|---|---|---|"]
    for name, requirement in REQUIREMENTS.items():
        rows.append(f"| `{name}` | {requirement.description} | {requirement.remedy} |")
    return "\n".join(rows)
