"""The tests; CONTRIBUTING.md says which need what."""
