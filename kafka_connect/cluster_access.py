"""How a dynamic resource reaches the cluster: with the user's own kubeconfig, as kubectl does.

Dynamic resources run in a process of their own and can't be handed a provider object, so they load
the kubeconfig again. Client certificates, tokens and EKS's exec plugin all work.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kafka_connect.explained_error import ExplainedError

if TYPE_CHECKING:
    import requests
    from kubernetes import client


class ClusterAccessError(ExplainedError):
    """The kubeconfig can't be used; the message says what to do."""


@dataclass(frozen=True)
class ClusterAccess:
    """A cluster, named by its context in the kubeconfig; None is the current context."""

    context: str | None = None

    def configuration(self) -> client.Configuration:
        """Return the API server's address and our credentials for it.

        Raises ClusterAccessError where the kubeconfig is missing or has no such context.
        """
        if not any(file.exists() for file in _kubeconfig_files()):
            raise self._unusable("there is no such file")  # the import below is slow
        from kubernetes import client, config  # noqa: PLC0415  slow, and not needed to preview

        configuration = client.Configuration()
        try:
            config.load_kube_config(context=self.context, client_configuration=configuration)
        except config.ConfigException as error:
            raise self._unusable(str(error)) from None
        return configuration

    def _unusable(self, reason: str) -> ClusterAccessError:
        wanted = f"context {self.context!r}" if self.context else "a current context"
        return ClusterAccessError(
            f"no kubeconfig with {wanted}: {reason}. Point KUBECONFIG at the cluster's file"
            " (kubectl config get-contexts lists what is in it)."
        )

    def api_client(self) -> client.ApiClient:
        """Return a client for the API server."""
        from kubernetes import client  # noqa: PLC0415

        return client.ApiClient(self.configuration())

    def session(self) -> requests.Session:
        """Return an HTTP session for the API server, for paths under service_proxy_url()."""
        import requests  # noqa: PLC0415

        configuration = self.configuration()
        session = requests.Session()
        # REQUESTS_CA_BUNDLE would take the place of the cluster's own authority, and .netrc that
        # of its user; of the environment only the proxies are meant.
        session.trust_env = False
        session.proxies.update(requests.utils.get_environ_proxies(configuration.host))
        session.verify = configuration.ssl_ca_cert or configuration.verify_ssl
        if configuration.cert_file and configuration.key_file:
            session.cert = (configuration.cert_file, configuration.key_file)
        session.auth = _bearer_token_of(configuration)
        return session

    def service_proxy_url(self, namespace: str, service: str, port: int) -> str:
        """Return the URL by which the API server forwards requests to a service of the cluster."""
        host = self.configuration().host.rstrip("/")
        return f"{host}/api/v1/namespaces/{namespace}/services/{service}:{port}/proxy"


def _kubeconfig_files() -> list[Path]:
    """Return where kubectl and the client library look for a kubeconfig."""
    paths = os.environ.get("KUBECONFIG", "~/.kube/config").split(os.pathsep)
    return [Path(path).expanduser() for path in paths if path]


def _bearer_token_of(configuration: client.Configuration) -> requests.auth.AuthBase:
    """Add the token of the kubeconfig's user, if it has one, renewed when it has expired."""
    import requests  # noqa: PLC0415

    class BearerToken(requests.auth.AuthBase):
        def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
            token = configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
            if token:
                request.headers["Authorization"] = token
            return request

    return BearerToken()
