"""docs/bench is of one result; `make lint` checks that docs/BENCHMARK.md has its tables."""

import pytest

from bench.benchmark_page import RESULT
from bench.report import html
from bench.result import read


@pytest.mark.skipif(not RESULT.exists(), reason="no result of a bench is committed yet")
def test_the_committed_report_is_that_of_the_committed_result() -> None:
    assert RESULT.with_suffix(".html").read_text() == html(read(RESULT))
