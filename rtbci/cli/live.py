"""``rtbci live``: predict on a stream."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from rtbci.cli.stream_options import Bad, Channels, Unit, names_in
from rtbci.configuration import read_yaml, validate
from rtbci.errors import ConfigError
from rtbci.live.settings import LiveSettings
from rtbci.signals import stop_on_signals


def live(
    model: Annotated[
        list[Path] | None,
        typer.Option(
            "--model",
            "-m",
            help="Model file made by 'rtbci train'. Several times: they run side by side and their "
            "average is published.",
        ),
    ] = None,
    stream: Annotated[
        str | None,
        typer.Option(
            "--stream",
            "-s",
            help="Which stream: its name, type or source id, or name=..., type=..., source_id=...",
            show_default="type=EEG",
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(help="Seconds to wait for the stream.", show_default="30"),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(help="ZeroMQ address to publish on.", show_default="tcp://127.0.0.1:5556"),
    ] = None,
    unit: Unit = None,
    channels: Channels = None,
    bad: Bad = None,
    lsl_out: Annotated[
        bool | None,
        typer.Option("--lsl-out/--no-lsl-out", help="Also send predictions out over LSL."),
    ] = None,
    abstain_below: Annotated[
        float | None,
        typer.Option(
            help="Mark predictions whose greatest probability lies below this as better not acted "
            "on.",
            metavar="PROBABILITY",
            show_default="as the model says",
        ),
    ] = None,
    person: Annotated[
        list[Path] | None,
        typer.Option(help="The wearer's file from 'rtbci calibrate', for models that need one."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="YAML file with these settings.")
    ] = None,
) -> None:
    """Predict on an LSL stream, each hop, and publish over ZeroMQ until Ctrl-C.

    Example: [bold]rtbci live --model model.pt --stream "My amplifier"[/bold]

    Example, several models side by side: [bold]rtbci live --model cnn.pt --model graph.pt[/bold]
    """
    given = {
        "model": model or None,
        "stream": stream,
        "timeout": timeout,
        "address": address,
        "unit": unit,
        "channels": names_in(channels),
        "bad_channels": names_in(bad),
        "lsl_out": lsl_out,
        "abstain_below": abstain_below,
        "person": person or None,
    }
    settings = _settings(config, {key: value for key, value in given.items() if value is not None})

    from rich.console import Console

    console = Console(stderr=True)
    with console.status("loading the model"):
        from rtbci.live.system import LiveSystem

        system = LiveSystem(settings)
    with (
        stop_on_signals() as stop,
        console.status(f"live on {settings.stream!r}; Ctrl-C stops"),
    ):
        system.run(stop)
    console.print("rtbci: stopped", highlight=False)


def _settings(config: Path | None, given: dict[str, Any]) -> LiveSettings:
    """Merge the file's settings and the command line's, which win."""
    content = read_yaml(config) if config is not None else {}
    if config is not None:
        beside = {"model", "person"} & content.keys()
        content |= {key: _beside(config, content[key]) for key in beside}
    merged = content | given
    if "model" not in merged:
        raise ConfigError("no model: name its file with --model (made by 'rtbci train')")
    return validate(LiveSettings, merged, str(config) if config is not None else "command line")


def _beside(config: Path, model: Any) -> Any:
    """Take a model's path, or each of a list, as relative to the YAML file's folder."""
    if isinstance(model, list):
        return [_beside(config, one) for one in model]
    return os.path.normpath(config.parent / model) if isinstance(model, str) else model
