"""The errors that a user can act on; the command line prints them without a traceback."""

from clients.dlq.replay import ReplayError
from clients.dlq.skip import SkipError
from clients.stack import StackError
from clients.status.unknown import UNREACHABLE
from components.config import ConfigError
from kafka_connect.cluster_access import ClusterAccessError
from kafka_connect.failures import ConnectError

REPORTED = (
    StackError,
    ConfigError,
    ReplayError,
    SkipError,
    ConnectError,
    ClusterAccessError,
    *UNREACHABLE,
)
