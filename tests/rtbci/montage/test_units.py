"""Units: a thousandfold error would still look like EEG to the network."""

from __future__ import annotations

import pytest

from rtbci.errors import UnitError
from rtbci.montage.units import microvolts_per


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        *[(unit, 1e6) for unit in ("V", "v", "volt", "Volts", " volts ", "0")],
        *[(unit, 1e3) for unit in ("mV", "millivolt", "Millivolts", "-3")],
        # The micro sign and the Greek letter are two characters that look the same.
        *[(unit, 1.0) for unit in ("uV", "\u00b5V", "\u03bcV", "microvolts", "Microvolt", "-6")],
        *[(unit, 1e-3) for unit in ("nV", "nanovolts", "nanovolt", "-9")],
    ],
)
def test_a_voltage_in_any_of_its_spellings(unit, factor):
    assert microvolts_per(unit) == factor


@pytest.mark.parametrize("unit", ["", "  "])
def test_no_unit_is_no_guess(unit):
    with pytest.raises(UnitError, match=r"^no unit is declared; say it with --unit \(V, mV"):
        microvolts_per(unit)


@pytest.mark.parametrize("unit", ["T", "Ohm", "g", "m", "bpm", "uA", "kV"])
def test_what_is_no_voltage_is_named(unit):
    with pytest.raises(UnitError, match=f"^unit '{unit}' is not a voltage; say it with --unit"):
        microvolts_per(unit)
