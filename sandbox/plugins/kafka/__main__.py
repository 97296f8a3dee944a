"""Run the plugin; the engine starts it and reads the port from its standard output."""

from sandbox.plugins.kafka.provider import Kafka
from sandbox.plugins.servicer import serve

serve(Kafka())
