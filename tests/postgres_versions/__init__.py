"""PostgreSQL servers of several major versions, for the tests of existing databases."""
