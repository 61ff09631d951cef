"""What a person says of a stream that does not say it itself: options of several commands."""

from __future__ import annotations

from typing import Annotated

import typer

Unit = Annotated[
    str | None,
    typer.Option(help="The stream's unit (V, mV, uV, nV), where it declares none."),
]
Channels = Annotated[
    str | None,
    typer.Option(help="Channel names in the stream's order, where it names none: Fp1,Fp2,..."),
]
Bad = Annotated[str | None, typer.Option(help="Channels not to use; they are interpolated: T7,Oz")]


def names_in(listed: str | None) -> tuple[str, ...] | None:
    """Return the names in a list with commas; None where none was given."""
    return None if listed is None else tuple(name.strip() for name in listed.split(","))
