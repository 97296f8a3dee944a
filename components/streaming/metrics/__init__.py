"""Metrics of the streaming layer's JVMs: the JMX exporter in each."""
