"""The security layer: namespace, accounts, credentials and the network's flows."""
