"""The commands, where they live, and what happens when one fails."""

from __future__ import annotations

import logging
import os
import signal
import sys
from types import FrameType
from typing import Annotated

import typer

import rtbci
from rtbci.cli.by_name import command_at
from rtbci.errors import RtbciError
from rtbci.logs import log_to_stderr
from rtbci.signals import repeat_dropped_interrupts
from rtbci.stream.network import quiet_lsl

# Each command and where its function is. Those outside rtbci are loaded by name, so that rtbci
# stands alone where only it is installed.
_COMMANDS = {
    "demo": "rtbci.cli.demo:demo",
    "live": "rtbci.cli.live:live",
    "calibrate": "rtbci.cli.calibrate:calibrate",
    "watch": "rtbci.cli.watch:watch",
    "streams": "rtbci.cli.streams:streams",
    "model": "rtbci.cli.model:app",
    "bench": "rtbci.cli.bench:app",
    "replay": "replay.cli:replay",
    "generate": "replay.generate:generate",
    "dataset": "offline.cli.dataset:app",
    "features": "offline.cli.features:features",
    "train": "offline.cli.train:train",
    "evaluate": "offline.cli.evaluate:evaluate",
    "ablate": "offline.cli.ablate:ablate",
    "augment": "offline.cli.augment:app",
}

_DEBUG_VARIABLE = "RTBCI_DEBUG"
_STOPPED = "stopped before it was done"
_TYPERS_INTERRUPT = 130  # what Typer makes of Ctrl-C, without a word


def build() -> typer.Typer:
    """Return the application with all commands that are installed."""
    app = typer.Typer(
        name="rtbci",
        help=f"{rtbci.__doc__}\n\nExample: [bold]rtbci demo[/bold]",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for name, place in _COMMANDS.items():
        command = command_at(place)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        elif command is not None:
            app.command(name)(command)
    return app


def main() -> None:
    """Run the command line; an error is one line on stderr."""
    signal.signal(signal.SIGTERM, _interrupt)
    repeat_dropped_interrupts()
    quiet_lsl()
    try:
        build()()
    except RtbciError as error:
        _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        _fail(_STOPPED, 1)
    except SystemExit as end:
        if end.code == _TYPERS_INTERRUPT:
            _fail(_STOPPED, 1)
        raise
    except BrokenPipeError:
        # Whoever read our output has gone; say nothing more, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        said = " ".join(str(error).split()) or type(error).__name__
        _fail(f"unexpected {type(error).__name__}: {said} (--debug shows where)", 1)


def _fail(said: str, code: int) -> None:
    if os.environ.get(_DEBUG_VARIABLE):
        logging.getLogger("rtbci").exception("failed")
    print(f"rtbci: {said}", file=sys.stderr)  # noqa: T201
    sys.exit(code)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Let SIGTERM end a command as Ctrl-C does: every ``with`` block closes what it holds."""
    raise KeyboardInterrupt


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rtbci {rtbci.__version__}")
        raise typer.Exit


def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Log more, show tracebacks.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    if debug:
        os.environ[_DEBUG_VARIABLE] = "1"
    log_to_stderr(logging.DEBUG if os.environ.get(_DEBUG_VARIABLE) else logging.INFO)
