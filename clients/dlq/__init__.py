"""Dead letters: records that a sink refused."""
