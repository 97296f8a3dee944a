"""`python -m sample_databases`, usually as `datapipe sample-databases`."""

from clients.ending import run_and_exit
from sample_databases.commands import main

if __name__ == "__main__":
    run_and_exit(main)
