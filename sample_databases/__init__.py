"""PostgreSQL servers outside the pipeline, which stand in for databases that you already have."""
