"""The streaming layer: Kafka, its topics, Kafka Connect with its connectors, Schema Registry.

Import Streaming from components.streaming.layer: this package stays light for the process of the
dynamic providers, which imports their modules through it.
"""
