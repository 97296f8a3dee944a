"""moto's server: `python -m sandbox.aws_server --host ADDRESS --port PORT`."""

from moto.server import main

from sandbox.aws_server import glue

if __name__ == "__main__":
    glue.install()
    main()
