"""The security layer: namespace, accounts, credentials and the network's flows."""

from components.security.arguments import SecurityArgs
from components.security.credentials import Credentials
from components.security.layer import Security

__all__ = ["Credentials", "Security", "SecurityArgs"]
