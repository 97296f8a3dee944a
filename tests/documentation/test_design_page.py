"""docs/DESIGN.md has every name of the design that the code cites."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
CITATION = re.compile(r'\bdesign(?:\'s|:)? "([^"]+)"', re.IGNORECASE)
SOURCES = ("*.py", "*.sql", "*.sh", "*.yml", "*.yaml", "*.java", "*.properties")


def citations() -> dict[str, str]:
    """Return each quoted name of the design, up to a colon, and a file that cites it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *SOURCES, ":!tests"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = {}
    for name in filter(None, listed.stdout.split("\0")):
        for quoted in CITATION.findall((ROOT / name).read_text()):
            found[quoted.partition(":")[0]] = name
    return found


def test_every_cited_name_is_in_the_page() -> None:
    page = (ROOT / "docs/DESIGN.md").read_text()
    cited = citations()
    assert len(cited) >= 20
    missing = {name: file for name, file in cited.items() if name not in page}
    assert not missing
