"""The option by which a command chooses one of the captured databases."""

from typing import Annotated

import typer

TABLE = "[SOURCE.]SCHEMA.TABLE"
Source = Annotated[
    str | None,
    typer.Option(
        help="The captured database, as in datapipe:sources; the managed one is postgres.",
        metavar="SOURCE",
    ),
]
