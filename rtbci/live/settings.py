"""Settings of the live system: what the recipe does not fix."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from rtbci.configuration import Settings
from rtbci.publish.wire import DEFAULT_ADDRESS


def _one_or_more(given: Any) -> Any:
    return (given,) if isinstance(given, str | Path) else given


class LiveSettings(Settings):
    """Which stream, which models, where to publish.

    Attributes
    ----------
    model : tuple of Path
        The model files; a single one may be given as it is. What several say is averaged.
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
    person : tuple of Path
        Files of the wearer's calibration, for models that need one; each finds its own among them.
    lsl_out : bool
        Whether predictions also go out as an LSL stream.
    abstain_below : float or None
        Greatest probability below which predictions are marked as better not acted on; None: as
        the models say.
    """

    model: Annotated[tuple[Path, ...], BeforeValidator(_one_or_more), Field(min_length=1)]
    stream: Annotated[str, Field(min_length=1)] = "type=EEG"
    timeout: Annotated[float, Field(gt=0)] | None = 30.0
    address: Annotated[str, Field(min_length=1)] = DEFAULT_ADDRESS
    unit: str | None = None
    channels: tuple[str, ...] = ()
    bad_channels: tuple[str, ...] = ()
    person: Annotated[tuple[Path, ...], BeforeValidator(_one_or_more)] = ()
    lsl_out: bool = False
    abstain_below: Annotated[float, Field(ge=0, le=1)] | None = None
