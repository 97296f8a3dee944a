"""Kafka Connect connectors: typed, validated, and declared as Pulumi resources."""
