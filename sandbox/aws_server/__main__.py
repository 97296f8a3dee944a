"""moto's server: `python -m sandbox.aws_server --host ADDRESS --port PORT`."""

from moto.server import main

from sandbox.aws_server import glue, services

if __name__ == "__main__":
    glue.install()
    services.remember()
    main()
