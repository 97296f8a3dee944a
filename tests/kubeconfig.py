"""The kubeconfig that the client library reads."""

import pytest


def use_kubeconfig(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """Let the client library read this file; one that does not exist is a machine without any."""
    monkeypatch.setenv("KUBECONFIG", path)
    # It reads the variable once, when it is imported.
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", path)
