"""Run the plugin; the engine starts it and reads the port from its standard output."""

from sandbox.plugins.kubernetes.provider import Kubernetes
from sandbox.plugins.servicer import serve

serve(Kubernetes())
