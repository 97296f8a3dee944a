"""A Progress that keeps its messages, for the tests."""


class Messages(list[str]):
    """Keeps every message."""

    def __call__(self, message: str) -> None:
        self.append(message)
