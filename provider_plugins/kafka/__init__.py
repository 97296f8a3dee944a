"""Stands in for pulumi-kafka in the sandbox: topics through librdkafka's admin client."""
