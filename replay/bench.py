"""``rtbci bench headset``: how much faster than real time a virtual headset's signal is made."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from rtbci.errors import ReplayError


def headset(
    source: Annotated[
        str, typer.Argument(help="A recording, a generator (PT) or 'simulator', as for replay.")
    ],
    reference: Annotated[
        str | None, typer.Option(help="Generators that edit: the recording that is edited.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, help="Seconds of signal made at a time.")] = 30.0,
    repeats: Annotated[int, typer.Option(min=1, help="How many times; the median counts.")] = 7,
) -> None:
    """Measure how much faster than real time a headset's signal is made, on one core.

    The classes take turns, as without a script. Nothing is streamed: what is measured is the most
    that 'rtbci replay --speed' could keep up with.

    Example: rtbci bench headset generator.pt --seconds 30
    """
    from replay.cli import open_source
    from rtbci.cli.bench import heading

    with _one_core():
        played = open_source(source, reference=reference)
        size = round(seconds * played.sfreq)
        blocks = played.blocks(size)
        next(blocks)  # what is prepared at the beginning
        times = []
        for _ in range(repeats):
            begun = time.perf_counter()
            block = next(blocks, None)
            times.append(time.perf_counter() - begun)
            if block is None or len(block.samples) < size:
                raise ReplayError(
                    f"{played.name}: ends before {repeats + 1} times {seconds:g} s; ask for less"
                )
    heading()
    typer.echo(
        f"{played.name}: {len(played.channels)} channels at {played.sfreq:g} Hz, "
        f"{repeats} times {seconds:g} s, on one core"
    )
    speeds = [seconds / each for each in times]
    typer.echo(
        f"{statistics.median(speeds):.0f} x real time (median), {min(speeds):.0f} x at the slowest"
    )


@contextmanager
def _one_core() -> Iterator[None]:
    """Keep the process on one core within the block, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
