"""Stands in for pulumi-kubernetes in the sandbox: server-side apply to a real API server."""
