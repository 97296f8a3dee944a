"""docs/SECURITY.md has the table of allowed connections, computed from the program's policies."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from policies.network_table import read_resources, table
from policies.resource import Resource
from tests.policies.engine import ROOT, engine_for_samples
from tests.policies.samples import compliant_stack
from tests.previews import Previews

pytestmark = pytest.mark.engine

PAGE = ROOT / "docs/SECURITY.md"


@pytest.fixture
def design(previews: Previews) -> Sequence[Resource]:
    """The resources of the dev stack."""
    return previews("dev").resources


def test_the_page_has_the_table_of_the_programs_policies(design: Sequence[Resource]) -> None:
    assert f"\n\n{table(design)}\n\n" in PAGE.read_text(), "run: make docs"


def test_the_table_shows_the_ports_of_each_flow(design: Sequence[Resource]) -> None:
    header, _, *lines = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table(design).splitlines()
    ]
    cells = {line[0]: dict(zip(header[1:], line[1:], strict=True)) for line in lines}
    assert cells["kafka-connect"]["postgresql"] == "5432"
    assert cells["kafka-connect"]["internet"] == "443"
    assert cells["kafka"]["kafka"] == "9092, 9093"
    assert cells["kafka"]["postgresql"] == ""
    assert cells["nodes"]["kafka"] == "9094, 9404"
    assert {name for name, row in cells.items() if row["dns"] == "53, 53/UDP"} == {
        *("postgresql", "kafka", "kafka-connect", "schema-registry"),
        "any other pod of data-ingestion",
    }


def test_the_table_is_read_from_a_previews_json(tmp_path: Path) -> None:
    engine = engine_for_samples(tmp_path)
    engine.register(compliant_stack())
    preview = engine.pulumi("preview", "--json", with_pack=False)
    assert preview.code == 0, preview.output

    document, _ = json.JSONDecoder().raw_decode(preview.output[preview.output.index("{") :])
    resources = read_resources(document)

    assert "5432" in table(resources)
    assert table(resources) == table(compliant_stack())


def test_a_deployed_stack_gives_the_same_table(design: Sequence[Resource]) -> None:
    states = [{"type": r.type, "urn": r.urn, "inputs": dict(r.properties)} for r in design]
    assert table(read_resources({"deployment": {"resources": states}})) == table(design)
