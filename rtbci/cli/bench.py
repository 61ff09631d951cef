"""``rtbci bench``: how fast the system is on this machine."""

from __future__ import annotations

import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rtbci.cli.by_name import command_at
from rtbci.cli.machine import processor

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rtbci.publish.wire import Prediction
    from rtbci.recipe import Recipe
    from rtbci.signal.path import SignalPath

app = typer.Typer(help="Measure the system's speed on this machine.", no_args_is_help=True)

_HEADSET = "rtbci-bench"
_CHUNKS_PER_HOP = 10
_NOISE_S = 20.0


@app.command()
def latency(
    model: Annotated[
        Path | None, typer.Option("--model", "-m", help="Model file; without it, the demo's.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, help="How long to measure.")] = 300.0,
    sfreq: Annotated[float, typer.Option(min=125, help="Sampling rate, hertz.")] = 1000.0,
) -> None:
    """Measure from a hop's last sample leaving the headset to its prediction being received.

    A virtual headset that plays noise, the live system and the subscriber are processes of their
    own, talking LSL and ZeroMQ. The clock starts when the sample is due, so the headset's own
    lateness is included.

    Example: rtbci bench latency --seconds 60
    """
    from rtbci.cache import cache_folder
    from rtbci.cli.scoring import percentiles
    from rtbci.errors import ModelFileError
    from rtbci.model.file import load_model
    from rtbci.stream.network import isolated_lsl

    path = model or cache_folder() / "demo" / "model.pt"
    if model is None and not path.exists():
        raise ModelFileError("there is no demo model yet: run 'rtbci demo', or name one (--model)")
    try:
        recipe = load_model(path).recipe
    except ModelFileError as error:
        if model is not None:
            raise
        raise ModelFileError(f"{error}: run 'rtbci demo' again, or name one (--model)") from None
    with isolated_lsl(), tempfile.TemporaryDirectory() as folder:
        recording = _write_noise(Path(folder, "noise_raw.fif"), recipe, sfreq)
        measured, received, lost = _measure(path, recipe, recording, sfreq, seconds)
    p50, p99, top = percentiles(measured)
    heading()
    typer.echo(
        f"{len(recipe.channels)} channels at {sfreq:g} Hz, a prediction each "
        f"{1e3 * recipe.hop_s:g} ms, {seconds:g} s, a headset that plays noise"
    )
    typer.echo(f"predictions: {received} received, {lost} lost, {len(measured)} after warming up")
    typer.echo(f"latency: {p50:.2f} ms median, {p99:.2f} ms p99, {top:.2f} ms max")


def _write_noise(path: Path, recipe: Recipe, sfreq: float) -> Path:
    """Write a recording to be played: making samples while measuring would take the processor."""
    import mne
    import numpy as np

    shape = (len(recipe.channels), round(_NOISE_S * sfreq))
    volts = 1e-5 * np.random.default_rng(0).standard_normal(shape)
    info = mne.create_info(list(recipe.channels), sfreq, "eeg", verbose="error")
    mne.io.RawArray(volts, info, verbose="error").save(path, verbose="error")
    return path


def _measure(
    path: Path, recipe: Recipe, recording: Path, sfreq: float, seconds: float
) -> tuple[list[float], int, int]:
    from rtbci.cli.processes import background, check_alive, free_address
    from rtbci.errors import ReceiveTimeoutError
    from rtbci.publish.client import Subscription

    chunk = max(round(recipe.hop_s * sfreq) // _CHUNKS_PER_HOP, 1)
    address, log = free_address(), recording.with_name("log")
    headset = ("replay", recording, "--loop", "--name", _HEADSET, "--chunk", chunk)
    live = ("live", "--model", path, "--stream", _HEADSET, "--address", address)
    measured: list[float] = []
    received = 0
    with (
        Subscription(address, _HEADSET, None) as subscription,
        background(log, *headset) as replaying,
        background(log, *live) as predicting,
    ):
        wanted = round(seconds / recipe.hop_s)
        while received < wanted:
            try:
                prediction = subscription.receive(2.0)
            except ReceiveTimeoutError:
                for process in (replaying, predicting):
                    check_alive(process, log)
                continue
            received += 1
            _note(prediction, measured)
        return measured, received, subscription.lost


def _note(prediction: Prediction, measured: list[float]) -> None:
    import pylsl

    if prediction.state != "warming-up":
        measured.append(1e3 * (pylsl.local_clock() - prediction.lsl_time))


@app.command()
def signal(
    seconds: Annotated[float, typer.Option(min=2, help="Length of the recording.")] = 60.0,
    channels: Annotated[int, typer.Option(min=1, max=62, help="Number of channels.")] = 62,
    sfreq: Annotated[float, typer.Option(min=125, help="Sampling rate, hertz.")] = 1000.0,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each; the median counts.")] = 7,
) -> None:
    """Compare the signal path with SciPy's sosfilt on the same work, in turn, on one core.

    Example: rtbci bench signal --sfreq 200
    """
    import numpy as np

    from rtbci.montage.names import SEED_CHANNELS
    from rtbci.recipe import Recipe
    from rtbci.signal.path import SignalPath

    recipe = Recipe(channels=SEED_CHANNELS[:channels])
    path = SignalPath(recipe, sfreq, recipe.channels)
    path.warm_up()
    shape = (round(seconds * sfreq), channels)
    samples = 10 * np.random.default_rng(0).standard_normal(shape)
    by_channel = np.ascontiguousarray(samples.T)  # the layout that suits SciPy best

    def ours() -> None:
        path.reset()
        path.push(samples)

    rivals: dict[str, Callable[[], object]] = {
        "rtbci: filters, variance, DE": ours,
        "SciPy: sosfilt alone": lambda: _sosfilt(recipe, sfreq, by_channel),
        "SciPy: sosfilt, NumPy variance, DE": lambda: by_scipy(recipe, path, by_channel),
    }
    times: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(repeats):
        for name, work in rivals.items():
            start = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - start)
    heading()
    typer.echo(
        f"{seconds:g} s of {channels} channels at {sfreq:g} Hz, {len(recipe.bands)} bands of order "
        f"{recipe.filter_order}, a map each {1e3 * recipe.hop_s:g} ms; medians of {repeats} runs"
    )
    _compare(times, seconds)


def _compare(times: dict[str, list[float]], seconds: float) -> None:
    ours = next(iter(times.values()))
    for name, taken in times.items():
        ratio = statistics.median(b / a for a, b in zip(ours, taken, strict=True))
        middle = statistics.median(taken)
        typer.echo(
            f"{name:<36} {middle:8.3f} s  {seconds / middle:7.0f} x real time  ratio {ratio:5.1f}"
        )


def _sosfilt(recipe: Recipe, sfreq: float, x: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    from scipy import signal as scipy_signal

    filtered = []
    for band in recipe.bands:
        sos = scipy_signal.butter(
            recipe.filter_order, (band.low, band.high), "bandpass", fs=sfreq, output="sos"
        )
        start = scipy_signal.sosfilt_zi(sos)[:, None] * x[:, :1]
        filtered.append(scipy_signal.sosfilt(sos, x, zi=start)[0])
    return filtered


def by_scipy(recipe: Recipe, path: SignalPath, x: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Compute DE maps with SciPy and NumPy, the plain way.

    Parameters
    ----------
    recipe : Recipe
        Bands and filter order.
    path : SignalPath
        Sampling rate, window and hop.
    x : array, shape (channels, samples)
        Microvolts.

    Returns
    -------
    list of array, shape (channels,)
        DE of each band and, within it, each window, nats.
    """
    import numpy as np

    ends = range(path.window, x.shape[1] + 1, path.hop)
    return [
        0.5 * np.log(2 * np.pi * np.e * y[:, end - path.window : end].var(axis=1))
        for y in _sosfilt(recipe, path.sfreq, x)
        for end in ends
    ]


def heading() -> None:
    """Say on what, with what and when it was measured."""
    today = datetime.now(UTC).date()
    typer.echo(f"{processor()}, Python {platform.python_version()}, {today}")


# Where they are installed: rtbci stands alone without the other two packages.
for _place in ("offline.features.bench:features", "replay.bench:headset"):
    if (_command := command_at(_place)) is not None:
        app.command()(_command)
