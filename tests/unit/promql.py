"""Reading PromQL with a real parser: which metrics an expression is about."""

import promql_parser


def metrics_of(expression: str) -> set[str]:
    """The names in an expression. Raises ValueError where it is no PromQL."""
    names: set[str] = set()

    def collect(part: promql_parser.Expr) -> None:
        if isinstance(part, promql_parser.VectorSelector) and part.name:
            names.add(part.name)

    promql_parser.walk(promql_parser.parse(expression), collect)
    return names
