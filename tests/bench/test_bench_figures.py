"""The figures in docs/BENCHMARK.md are those of the committed result."""

import pytest

from bench.figures import RESULT, section, with_figures, with_section
from bench.report import html
from bench.result import read
from clients.stack import PROJECT

PAGE = PROJECT / "docs/BENCHMARK.md"

committed = pytest.mark.skipif(not RESULT.exists(), reason="no result of a bench is committed yet")


@committed
def test_the_page_has_the_figures_of_the_committed_results() -> None:
    text = PAGE.read_text()
    assert text == with_figures(text), "run: python -m bench.figures docs/BENCHMARK.md"


@committed
def test_the_committed_report_is_of_the_committed_result() -> None:
    assert RESULT.with_suffix(".html").read_text() == html(read(RESULT))


@committed
def test_a_document_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="bench: begin"):
        with_section("# datapipe", "bench", section(read(RESULT)))
