"""What a cluster with the Prometheus operator is given: targets, rules, a dashboard."""

from components.monitoring.layer import Monitoring

__all__ = ["Monitoring"]
