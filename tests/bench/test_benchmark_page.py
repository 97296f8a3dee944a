"""The tables of docs/BENCHMARK.md are those of the committed measurements."""

import pytest

from bench.benchmark_page import PAGE, RESULT, bench_table, with_section, with_sections
from bench.report import html
from bench.result import read

committed = pytest.mark.skipif(not RESULT.exists(), reason="no result of a bench is committed yet")


@committed
def test_the_page_has_the_tables_of_the_committed_results() -> None:
    text = PAGE.read_text()
    assert text == with_sections(text), "run: python -m bench.benchmark_page"


@committed
def test_the_committed_report_is_that_of_the_committed_result() -> None:
    assert RESULT.with_suffix(".html").read_text() == html(read(RESULT))


@committed
def test_a_document_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="bench: begin"):
        with_section("# datapipe", "bench", bench_table(read(RESULT)))
