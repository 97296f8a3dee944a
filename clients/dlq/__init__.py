"""Dead letters, the records that a sink refused: `python -m clients.dlq --stack sandbox list`."""
