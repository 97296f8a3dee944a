"""Enforces the cluster's NetworkPolicies with the packet filter, as a network plugin would.

The API server's objects (`objects`, kept up to date by `watching`) become one nftables table
(`ruleset`), which replaces the one before as a whole (`table`).
"""
