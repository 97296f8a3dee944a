"""Changes rows in PostgreSQL and compares the archive with them: for demo, bench and chaos."""
