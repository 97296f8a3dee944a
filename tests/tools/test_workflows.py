"""The workflows' cache is keyed by what it is made from."""

import re

import pytest

from tools.paths import PROJECT

ACTION = PROJECT / ".github/actions/tools/action.yml"
HASHED = re.findall(r"'([^']+)'", "".join(re.findall(r"hashFiles\((.*?)\)", ACTION.read_text())))


def test_the_key_hashes_something() -> None:
    assert len(HASHED) >= 3


@pytest.mark.parametrize("pattern", HASHED)
def test_every_pattern_of_the_key_matches_files(pattern: str) -> None:
    assert any(path.is_file() for path in PROJECT.glob(pattern.replace("/**", "/**/*")))
