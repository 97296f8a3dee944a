"""Run the plugin; the engine starts it and reads the port from its standard output."""

from provider_plugins.aws.provider import Aws
from provider_plugins.servicer import serve

serve(Aws())
