"""`python -m components.streaming.connectors offsets NAME`: how far a connector is."""

import argparse
import sys

from components.streaming.connectors.lifecycle import describe_offsets
from components.workloads import Workload
from kafka_connect.access import (
    DirectUrl,
    ServiceProxy,
    WorkerAccess,
    open_client,
)
from kafka_connect.cluster_access import ClusterAccessError
from kafka_connect.failures import ConnectError


def main(arguments: list[str] | None = None) -> int:
    """Print a connector's offsets, a line per partition; 1 where they can't be read."""
    options = _parser().parse_args(arguments)
    try:
        client = open_client(_access(options).inputs())
        lines = list(describe_offsets(client.offsets(options.name)))
    except (ClusterAccessError, ConnectError) as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(lines) or "no offsets")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m components.streaming.connectors", description="look at a connector"
    )
    offsets = parser.add_subparsers(required=True).add_parser("offsets", help="how far it is")
    offsets.add_argument("name", help="of the connector")
    offsets.add_argument("--url", help="of the worker; default: through the Kubernetes API server")
    offsets.add_argument("--context", help="of the kubeconfig")
    offsets.add_argument("--namespace", default="data-ingestion")
    offsets.add_argument("--port", type=int, default=8083)
    return parser


def _access(options: argparse.Namespace) -> WorkerAccess:
    if options.url:
        return DirectUrl(options.url)
    service = Workload.CONNECT.value
    return ServiceProxy(options.namespace, service, options.port, options.context)


if __name__ == "__main__":
    sys.exit(main())
