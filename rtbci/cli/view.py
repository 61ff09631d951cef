"""How a prediction looks in a terminal.

Colour only repeats what the words say, so nothing is lost on a terminal without it.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from rtbci.publish.wire import Prediction, Quality, Status

SILENT_AFTER = 3.0
"""Seconds without a prediction after which the view says so."""

_STATE_STYLES = {"ok": "green", "warming-up": "cyan", "degraded": "yellow", "stale": "red"}
_LABEL_STYLES = {"negative": "red", "neutral": "yellow", "positive": "green"}
_OTHER_LABEL_STYLE = "cyan"
_NAMES_SHOWN = 6


def prediction_view(
    prediction: Prediction,
    truth: str | None = None,
    *,
    status: Status | None = None,
    lost: int = 0,
    silent_s: float = 0.0,
) -> RenderableType:
    """Draw one prediction.

    Parameters
    ----------
    prediction : Prediction
        What to show.
    truth : str or None
        The true label, where it is known.
    status : Status or None
        The newest status; its message is shown if it has one.
    lost : int
        Predictions that never arrived.
    silent_s : float
        Seconds since the prediction came in; a long silence is shown.

    Returns
    -------
    RenderableType
        Something for a Rich console.
    """
    rows: list[RenderableType] = [_headline(prediction, truth), Text()]
    rows += [_bars(prediction), Text(), _facts(prediction, lost)]
    if silent_s >= SILENT_AFTER:
        rows.append(Text(f"no prediction for {silent_s:.0f} s", style="bold red"))
    rows += _status_rows(status)
    title = Text.assemble((prediction.stream, "bold"), " - ", prediction.model)
    return Panel(Group(*rows), title=title, title_align="left", padding=(1, 2))


def waiting_view(
    address: str,
    stream: str | None,
    status: Status | None,
    waited_s: float,
    model: str | None = None,
) -> RenderableType:
    """Draw what there is to say before the first prediction.

    Parameters
    ----------
    address : str
        Where predictions are awaited from.
    stream : str or None
        The stream that is asked for; None: any.
    status : Status or None
        The newest status, if one came.
    waited_s : float
        Seconds waited so far.
    model : str or None
        The model that is asked for; None: what the live system says.

    Returns
    -------
    RenderableType
        Something for a Rich console.
    """
    of = "" if stream is None else f" of {stream}"
    by = "" if model is None else f" by the model {model}"
    waiting = f"waiting for predictions{of}{by} from {address} ({waited_s:.0f} s)"
    rows: list[RenderableType] = [Text(waiting)]
    rows += _status_rows(status)
    if status is not None and model is not None:
        rows.append(Text(f"the live system runs {status.model}"))
    if status is None and waited_s >= SILENT_AFTER:
        rows.append(Text("nothing heard yet: is `rtbci live` running there?", style="yellow"))
    return Panel(Group(*rows), title="rtbci", title_align="left", padding=(1, 2))


class _Bar:
    """A horizontal bar over the whole width, of blocks, or of # where there are none."""

    def __init__(self, fraction: float, style: str) -> None:
        self._fraction = fraction
        self._style = style

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        full, empty = ("#", ".") if options.ascii_only else ("█", "░")
        n_full = round(self._fraction * options.max_width)
        yield Segment(full * n_full, console.get_style(self._style))
        yield Segment(empty * (options.max_width - n_full), Style(dim=True))


def _headline(prediction: Prediction, truth: str | None) -> Text:
    if prediction.abstained:
        line = Text.assemble((prediction.label, "dim"), ("  uncertain", "yellow"))
    else:
        line = Text(prediction.label, style=f"bold {_label_style(prediction.label)}")
    if truth is not None:
        verdict = ("right", "green") if truth == prediction.label else ("wrong", "red")
        line.append_text(Text.assemble("   ", ("true label: ", "dim"), truth, "  ", verdict))
    return line


def _bars(prediction: Prediction) -> Table:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=24)
    table.add_column(ratio=1)
    table.add_column(justify="right", no_wrap=True)
    for label, probability in prediction.probabilities.items():
        weight = "bold" if label == prediction.label else "not bold"
        table.add_row(
            Text(label, style=weight),
            _Bar(probability, _label_style(label)),
            Text(f"{100 * probability:.1f} %", style=weight),
        )
    return table


def _facts(prediction: Prediction, lost: int) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    table.add_row("state", Text(prediction.state, style=_STATE_STYLES[prediction.state]))
    table.add_row("latency", f"{prediction.latency_ms:.1f} ms")
    table.add_row("quality", Text("; ".join(_complaints(prediction.quality)) or "good"))
    count = f"{prediction.seq}" + (f"  ({lost} lost on the way)" if lost else "")
    table.add_row("seq", count)
    return table


def _complaints(quality: Quality) -> Iterator[str]:
    if quality.bad_channels:
        yield f"bad channels ({len(quality.bad_channels)}): {_names(quality.bad_channels)}"
    if quality.interpolated:
        yield f"interpolated ({len(quality.interpolated)}): {_names(quality.interpolated)}"
    if quality.gap_ms:
        yield f"{quality.gap_ms:.0f} ms of samples lost"


def _names(names: tuple[str, ...]) -> str:
    rest = len(names) - _NAMES_SHOWN
    shown = ", ".join(names[:_NAMES_SHOWN])
    return f"{shown} and {rest} more" if rest > 0 else shown


def _status_rows(status: Status | None) -> list[RenderableType]:
    if status is None or not status.message:
        return []
    style = _STATE_STYLES[status.state]
    return [Text.assemble((status.state, style), ": ", status.message)]


def _label_style(label: str) -> str:
    return _LABEL_STYLES.get(label, _OTHER_LABEL_STYLE)
