"""The Kafka cluster: brokers in KRaft combined mode."""
