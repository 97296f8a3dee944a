"""The README's configuration table is made from the configuration's types."""

from pathlib import Path

from components.config.reference import table, with_table

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_has_the_table_of_this_configuration() -> None:
    text = README.read_text()
    assert text == with_table(text), "run: python -m components.config.reference README.md"


def test_the_table_names_every_section() -> None:
    text = table()
    for key in ("datapipe:tables", "datapipe:sizing.broker", "datapipe:archive.bucket"):
        assert f"| `{key}` |" in text
