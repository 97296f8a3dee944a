"""The controller, run by the supervisor: `python -m sandbox.node.network_policy KUBECONFIG`."""

import logging
import os
import sys
import threading

from kubernetes import config

from sandbox.node.network_policy.objects import Cluster
from sandbox.node.network_policy.ruleset import render
from sandbox.node.network_policy.watching import WatchedCluster
from sandbox.node.packet_filter import nft

# The table is written again after these seconds even without a change, in case it was removed.
_RENEWED_SECONDS = 15.0

_LOG = logging.getLogger("network-policy")


def main(kubeconfig: str) -> None:
    """Keep the packet filter in step with the cluster, until that fails."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    threading.excepthook = _end_with_the_thread
    watched = WatchedCluster(config.new_client_from_config(kubeconfig))
    watched.start()
    version, in_force = 0, ""
    while True:
        before = version
        version, cluster = watched.wait_for_change(since=before, seconds=_RENEWED_SECONDS)
        ruleset = render(cluster)
        if ruleset == in_force and version > before:
            continue  # a change that does not affect the packet filter
        nft("-f", "-", script=ruleset)
        if ruleset != in_force:
            _tell(cluster)
        in_force = ruleset


def _tell(cluster: Cluster) -> None:
    _LOG.info("%d policies in force for %d pods", len(cluster.policies), len(cluster.pods))


def _end_with_the_thread(args: threading.ExceptHookArgs) -> None:
    """End the process if a watch failed: the supervisor restarts it, and no old rule stays."""
    sys.excepthook(args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback)
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
