"""``rtbci watch``: predictions in the terminal, or as JSON lines for another program."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Annotated

import typer
from rich.console import Console, RenderableType
from rich.live import Live

from rtbci.cli.view import prediction_view, waiting_view
from rtbci.publish.client import Subscription, subscribe
from rtbci.publish.wire import DEFAULT_ADDRESS, Prediction

_REFRESHES_PER_SECOND = 10


def watch(
    address: Annotated[
        str, typer.Option(help="Where the live system publishes.", metavar="ADDRESS")
    ] = DEFAULT_ADDRESS,
    stream: Annotated[
        str | None, typer.Option(help="Only predictions of this EEG stream.", metavar="NAME")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Of several models that run side by side, only this one's; without it, their "
            "average.",
            metavar="NAME",
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            help="Fail if no prediction comes for this long; without it, wait for ever.",
            metavar="SECONDS",
            min=0.0,
        ),
    ] = None,
    json_lines: Annotated[
        bool,
        typer.Option(
            "--json", help="Print one JSON object a line; also without it when not at a terminal."
        ),
    ] = False,
    count: Annotated[
        int | None, typer.Option(help="End after this many predictions.", metavar="N", min=1)
    ] = None,
) -> None:
    """Show the predictions of a live system; Ctrl-C ends it.

    Example: rtbci watch --stream eeg

    Example, one of several models: rtbci watch --model cnn

    Example, one JSON line a prediction: rtbci watch --count 10 | jq .label
    """
    console = Console()
    at_terminal = sys.stdout.isatty() and not console.is_dumb_terminal
    with _clean_end(), subscribe(address, stream, timeout, model) as subscription:
        if json_lines or not at_terminal:
            _print_lines(subscription, count)
        else:
            _show(_Screen(subscription, address, stream, model), console, count)


class _Screen:
    """What the view shows; drawn by Rich's own thread, so that it also tells of silence."""

    def __init__(
        self, subscription: Subscription, address: str, stream: str | None, model: str | None
    ) -> None:
        self.subscription = subscription
        self._address = address
        self._stream = stream
        self._model = model
        # One value, so that the drawing thread never sees a prediction with another one's time.
        self._latest: tuple[Prediction | None, float] = (None, time.monotonic())

    def update(self, prediction: Prediction) -> None:
        """Take a new prediction."""
        self._latest = (prediction, time.monotonic())

    def draw(self) -> RenderableType:
        """Return what to show now."""
        prediction, since = self._latest
        silent_s = time.monotonic() - since
        status = self.subscription.last_status
        if prediction is None:
            return waiting_view(self._address, self._stream, status, silent_s, self._model)
        return prediction_view(
            prediction, status=status, lost=self.subscription.lost, silent_s=silent_s
        )


def _show(screen: _Screen, console: Console, count: int | None) -> None:
    with Live(
        get_renderable=screen.draw, console=console, refresh_per_second=_REFRESHES_PER_SECOND
    ):
        for prediction in islice(screen.subscription, count):
            screen.update(prediction)


def _print_lines(subscription: Subscription, count: int | None) -> None:
    # Bytes, because JSON is UTF-8 whatever the terminal's encoding is.
    out = sys.stdout.buffer
    for prediction in islice(subscription, count):
        out.write(prediction.model_dump_json().encode() + b"\n")
        out.flush()


@contextmanager
def _clean_end() -> Iterator[None]:
    """Take Ctrl-C, SIGTERM and a reader that has gone (``| head``) as the wish to end."""
    try:
        yield
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:
        # Or Python would fail once more when it flushes stdout at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
