"""moto's server as the sandbox runs it: its Glue refuses a stale commit, as AWS's does."""
