"""``rtbci model``: what is in a model file."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from rtbci.cli.speed import Speed
    from rtbci.model.file import Model
    from rtbci.recipe import Recipe

app = typer.Typer(help="Look into model files.", no_args_is_help=True)

_SCORES = {
    "windows": "windows",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "expected_calibration_error": "calibration error (ECE)",
    "brier": "Brier score",
}
_ORIGIN = {
    "split": "held out",
    "trials": "trials",
    "chosen": "chosen on validation",
    "seed": "seed",
    "date": "trained",
    "versions": "with",
}


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="Model file, made by 'rtbci train'.")],
    sfreq: Annotated[
        float | None,
        typer.Option(
            help="Sampling rate at which a prediction is timed, hertz.",
            show_default="200, or what the model needs",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with all there is.")] = False,
) -> None:
    """Tell what a model recognises, from what, how well, where it comes from and how fast it is.

    Example: rtbci model show models/simulated.pt
    """
    from rich.console import Console

    with Console(stderr=True).status("measuring the time of a prediction"):
        from rtbci.cli.speed import measure, sfreq_for
        from rtbci.model.file import load_model

        model = load_model(file)
        speed = measure(model, sfreq_for(model.recipe) if sfreq is None else sfreq)
    found = described(model, file, speed)
    if as_json:
        typer.echo(json.dumps(found, indent=2, allow_nan=False, ensure_ascii=False))
        return
    console = Console(highlight=False, markup=False)
    console.print(_about(found, model.recipe))
    if (scores := _scores(found)).row_count:
        console.print(scores)
    if found["training"].get("simulated"):
        console.print("simulated data: the scores say nothing about real brains")


def described(model: Model, file: Path, speed: Speed) -> dict[str, Any]:
    """Return all that is known of a model as plain data.

    Parameters
    ----------
    model : Model
        What the file holds.
    file : Path
        Where it is.
    speed : Speed
        How fast it is here.
    """
    from rtbci.cli.machine import processor

    summary = model.training
    settings = summary.get("model")
    kind = settings.get("kind") if isinstance(settings, dict) else None
    found = {
        "name": model.name,
        "file": str(file),
        "bytes": file.stat().st_size,
        "kind": kind or model.network.original_name,
        "sees": model.sees,
        "parameters": sum(each.numel() for each in model.network.parameters()),
        "recipe": model.recipe.model_dump(mode="json"),
        "temperature": model.output.temperature,
        "abstain_below": model.output.abstain_below,
        "training": summary,
        "speed": {"processor": processor(), "threads": 1} | asdict(speed),
    }
    # A summary may hold numbers that JSON has none for.
    plain: dict[str, Any] = json.loads(json.dumps(found), parse_constant=lambda _: None)
    return plain


def _about(found: dict[str, Any], recipe: Recipe) -> Table:
    from rich.table import Column, Table

    summary, speed = found["training"], found["speed"]
    table = Table.grid(Column(no_wrap=True), Column(overflow="fold"), padding=(0, 2))
    table.add_row("name", found["name"])
    table.add_row("kind", f"{found['kind']}, which sees {found['sees']}")
    table.add_row("parameters", f"{found['parameters']:,}".replace(",", " "))
    table.add_row("file", f"{found['bytes'] / 1e3:.0f} kB")
    for name, value in _of_recipe(recipe, summary).items():
        table.add_row(name, value)
    table.add_row("temperature", f"{found['temperature']:.3g}")
    below = found["abstain_below"]
    table.add_row("abstains", f"below a probability of {below:.3f}" if below else "never")
    if "dataset" in summary:
        people = f", {summary['subjects']} people" if "subjects" in summary else ""
        made = " (simulated)" if summary.get("simulated") else ""
        table.add_row("data set", f"{summary['dataset']}{made}{people}")
    for key, name in _ORIGIN.items():
        if key in summary:
            table.add_row(name, _said(summary[key]))
    for part, name in (("network", "network alone"), ("hop", "samples to prediction")):
        took = speed[part]
        table.add_row(name, f"{took['median_ms']:.2f} ms median, {took['p99_ms']:.2f} ms p99")
    table.add_row(
        "timed on",
        f"{speed['processor']}, one thread; {len(recipe.channels)} channels at "
        f"{speed['sfreq']:g} Hz",
    )
    return table


def _of_recipe(recipe: Recipe, summary: dict[str, Any]) -> dict[str, str]:
    """Say what a person has to know of a recipe, row by row."""
    bands = ", ".join(f"{band.name} {band.low:g}-{band.high:g}" for band in recipe.bands)
    rows = {
        "classes": ", ".join(recipe.classes),
        "channels": f"{len(recipe.channels)}: {' '.join(recipe.channels)}",
        "bands": f"{bands} Hz",
        "features": ", ".join(feature.upper() for feature in recipe.features),
        "window": f"{recipe.window_s:g} s, a prediction each {recipe.hop_s:g} s",
    }
    if recipe.segments > 1:
        rows["segments"] = f"{recipe.segments}, one each {recipe.segment_s:g} s"
    scaling = recipe.normalisation
    rows["normalisation"] = scaling.kind
    if scaling.kind == "adaptive":
        rows["normalisation"] += f", time constant {scaling.time_constant_s:g} s"
    block = recipe.calibration
    rows["calibration"] = "none needed"
    if block is not None:
        rows["calibration"] = f"{block.seconds:g} s of {' and '.join(block.classes)}"
    rows["smoothing"] = "none"
    if recipe.smoothing is not None:
        rows["smoothing"] = _said(recipe.smoothing.model_dump())
        if "smoothing_lag_s" in summary:
            lag = summary["smoothing_lag_s"]
            later = "never" if lag is None else f"typically {lag:.1f} s later"
            rows["smoothing"] += f"; a change is told {later}"
    return rows


def _scores(found: dict[str, Any]) -> Table:
    from rich.table import Table

    table = Table("")
    parts = {
        name: found["training"][name]
        for name in ("validation", "test")
        if isinstance(found["training"].get(name), dict)
    }
    for name in parts:
        table.add_column(name, justify="right")
    for key, title in _SCORES.items():
        values = [part.get(key) for part in parts.values()]
        if any(value is not None for value in values):
            table.add_row(title, *(_figure(key, value) for value in values))
    if found["abstain_below"]:
        answered = [part.get("answered", {}) for part in parts.values()]
        for key, title in (
            ("coverage", "answered"),
            ("balanced_accuracy", "balanced accuracy of these"),
        ):
            table.add_row(title, *(_figure(key, each.get(key)) for each in answered))
    return table


def _figure(key: str, value: float | None) -> str:
    if value is None:
        return "-"
    if key == "windows":
        return str(value)
    return f"{value:.3f}" if key == "brier" else f"{100 * value:.1f} %"


def _said(value: Any) -> str:
    """Say plain data in one line, whatever it is."""
    if isinstance(value, dict):
        return ", ".join(f"{key.replace('_', ' ')} {_said(each)}" for key, each in value.items())
    if isinstance(value, list):
        return " ".join(_said(each) for each in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
