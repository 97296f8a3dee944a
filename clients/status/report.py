"""The command `datapipe status`."""

from clients.cluster import Cluster
from clients.console import console
from clients.stack import read_outputs
from clients.status.collect import collect
from clients.status.health import problems
from clients.status.render import print_status


def report(stack: str) -> bool:
    """Print the state of a stack; return whether it is healthy.

    Raises StackError if the stack or its cluster can't be used.
    """
    outputs = read_outputs(stack)
    status = collect(outputs, Cluster(outputs))
    print_status(console(), outputs.archive, status)
    return not problems(status)
