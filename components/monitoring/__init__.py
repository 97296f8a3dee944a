"""What a cluster with the Prometheus operator is given: targets, rules, a dashboard."""
