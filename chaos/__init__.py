"""Injects faults into a running pipeline under load, and counts what was lost or duplicated."""
