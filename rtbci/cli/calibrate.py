"""``rtbci calibrate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rtbci.cli.stream_options import Bad, Channels, Unit, names_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager


def calibrate(
    output: Annotated[Path, typer.Argument(help="The wearer's file to write, as anna.json.")],
    model: Annotated[
        Path, typer.Option("--model", "-m", help="The model that the wearer will use.")
    ],
    stream: Annotated[
        str, typer.Option("--stream", "-s", help="Name, type or source id of the LSL stream.")
    ] = "type=EEG",
    markers: Annotated[
        str | None,
        typer.Option(
            help="LSL stream of markers that say what the wearer does (a class's name, or 'trial 1 "
            "NAME', then 'end'); without it, this program says what to do."
        ),
    ] = None,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait for the streams.")] = 30.0,
    unit: Unit = None,
    channels: Channels = None,
    bad: Bad = None,
) -> None:
    """Take a wearer's calibration block from a stream, and write what the model needs of it.

    Example: [bold]rtbci calibrate anna.json --model model.pt --stream "My amplifier"[/bold]
    """
    from rich.console import Console

    from rtbci.signals import stop_on_signals

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    with console.status("loading the model"):
        from rtbci.live.calibration import Asked, take_block
        from rtbci.model.file import load_model
        from rtbci.model.person import save_person

        loaded = load_model(model)
        asked = Asked(
            stream=stream,
            markers=markers,
            timeout=timeout,
            unit=unit,
            channels=names_in(channels) or (),
            bad_channels=names_in(bad) or (),
        )
    with stop_on_signals() as stop, _progress(loaded.recipe.classes) as show:
        person = take_block(loaded, asked, stop, console.print, show)
    if person is None:
        console.print("rtbci: stopped before the calibration was complete; nothing was written")
        raise typer.Exit(1)
    save_person(output, person, loaded.recipe, loaded.name)
    console.print(f"{person.seconds:.0f} s taken; use it with: rtbci live --person {output}")


def _progress(
    classes: tuple[str, ...],
) -> AbstractContextManager[Callable[[Mapping[str, float], float], None]]:
    """Return a bar for each class, and what sets them to the seconds that there are."""
    from collections.abc import Iterator
    from contextlib import contextmanager

    from rich.progress import BarColumn, TextColumn

    from rtbci.progress import progress_bar

    @contextmanager
    def bars() -> Iterator[Callable[[Mapping[str, float], float], None]]:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f} of {task.total:.0f} s"),
        )
        with progress_bar(*columns) as bar:
            tasks = {name: bar.add_task(name, total=1.0, visible=False) for name in classes}

            def show(taken: Mapping[str, float], wanted: float) -> None:
                for name, seconds in taken.items():
                    bar.update(tasks[name], completed=seconds, total=wanted, visible=True)

            yield show

    return bars()
