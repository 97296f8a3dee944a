"""The Kubernetes node: its programs, network, certificates and control groups."""
