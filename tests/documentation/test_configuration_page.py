"""docs/CONFIGURATION.md has every key; `make lint` checks that it is up to date."""

from documentation.configuration import keys, sizes


def test_the_table_names_every_section() -> None:
    text = keys()
    for key in ("datapipe:tables", "datapipe:sizing.broker", "datapipe:archive.bucket"):
        assert f"| `{key}` |" in text


def test_the_sizes_add_up_to_the_designs_budget() -> None:
    assert "| **sum** | **4094Mi** (sandbox: 3582Mi) | **4** (sandbox: 3.5) | |" in sizes()
