"""The tests that documents name as proof exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`(test_\w+)`")
DEFINED = re.compile(r"^ *(?:async )?def (test_\w+)", re.MULTILINE)


def test_every_test_that_a_document_names_exists() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    named = {name for page in pages for name in NAMED.findall(page.read_text())}
    files = list((ROOT / "tests").rglob("test_*.py"))
    defined = {name for file in files for name in DEFINED.findall(file.read_text())}

    assert len(named) >= 20
    # "tests of this module" are named by the file
    assert not named - defined - {file.stem for file in files}
