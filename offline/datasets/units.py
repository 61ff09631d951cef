"""The unit of numbers whose file does not say it."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import AfterValidator

from rtbci.errors import UnitError
from rtbci.montage.units import microvolts_per


def _voltage(unit: str) -> str:
    try:
        microvolts_per(unit)
    except UnitError:
        raise ValueError("not a voltage; allowed are V, mV, uV and nV") from None
    return unit


Unit: TypeAlias = Annotated[str, AfterValidator(_voltage)]
"""A setting that names a voltage, such as ``uV``."""
