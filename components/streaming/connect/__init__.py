"""Kafka Connect in distributed mode."""
