"""``rtbci demo``: the whole system on simulated data, from nothing to live predictions."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rtbci.errors import RtbciError

if TYPE_CHECKING:
    from rich.table import Table

    from rtbci.model.file import Model
    from rtbci.publish.client import Subscription
    from rtbci.publish.wire import Prediction
    from rtbci.stream.markers import MarkerInlet, Timeline

_HEADSET = "rtbci-demo"
_SESSIONS, _TRIALS, _TRIAL_S = 4, 15, 10
_SPEED = 8
_CHUNK = 4  # samples: a fifth of a hop, so that each hop ends with a chunk
_SILENCE_S = 1.0


@dataclass
class _Run:
    """What the demonstration has seen of the live system."""

    truth: Timeline
    predictions: list[Prediction] = field(default_factory=list)
    latencies_ms: list[float] = field(default_factory=list)
    sent: int = 0
    lost: int = 0
    sfreq: float = 0.0


def demo(
    output: Annotated[
        Path | None,
        typer.Option(help="Folder to keep the simulated data set, the model file and the log in."),
    ] = None,
) -> None:
    """Show the whole system on simulated data: train, play a virtual headset, predict live.

    It takes under a minute and ends by itself.

    Example: [bold]rtbci demo --output demo[/bold]
    """
    from rich.console import Console

    from rtbci.cache import cache_folder
    from rtbci.cli.processes import run
    from rtbci.configuration import packaged_config
    from rtbci.stream.network import isolated_lsl

    folder = (output or cache_folder() / "demo").absolute()
    data, model, log = folder / "data", folder / "model.pt", folder / "demo.log"
    folder.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"")
    console = Console()
    console.print(
        "[bold]rtbci demo[/bold]: everything here is simulated; no brain made these data.",
        highlight=False,
    )
    console.print(f"1. simulating {_SESSIONS} sessions in SEED's file layout", highlight=False)
    run(
        *("generate", data, "--subjects", 1, "--sessions", _SESSIONS),
        *("--trials", _TRIALS, "--trial-seconds", _TRIAL_S),
    )
    console.print("2. training the CNN on all but the last session", highlight=False)
    run("train", packaged_config("demo.yaml"), "--root", data, "--output", model)
    console.print("3. a virtual headset plays the last session; live predicts", highlight=False)
    with isolated_lsl():
        seen = _live(model, _last_session(data), log)
    if not seen.predictions:
        raise RtbciError(f"the live system predicted nothing; see {log}")
    _report(console, seen, model, log)


def _last_session(data: Path) -> Path:
    files = (data / "Preprocessed_EEG").glob("*_*.mat")
    return max(files, key=lambda path: re.split(r"[_.]", path.name)[1])


def _live(model: Path, recording: Path, log: Path) -> _Run:
    """Start headset and live system as processes of their own, and watch them to the end."""
    from rtbci.cli.processes import background, check_alive, free_address
    from rtbci.publish.client import Subscription
    from rtbci.publish.wire import DEFAULT_ADDRESS
    from rtbci.stream.markers import Timeline

    # The default, where it is free, so that 'rtbci watch' in another terminal sees it too.
    address = free_address(DEFAULT_ADDRESS)
    with ExitStack() as stack:
        headset = stack.enter_context(
            background(
                log,
                *("replay", recording, "--name", _HEADSET, "--speed", _SPEED, "--chunk", _CHUNK),
            )
        )
        markers = stack.enter_context(_open_markers(headset, log))
        subscription = stack.enter_context(Subscription(address, _HEADSET, None))
        live = stack.enter_context(
            background(log, "live", "--model", model, "--stream", _HEADSET, "--address", address)
        )
        seen = _Run(Timeline())
        for message in _show(subscription, seen, markers):
            check_alive(live, log)
            if headset.poll() is not None and message is None:
                check_alive(headset, log)
                break
        seen.lost = subscription.lost
    return seen


def _open_markers(headset: subprocess.Popen[bytes], log: Path) -> MarkerInlet:
    """Open the marker stream before anything reads the EEG, so that no marker is missed."""
    from rtbci.cli.processes import check_alive
    from rtbci.errors import StreamError
    from rtbci.stream.markers import MarkerInlet

    while True:
        check_alive(headset, log)
        try:
            return MarkerInlet(f"{_HEADSET}-markers", timeout=1.0)
        except StreamError:
            continue


def _show(
    subscription: Subscription, seen: _Run, markers: MarkerInlet
) -> Iterator[Prediction | None]:
    """Draw predictions as they come; yield each, and None after every second of silence."""
    import pylsl
    from rich.live import Live

    from rtbci.cli.view import prediction_view, waiting_view
    from rtbci.errors import ReceiveTimeoutError

    waiting_since = time.monotonic()
    with Live(refresh_per_second=10) as screen:
        while True:
            try:
                prediction = subscription.receive(_SILENCE_S)
            except ReceiveTimeoutError:
                prediction = None
            received = pylsl.local_clock()
            for text, stamp in markers.pull():
                seen.truth.hear(text, stamp)
            status = subscription.last_status
            if status is not None:
                seen.sent = max(seen.sent, status.predictions)
                seen.sfreq = status.sfreq or seen.sfreq
            if prediction is not None:
                seen.predictions.append(prediction)
                if prediction.state != "warming-up":
                    seen.latencies_ms.append(1e3 * (received - prediction.lsl_time))
                truth = seen.truth.during(prediction.lsl_time, prediction.lsl_time)
                screen.update(prediction_view(prediction, truth, lost=subscription.lost))
            elif not seen.predictions:
                waited = time.monotonic() - waiting_since
                screen.update(waiting_view("the live system", _HEADSET, status, waited))
            yield prediction


def _report(console: Any, seen: _Run, path: Path, log: Path) -> None:
    from rtbci.cli.scoring import percentiles, tally
    from rtbci.model.file import load_model

    model = load_model(path)
    window = round(model.recipe.window_s * seen.sfreq)
    found = tally(
        seen.predictions, seen.truth, model.recipe.classes, window, 1 / (seen.sfreq * _SPEED)
    )
    table = _accuracy_table(model, found.right, found.total)
    table.add_section()
    table.add_row("all", f"{sum(found.total.values())}", f"{found.accuracy:.1%}")
    console.print()
    console.print(table)
    p50, p99, top = percentiles(seen.latencies_ms)
    offline = model.training["test"]["accuracy"]
    facts = (
        f"the same session offline: {offline:.1%}, through the same signal path",
        f"predictions: {seen.sent} sent, {len(seen.predictions)} received, {seen.lost} lost",
        f"latency from a hop's last sample to its prediction: "
        f"{p50:.1f} ms median, {p99:.1f} ms p99, {top:.1f} ms max, at {_SPEED} times real time",
        f"model file: {path}",
        f"log: {log}",
    )
    for fact in facts:
        console.print(fact, highlight=False, soft_wrap=True)


def _accuracy_table(model: Model, right: dict[str, int], total: dict[str, int]) -> Table:
    from rich.table import Table

    table = Table(title="live against the markers", caption="simulated data")
    table.add_column("true class")
    table.add_column("predictions", justify="right")
    table.add_column("accuracy", justify="right")
    for name in model.recipe.classes:
        share = f"{right[name] / total[name]:.1%}" if total[name] else "-"
        table.add_row(name, str(total[name]), share)
    return table
