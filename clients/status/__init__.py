"""The state of a deployed pipeline."""
