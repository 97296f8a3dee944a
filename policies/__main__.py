"""Starts the pack for the Pulumi engine: `pulumi preview --policy-pack policies`."""

import sys
from pathlib import Path

# Pulumi runs this folder as a program; its modules are imported as the package `policies`.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from pulumi_policy import PolicyPack  # noqa: E402  after the path is set

from policies.pack import NAME, POLICIES  # noqa: E402

PolicyPack(NAME, [policy.for_pulumi() for policy in POLICIES])
