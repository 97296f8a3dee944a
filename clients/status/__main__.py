"""`python -m clients.status --stack sandbox`: the pipeline at a glance."""

import argparse
import sys

from clients.cluster import Cluster
from clients.console import console
from clients.stack import StackError, read_outputs
from clients.status.collect import collect
from clients.status.health import problems
from clients.status.render import print_status


def main() -> int:
    """0 where the pipeline is healthy, 1 where it is not or can't be asked."""
    parser = argparse.ArgumentParser(prog="python -m clients.status", description=__doc__)
    parser.add_argument("--stack", required=True)
    try:
        outputs = read_outputs(parser.parse_args().stack)
        status = collect(outputs, Cluster(outputs))
    except StackError as error:
        print(f"status: {error}", file=sys.stderr)
        return 1
    print_status(console(), outputs.archive, status)
    return 1 if problems(status) else 0


if __name__ == "__main__":
    sys.exit(main())
