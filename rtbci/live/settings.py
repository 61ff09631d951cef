"""Settings of the live system: what the recipe does not fix."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from rtbci.configuration import Settings
from rtbci.publish.wire import DEFAULT_ADDRESS


class LiveSettings(Settings):
    """Which stream, which model, where to publish.

    Attributes
    ----------
    model : Path
        The model file.
    stream : str
        ``name=...``, ``type=...``, ``source_id=...``, or bare: any of the three.
    timeout : float or None
        Seconds to wait for the stream at the start; None waits for ever.
    address : str
        ZeroMQ address to publish on.
    unit : str or None
        The stream's unit, where it declares none or a wrong one.
    channels : tuple of str
        The stream's channel names in order, where it does not declare them.
    bad_channels : tuple of str
        Channels not to be used; they are interpolated.
    lsl_out : bool
        Whether predictions also go out as an LSL stream.
    """

    model: Path
    stream: Annotated[str, Field(min_length=1)] = "type=EEG"
    timeout: Annotated[float, Field(gt=0)] | None = 30.0
    address: Annotated[str, Field(min_length=1)] = DEFAULT_ADDRESS
    unit: str | None = None
    channels: tuple[str, ...] = ()
    bad_channels: tuple[str, ...] = ()
    lsl_out: bool = False
