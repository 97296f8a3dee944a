"""Schema Registry with BASIC authentication."""
