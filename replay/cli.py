"""``rtbci replay``: a recording or the simulator as a virtual headset."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rtbci.errors import ReplayError
from rtbci.signals import stop_on_signals

if TYPE_CHECKING:
    from replay.player import PlaySettings
    from replay.sources import Source

_SIMULATOR = "simulator"
_SIMULATOR_SFREQ = 200.0


def replay(
    source: Annotated[
        str,
        typer.Argument(
            help="A recording (EDF, BDF, VHDR, FIF, SET, CNT, XDF, MAT) or 'simulator'."
        ),
    ],
    speed: Annotated[float, typer.Option(help="1 is real time, 20 is twenty times as fast.")] = 1.0,
    loop: Annotated[bool, typer.Option("--loop", help="Begin again after the end.")] = False,
    chunk: Annotated[
        int | None, typer.Option(help="Samples in a chunk (default: 20 ms of them).")
    ] = None,
    start: Annotated[float, typer.Option(help="Begin at this second of the recording.")] = 0.0,
    stop: Annotated[
        float | None, typer.Option(help="End at this second (default: at the end).")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the stream (default: that of the recording).")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Begin when something reads the stream.")
    ] = True,
    unit: Annotated[
        str | None, typer.Option(help="Unit of channels for which the file declares none.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Simulator: its random seed (default: 0).")
    ] = None,
    sfreq: Annotated[
        float | None, typer.Option(help="Simulator: sampling rate, hertz (default: 200).")
    ] = None,
    channels: Annotated[
        str | None,
        typer.Option(help="Simulator: electrodes, as in FP1,FP2 (default: the 62 of SEED)."),
    ] = None,
) -> None:
    """Play a recording, or simulated EEG, as an LSL stream: a virtual headset.

    Beside the EEG stream NAME there is a marker stream NAME-markers with the recording's trials and
    annotations. Ctrl-C ends the replay.

    Example: rtbci replay S001R04.edf --speed 2 --name headset
    """
    from replay.player import PlaySettings, play

    settings = PlaySettings(_stream_name(source, name), speed, chunk, wait)
    with stop_on_signals() as stopped:
        if source == _SIMULATOR:
            played = _simulator(seed, sfreq, channels, start, stop, loop, unit)
        elif (seed, sfreq, channels) != (None, None, None):
            raise ReplayError("--seed, --sfreq and --channels are for the simulator only")
        else:
            played = _recording(Path(source), start, stop, loop, unit)
        typer.echo(_announcement(played, settings), err=True)
        with _progress(played, settings) as advance:
            play(played, settings, stopped, advance)


def _stream_name(source: str, name: str | None) -> str:
    if name is not None:
        return name
    return source if source == _SIMULATOR else Path(source).stem


def _recording(
    path: Path, start: float, stop: float | None, loop: bool, unit: str | None
) -> Source:
    from offline.datasets.readers import open_recording
    from replay.sources import RecordingSource

    return RecordingSource(open_recording(path, unit), start, stop, loop)


def _simulator(
    seed: int | None,
    sfreq: float | None,
    channels: str | None,
    start: float,
    stop: float | None,
    loop: bool,
    unit: str | None,
) -> Source:
    from replay.simulator.simulator import Simulator
    from replay.sources import SimulatorSource
    from rtbci.montage.names import SEED_CHANNELS

    if start or loop or unit is not None:
        raise ReplayError("--start, --loop and --unit are for recordings only")
    rate = _SIMULATOR_SFREQ if sfreq is None else sfreq
    names = SEED_CHANNELS if channels is None else tuple(n.strip() for n in channels.split(","))
    simulator = Simulator(rate, names, seed or 0)
    return SimulatorSource(
        simulator, f"simulator {seed or 0} {rate} {','.join(names)}", stop_s=stop
    )


def _announcement(source: Source, settings: PlaySettings) -> str:
    length = "endless" if source.n_samples is None else f"{source.n_samples / source.sfreq:g} s"
    speed = "" if settings.speed == 1 else f", {settings.speed:g} times as fast"
    waits = "; waiting for something to read it" if settings.wait else ""
    simulated = " (simulated)" if source.simulated else ""
    return (
        f"stream {settings.name!r}: {source.name}{simulated}, {len(source.channels)} channels at "
        f"{source.sfreq:g} Hz, {length}{speed}{waits}"
    )


@contextmanager
def _progress(source: Source, settings: PlaySettings) -> Iterator[Callable[[int], None]]:
    """Show how far the replay is, if a person is watching; yield what is to be told of it."""
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn

    from rtbci.progress import progress_bar

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with progress_bar(*columns) as bar:
        task = bar.add_task(settings.name, total=source.n_samples)
        yield lambda sent: bar.update(task, completed=sent)
