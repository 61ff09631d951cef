"""``rtbci streams``: what is on the network."""

from __future__ import annotations

from typing import Annotated

import typer


def streams(
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to listen.")] = 1.0,
) -> None:
    """List the LSL streams on the network with their channels, rates and units.

    Example: [bold]rtbci streams[/bold]
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Column, Table

    from rtbci.stream.discovery import list_streams

    with Console(stderr=True).status("listening"):
        found = list_streams(timeout)
    if not found:
        typer.echo(f"no LSL stream answered within {timeout:g} s", err=True)
        return
    table = Table(
        Column("stream", overflow="fold"),
        "type",
        Column("source id", overflow="fold"),  # in full: it is what --stream may need
        *("host", "channels", "rate", "unit"),
    )
    for stream in found:
        table.add_row(
            stream.name,
            stream.kind,
            stream.source_id,
            stream.hostname,
            str(stream.n_channels),
            f"{stream.sfreq:g} Hz" if stream.sfreq else "irregular",
            ", ".join(dict.fromkeys(unit for unit in stream.units if unit)) or "not declared",
        )
    console = Console()
    console.print(table)
    for stream in found:
        names = " ".join(stream.channels) or "(channels are not named)"
        console.print(f"[bold]{escape(stream.name)}[/bold]: {escape(names)}", highlight=False)
