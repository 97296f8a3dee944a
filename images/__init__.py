"""Container images built from Debian packages and Maven Central without Docker.

`build` makes the images of a catalog that the cache lacks; `ensure` also imports what containerd
lacks. `catalog` lists the pipeline's. `python -m images --help` lists the commands.
"""
