"""Run the plugin; the engine starts it and reads the port from its standard output."""

from sandbox.plugins.aws.provider import Aws
from sandbox.plugins.servicer import serve

serve(Aws())
