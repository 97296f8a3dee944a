"""The SQL of make source-sql prepares servers of every version; no owner of tables is superuser."""

import pytest

from components.source.existing.doctor import problems
from components.source.existing.server_checks import VERSIONS
from sample_databases.programs import releases
from tests.postgres_versions.servers import UNLIMITED, existing_server

pytestmark = pytest.mark.postgres_versions

CAPTURED = [version for version in sorted(releases()) if version in VERSIONS]


@pytest.mark.parametrize("version", CAPTURED)
def test_after_the_sql_nothing_is_wrong(version: int) -> None:
    with existing_server(version) as server:
        assert problems("shop", server.source(), avro_names=True, entries={})
        server.prepare()
        server.prepare()
        found = problems("shop", server.source(), avro_names=True, entries={})
        expected = ["warning"] if version == UNLIMITED else []
        assert [problem.level for problem in found] == expected, found
