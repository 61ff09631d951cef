"""``rtbci replay``: a recording, a generator or the simulator as a virtual headset."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rtbci.errors import ReplayError
from rtbci.signals import stop_on_signals

if TYPE_CHECKING:
    from offline.generators import Generator
    from replay.player import PlaySettings
    from replay.script import Step
    from replay.sources import Source

_SIMULATOR = "simulator"
_SIMULATOR_SFREQ = 200.0
_GENERATOR = ".pt"

_WHOSE = {
    "start": "recordings",
    "unit": "recordings",
    "loop": "recordings and scripts",
    "seed": "the simulator and generators",
    "sfreq": "the simulator",
    "channels": "the simulator",
    "script": "the simulator and generators",
    "reference": "generators",
}


def replay(
    source: Annotated[
        str,
        typer.Argument(
            help="A recording (EDF, BDF, VHDR, FIF, SET, CNT, XDF, MAT), a generator (PT) or "
            "'simulator'."
        ),
    ],
    speed: Annotated[float, typer.Option(help="1 is real time, 20 is twenty times as fast.")] = 1.0,
    loop: Annotated[
        bool, typer.Option("--loop", help="Begin again after the end, or the script's.")
    ] = False,
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
        int | None,
        typer.Option(min=0, help="Simulator and generators: their random seed (default: 0)."),
    ] = None,
    sfreq: Annotated[
        float | None, typer.Option(help="Simulator: sampling rate, hertz (default: 200).")
    ] = None,
    channels: Annotated[
        str | None,
        typer.Option(help="Simulator: electrodes, as in FP1,FP2 (default: the 62 of SEED)."),
    ] = None,
    script: Annotated[
        str | None,
        typer.Option(
            help="Simulator and generators: which emotion for how many seconds, as in "
            "'neutral 60, positive 60' (default: each in turn, for ever)."
        ),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            help="Generators that edit: the recording that is edited, over and over, or "
            "'simulator' (default). Its beginning is the wearer's calibration, if the generator "
            "has one."
        ),
    ] = None,
) -> None:
    """Play a recording, or generated EEG, as an LSL stream: a virtual headset.

    Beside the EEG stream NAME there is a marker stream NAME-markers with the trials: the
    recording's, with its annotations, or the script's. Ctrl-C ends the replay.

    Example: rtbci replay S001R04.edf --speed 2 --name headset

    Example: rtbci replay generator.pt --script "neutral 60, positive 60, negative 60"
    """
    from replay.player import PlaySettings, play

    settings = PlaySettings(_stream_name(source, name), speed, chunk, wait)
    with stop_on_signals() as stopped:
        played = open_source(
            source,
            start=start,
            stop=stop,
            loop=loop,
            unit=unit,
            seed=seed,
            sfreq=sfreq,
            channels=channels,
            script=script,
            reference=reference,
        )
        typer.echo(_announcement(played, settings), err=True)
        with _progress(played, settings) as advance:
            play(played, settings, stopped, advance)


def open_source(
    source: str,
    *,
    start: float = 0.0,
    stop: float | None = None,
    loop: bool = False,
    unit: str | None = None,
    seed: int | None = None,
    sfreq: float | None = None,
    channels: str | None = None,
    script: str | None = None,
    reference: str | None = None,
) -> Source:
    """Open what is to be played, by the command's arguments.

    Raises
    ------
    RtbciError
        If it cannot be read, an argument is wrong, or is for another sort of source; one line.
    """
    given = {
        "start": start or None,
        "unit": unit,
        "loop": loop or None,
        "seed": seed,
        "sfreq": sfreq,
        "channels": channels,
        "script": script,
        "reference": reference,
    }
    if source == _SIMULATOR:
        scripted = () if script is None else ("loop",)
        _refuse_others(given, "seed", "sfreq", "channels", "script", *scripted)
        return _simulator(seed, sfreq, channels, script, stop, loop)
    if Path(source).suffix.lower() == _GENERATOR:
        _refuse_others(given, "seed", "script", "loop", "reference", "unit")
        return _generator(Path(source), script, seed or 0, reference, stop, loop, unit)
    _refuse_others(given, "start", "unit", "loop")
    return _recording(Path(source), start, stop, loop, unit)


def _refuse_others(given: Mapping[str, object], *allowed: str) -> None:
    for option, value in given.items():
        if value is not None and option not in allowed:
            raise ReplayError(f"--{option} is for {_WHOSE[option]} only")


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
    script: str | None,
    stop: float | None,
    loop: bool,
) -> Source:
    from replay.generated import SimulatorSource
    from replay.simulator.simulator import Simulator
    from rtbci.montage.names import SEED_CHANNELS

    rate = _SIMULATOR_SFREQ if sfreq is None else sfreq
    names = SEED_CHANNELS if channels is None else tuple(n.strip() for n in channels.split(","))
    simulator = Simulator(rate, names, seed or 0)
    identity = f"simulator {seed or 0} {rate} {','.join(names)}"
    return SimulatorSource(simulator, identity, _steps(script, simulator.emotions), loop, stop)


def _generator(
    path: Path,
    script: str | None,
    seed: int,
    reference: str | None,
    stop: float | None,
    loop: bool,
    unit: str | None,
) -> Source:
    from offline.generators import load_generator
    from replay.edited import EditedSource
    from replay.generated import GeneratedSource

    generator, _ = load_generator(path)
    identity = hashlib.sha256(path.read_bytes()).hexdigest()[:32]
    steps = _steps(script, generator.classes)
    if generator.makes == "maps" and generator.edits:
        edited = _reference(_SIMULATOR if reference is None else reference, generator, seed, unit)
        return EditedSource(edited, generator, identity, steps, seed, loop, stop)
    if reference is not None or unit is not None:
        raise ReplayError(
            f"--reference and --unit are for generators that edit maps; {path.name} does not"
        )
    return GeneratedSource(generator, identity, steps, seed, loop, stop)


def _reference(reference: str, generator: Generator[Any], seed: int, unit: str | None) -> Source:
    from offline.datasets.readers import open_recording
    from replay.reference import NEUTRAL, recorded_reference, simulated_reference

    if reference == _SIMULATOR:
        if unit is not None:
            raise ReplayError("--unit is for recordings: the simulator's is microvolts")
        recipe = generator.recipe
        # Several are refused where the reference's beginning is looked at.
        (first, *_) = recipe.calibration.classes if recipe.calibration is not None else (NEUTRAL,)
        return simulated_reference(_SIMULATOR_SFREQ, recipe.channels, seed, first)
    return recorded_reference(open_recording(Path(reference), unit))


def _steps(script: str | None, classes: tuple[str, ...]) -> tuple[Step, ...] | None:
    from replay.script import parse_script

    return None if script is None else parse_script(script, classes)


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
