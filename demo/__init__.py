"""Changes rows in PostgreSQL and proves that the archive holds each change, exactly once."""
