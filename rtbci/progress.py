"""Progress bars: on stderr, and only where a person is watching."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress, ProgressColumn

T = TypeVar("T")


def progress_bar(*columns: str | ProgressColumn) -> Progress:
    """Return a bar that leaves nothing behind; without columns it has Rich's usual ones."""
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def track(items: Collection[T], description: str) -> Iterator[T]:
    """Iterate under a progress bar."""
    with progress_bar() as bar:
        yield from bar.track(items, total=len(items), description=description)
