"""Dead letters, the records that a sink refused: `python -m clients.dlq list|show|replay|dismiss`."""
