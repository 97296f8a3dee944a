"""What the JVMs of the streaming layer tell of themselves: the JMX exporter in each."""
