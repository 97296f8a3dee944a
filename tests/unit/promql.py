"""Reading PromQL with a real parser: which metrics an expression is about."""

import promql_parser


class _Selectors:
    """Collects the metrics that an expression selects."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def pre_visit(self, node: promql_parser.Expr) -> bool:
        """Called for each part of the expression; True goes on."""
        if isinstance(node, promql_parser.VectorSelector) and node.name:
            self.names.add(node.name)
        return True

    def post_visit(self, _node: promql_parser.Expr) -> bool:
        """Called on the way back."""
        return True


def metrics_of(expression: str) -> set[str]:
    """The names in an expression. Raises ValueError where it is no PromQL."""
    found = _Selectors()
    promql_parser.walk(found, promql_parser.parse(expression))
    return found.names
