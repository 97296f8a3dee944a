"""Programs that the project builds or unpacks for itself: Pulumi's engine and the linters.

`python -m tools --help` lists the commands; `bash tools/bootstrap.sh MODULE …` makes the virtual
environment first. Everything is kept in one cache (`tools.paths`), keyed by what it was made from.
"""
