"""docs/CONFIGURATION.md has every key; `make lint` checks that it is up to date."""

from documentation.configuration import keys, sizes


def test_the_table_names_every_section() -> None:
    text = keys()
    for key in ("datapipe:tables", "datapipe:sizing.broker", "datapipe:archive.bucket"):
        assert f"| `{key}` |" in text


def test_the_sizes_add_up_to_the_designs_budget() -> None:
    for stack in ("dev", "sandbox"):
        assert f"| **sum** in {stack} | **4094Mi** | **4** | |" in sizes()


def test_no_placeholder_is_lost_as_an_element_of_html() -> None:
    outside_code = "".join(keys().split("`")[::2])
    assert "&lt;source>.schema.table" in outside_code
    assert "<" not in outside_code
